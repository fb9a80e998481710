"""A pack while it is written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from ..catalogue.records.backup_rows import BackedUp
from ..packs import PackWriter


@dataclass
class OpenPack:
    """A pack that is being written, and its files: the record, the hash, and where the content begins.

    A hard link, or a file with the content of an earlier member, has no beginning of its own.

    :param needed: whether it has members that are not files.
    :param hashes: size and hash of each file, by its path; *known*: the hashes by their size.
    """

    pack: int
    writer: PackWriter
    needed: bool = False
    files: list[tuple[BackedUp, str, int | None]] = field(default_factory=list)
    hashes: dict[str, tuple[int, str]] = field(default_factory=dict)
    known: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
