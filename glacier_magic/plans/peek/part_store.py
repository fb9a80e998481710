"""Stores the parts that looks into archives have fetched, so that none is paid for twice.

They are downloads into a folder for each archive beside the catalogue, and are deleted when all
members are known, or when they take too much space.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...base.ranges import ByteRange, part_name
from ...catalogue import ArchiveRecord, Catalogue, Download
from ...prices.quotes import HERE
from ..restore.items import STATES, RestoreItem, decide, is_there

READ = "read: the members are in the catalogue"
"""The error text of a deleted part."""


class PartStore:
    """The fetched parts of one archive."""

    def __init__(self, catalogue: Catalogue, archive: ArchiveRecord) -> None:
        self._catalogue, self.archive = catalogue, archive
        scope = catalogue.scope
        # No path may come from a vault or archive name.
        key = "\n".join((scope.account, scope.region, archive.vault, archive.archive_id))
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self.root = catalogue.peeks / name
        self._whole: dict[int, tuple[ByteRange, Path]] = {}

    def rows(self) -> list[Download]:
        """Return the downloads of parts, in any state but forgotten."""
        return self._catalogue.downloads.below(self.archive.vault, str(self.root))

    def read(self, part: ByteRange) -> bytes | None:
        """Return bytes of the archive, or None where they are not at hand."""
        held = self._find(part)
        if held is None:
            return None
        with suppress(OSError), held[1].open("rb") as file:  # deleted since: not at hand
            file.seek(part.first - held[0].first)
            return file.read(part.size)
        return None

    def has(self, part: ByteRange) -> bool:
        """Return whether bytes of the archive are at hand."""
        return self._find(part) is not None

    def _find(self, part: ByteRange) -> tuple[ByteRange, Path] | None:
        found = (self._held(row) for row in self.rows())
        return next((held for held in found if held is not None and held[0].holds(part)), None)

    def _held(self, row: Download) -> tuple[ByteRange, Path] | None:
        """Return the range of a part whose file is as it came, which is looked at once."""
        part = row.asked_part
        if row.id not in self._whole and part is not None and is_there(row):  # is_there() hashes the file
            self._whole[row.id] = part, Path(row.target)
        return self._whole.get(row.id)

    def decide(self, part: ByteRange, tier: str) -> RestoreItem:
        """Return the item of a part that is not stored."""
        (item,) = decide(
            [self.archive],
            [part],
            vault=self.archive.vault,
            tier=tier,
            to=self.root,
            catalogue=self._catalogue,
        )
        new = item.action in STATES
        # Not the archive's name: it would have to be made safe, and nobody sees the file.
        return replace(item, target=self.root / part_name("window", part)) if new else item

    @property
    def doubtful(self) -> bool:
        """Whether some of the parts could not be verified."""
        return any(row.state == "unverified" for row in self.rows())

    def paid(self, destination: str) -> dict[str, tuple[int, int]]:
        """Return the parts, and the bytes in them, that were paid for.

        :returns: those that this program requested, by tier, and those that were transferred out of
            the region, by *destination*.
        """
        paid: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for row in self.rows():
            # Without a cover the whole archive was retrieved, and is charged.
            size = (ByteRange.read(row.cover) or ByteRange(0, (self.archive.size or 1) - 1)).size
            job = self._catalogue.jobs.get(row.vault, row.job_id) if row.job_id else None
            kinds = [row.tier] if job and job.description == row.token else []  # else another program's
            if destination != HERE and row.state in ("verified", "unverified"):
                kinds.append(destination)
            paid.update(kinds)
            sizes.update(dict.fromkeys(kinds, size))
        return {kind: (paid[kind], sizes[kind]) for kind in paid}

    def forget(self) -> None:
        """Delete the parts once the members are known."""
        for row in self.rows():
            if not row.open:  # an open one is still being written, and has been paid
                self._catalogue.downloads.update(row.id, state="forgotten", error=READ)
        if not any(row.open for row in self.rows()):  # a download would lose its folder
            shutil.rmtree(self.root, ignore_errors=True)


def tidy(catalogue: Catalogue) -> None:
    """Delete the oldest parts above :attr:`.Limits.peek_store` bytes, but none that is being fetched."""
    kept = 0
    with suppress(OSError):  # another process may be deleting the same folder
        # The newest first: a look that waits for its next round still needs its parts.
        folders = sorted(catalogue.peeks.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)
        for folder in folders:
            files = list(folder.iterdir())
            kept += sum(file.stat().st_size for file in files)
            # A part file: a download writes to it.
            if kept > catalogue.limits.peek_store and not any(file.name.endswith(".part") for file in files):
                shutil.rmtree(folder, ignore_errors=True)
