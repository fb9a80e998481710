"""Parts of archives, as plans ask for them: what each takes, and the wish that is written first."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...base.ranges import ByteRange, cover, is_verifiable
from ...base.safenames import alternatives
from ...base.treehash import FileChanged, tree_hash
from ...catalogue import ArchiveRecord, Catalogue, Download, JobRecord
from ...catalogue.archives import states
from ...prices import PriceTable, Quote
from ...transfer.local_files import unverified
from .quoting import Asking, quote_for
from .restoring import ASK, DELETED, NOTHING, READY, RUNNING, THERE, UNDER_WAY, PlanItem, bytes_key


@dataclass(frozen=True, kw_only=True)
class PartItem(PlanItem):
    """One part of an archive, where it goes and what it takes.

    :param cover: what the service would be asked for; *job*: what serves it already.
    """

    part: ByteRange
    cover: ByteRange
    job: JobRecord | None = None
    download: Download | None = None

    @property
    def size(self) -> int:
        """Bytes that are written."""
        return self.part.size

    @property
    def key(self) -> str:
        """What tells the part from others of the vault."""
        return f"{self.archive.archive_id} {self.part}"

    @property
    def keys(self) -> set[str]:
        """The keys of what serves it when it is asked for: the part itself, and the archive."""
        return {self.key, bytes_key(self.archive)}

    @property
    def verifiable(self) -> bool:
        """Whether the service tells the tree hashes of what it will send."""
        if self.job is not None:
            return self.job.verifiable
        if self.download is not None:
            return self.download.state != "unverified"
        return is_verifiable(self.cover, self.archive.size or 0)


def decide(
    catalogue: Catalogue, archive: ArchiveRecord, part: ByteRange, root: Path, target: Path
) -> PartItem:
    """Return what a part of an archive takes: nothing that is there or asked for already."""
    downloads, size = catalogue.downloads, archive.size or 0
    item = PartItem(archive=archive, part=part, target=target, action=ASK, cover=cover(part, size))
    known = downloads.parts_of(archive.vault, archive.archive_id, str(root))
    there = next((row for row in known if row.part == str(part) and is_there(row)), None)
    if there is not None:
        return replace(item, action=THERE, target=Path(there.target), download=there)
    row = downloads.open_for(archive.vault, archive.archive_id, str(root), str(part))
    if row is not None:
        job = catalogue.jobs.get(archive.vault, row.job_id) if row.job_id else None
        return replace(item, action=UNDER_WAY, target=Path(row.target), job=job, download=row)
    job = catalogue.jobs.for_archive(archive.vault, archive.archive_id, part)
    if job is None:
        record = catalogue.archives.get(archive.vault, archive.archive_id)
        deleted = record is not None and record.state == states.DELETED
        return replace(item, action=DELETED) if deleted else item
    return replace(item, action=READY if job.status == "Succeeded" else RUNNING, job=job)


def is_there(row: Download) -> bool:
    """Tell whether the file of an ended download is still what it was."""
    if row.state not in ("verified", "unverified") or row.tree_hash is None:
        return False
    with suppress(OSError, FileChanged):
        file = Path(row.target)
        return file.stat().st_size == row.size and tree_hash(file) == row.tree_hash
    return False


def free_name(target: Path, taken: set[str]) -> Path:
    """Return a name that no file has, nor one of *taken*, and take it."""
    chosen = next(
        path
        for path in alternatives(target)
        if not (path.exists() or unverified(path).exists() or str(path).casefold() in taken)
    )
    taken.add(str(chosen).casefold())
    return chosen


def asked_keys(items: Iterable[PartItem]) -> frozenset[str]:
    """Return a key of each part that the service would be asked for."""
    return frozenset(item.key for item in items if item.action == ASK)


def price(prices: PriceTable, items: Iterable[PartItem], tier: str, destination: str) -> Quote:
    """Return what the parts cost: asking for those that are not asked for, and the way out.

    The way out is that of all that this plan fetches, as for whole archives.

    :param destination: where the bytes go: ``here``, ``region`` or ``internet``.
    """
    found = [item for item in items if item.action in (ASK, RUNNING, READY)]
    asked = [item for item in found if item.action == ASK]
    asking = Asking(
        requests=len(asked),
        bytes=sum(item.cover.size for item in asked),
        out=sum(item.cover.size for item in found),
    )
    return quote_for(prices, asking, tier, destination)


def needed(items: Iterable[PartItem]) -> int:
    """Return the bytes that the parts which are still to come take on the disk."""
    return sum(item.part.size for item in items if item.action not in NOTHING)


def wish(
    catalogue: Catalogue, items: Iterable[PartItem], *, tier: str, root: Path, now: int, batch: str
) -> list[tuple[int, bool, int | None]]:
    """Write the consent for the parts of a plan, all or none; return the rows to follow.

    With each: whether it is asked for, and the bytes that the service retrieves for it.
    """
    rows: list[tuple[int, bool, int | None]] = []
    with catalogue.database.transaction():
        for item in items:
            if item.action == UNDER_WAY and item.download is not None:
                rows.append((item.download.id, False, item.cover.size))
            elif item.action not in NOTHING:
                number = _wish(catalogue, item, _values(item, tier, root, now, batch))
                rows.append((number, item.action == ASK, item.cover.size))
    return rows


def _wish(catalogue: Catalogue, item: PartItem, values: dict[str, Any]) -> int:
    downloads = catalogue.downloads
    stopped = downloads.stopped_for(
        item.archive.vault, item.archive.archive_id, values["root"], values["part"]
    )
    if stopped is None:
        return downloads.want([values])[0]
    del values["target"]  # its pieces are used again
    downloads.update(stopped.id, **values, error=None, failure=None, ended=None)
    return stopped.id


def _values(item: PartItem, tier: str, root: Path, now: int, batch: str) -> dict[str, Any]:
    archive, job = item.archive, item.job
    whole = item.cover == ByteRange(0, (archive.size or 0) - 1)
    return {
        "vault": archive.vault,
        "batch": batch,
        "archive_id": archive.archive_id,
        "name": archive.name,
        "size": item.part.size,
        "tier": tier,
        "root": str(root),
        "target": str(item.target),
        "token": f"glacier_magic {uuid.uuid4()}",
        "state": {ASK: "planned", RUNNING: "waiting", READY: "ready"}[item.action],
        "job_id": job.job_id if job else None,
        "asked": now,
        "part": str(item.part),
        "cover": None if whole else str(item.cover),
    }
