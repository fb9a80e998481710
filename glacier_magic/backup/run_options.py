"""How a backup compares files, and packs them."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.archives.labels import changed, checked_note

PACK = 1 << 30
"""Bytes of files in a pack; a larger file has one of its own."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run compares files, and packs them.

    :param checksum: read all files; *trust_mtime*: size and time suffice.
    :param labels: of the snapshot, or of the last one if nothing is new; and its *note*.
    :param level: of zstd; *pack_size*: bytes of files in a pack.
    :param repack: packs whose contents are stored in new packs, as far as they are on the disk.
    """

    checksum: bool = False
    trust_mtime: bool = False
    level: int = 3
    pack_size: int = PACK
    labels: tuple[str, ...] = ()
    note: str = ""
    repack: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        changed("", self.labels, ())  # raises before anything is sent
        checked_note(self.note)
