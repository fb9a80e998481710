"""Packs: many files in one archive, of which each can be read by a range of it.

A pack is a PAX tar, cut into frames of zstd that stand alone, with an index of its members and a table of its
frames at the end, all of it sealed with age.  Without this program:
``age -d -i KEY PACK | zstd -d | tar x``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.on_first_use import importing

if TYPE_CHECKING:
    from .pack_members import PackMember
    from .reader import PackReader, PlainRanges
    from .writer import Pack, PackWriter, walk
    from .zstd_frames import SeekTable

__all__ = ["Pack", "PackMember", "PackReader", "PackWriter", "PlainRanges", "SeekTable", "walk"]

__getattr__ = importing(  # the process that seals one pack needs none of them
    __name__,
    {
        "Pack": "writer",
        "PackMember": "pack_members",
        "PackReader": "reader",
        "PackWriter": "writer",
        "PlainRanges": "reader",
        "SeekTable": "zstd_frames",
        "walk": "writer",
    },
)
