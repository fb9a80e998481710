"""What another program knew, taken into the catalogue: new facts, never instead of better ones.

An archive that the catalogue has keeps what it says there.  A new one is *unknown* until an
inventory read here lists it, *deleted* where the program deleted it, and *gone* where an inventory
read here since does not have it.  Taking the same file again changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from ..base.units import masked
from ..catalogue import ArchiveRecord, Catalogue
from ..catalogue.archives.archives import LAG
from ..catalogue.archives.states import DELETED
from ..errors import InputError
from ..steps import step
from .imported import Imported, ImportedArchive, Left

CHUNK = 10_000
"""Archives in a transaction: a second in which others wait, and few waits for the disk."""

_VAULT = re.compile("[A-Za-z0-9_.-]{1,255}")


@dataclass(kw_only=True)
class ImportReport:
    """What an import did, or would do: archives by outcome, and what was left with the reasons.

    ``taken`` counts the new ones by state; ``completed`` those that were known without some fact
    that the file has, ``known`` those it adds nothing to.  ``jobs`` are never taken: the service
    itself lists those that it still has.
    """

    format: str
    source: Path
    left: Left
    dry_run: bool = False
    taken: Counter[str] = field(default_factory=Counter)
    vaults: Counter[str] = field(default_factory=Counter)
    completed: int = 0
    known: int = 0
    jobs: int = 0
    notes: list[str] = field(default_factory=list)


def take(
    imported: Imported,
    catalogue: Catalogue,
    *,
    vault: str | None = None,
    otherwise: Callable[[], str] | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Write what *imported* holds into the catalogue, in batches; return what was taken and left.

    :param vault: where the archives are, of a file that does not say; of one that does, the only
        vault to take.
    :param otherwise: asked for the vault of a file that does not say, if *vault* is not given.
    :param dry_run: write nothing.
    :raises InputError: the file does not name its vault and none is given.
    """
    report = ImportReport(
        format=imported.format,
        source=imported.source,
        left=imported.left,
        dry_run=dry_run,
        notes=list(imported.notes),
    )
    found = _placed(imported, catalogue, vault, otherwise)
    newest = cache(lambda name: _newest(catalogue, name))
    while batch := list(islice(found, CHUNK)):
        batch.sort(key=lambda pair: (pair[1], pair[0].archive_id))  # neighbours together
        with catalogue.database.transaction():
            known = _known(catalogue, batch)
            for archive, place in batch:
                record = _record(archive, place, _state(archive, newest(place)))
                _compare(known, record, report)
            if not dry_run:
                _write(catalogue, known)
    report.jobs = sum(1 for _ in imported.jobs)
    return report


def _placed(
    imported: Imported, catalogue: Catalogue, vault: str | None, otherwise: Callable[[], str] | None
) -> Iterator[tuple[ImportedArchive, str]]:
    """Yield the archives that belong here, each with its vault."""
    for archive in imported.items:
        if archive.vault is None and vault is None:
            if otherwise is None:
                raise InputError(
                    f"{imported.source} does not say in which vault its archives are",
                    cure="Name it: --vault NAME.",
                )
            vault = otherwise()
        place = archive.vault or vault or ""
        why = _misplaced(archive, place, catalogue, vault)
        if why:
            imported.left.add(archive.name or archive.archive_id, why)
        else:
            yield archive, place


def _misplaced(archive: ImportedArchive, place: str, catalogue: Catalogue, vault: str | None) -> str | None:
    own = catalogue.scope.account
    if archive.account not in (None, own, masked(own)):
        return "it is of another account: connect to that one first"
    if archive.region not in (None, catalogue.scope.region):
        return f"it is in {archive.region}: {step('connect', f'--region {archive.region}')} first"
    if vault not in (None, place):
        return f"it is in another vault than {vault}"
    return None if _VAULT.fullmatch(place) else "no vault can have such a name"


def _newest(catalogue: Catalogue, vault: str) -> int | None:
    inventory = catalogue.inventories.newest(vault)
    return inventory.made if inventory else None


@dataclass(slots=True)
class _Row:
    """What the catalogue has of an archive, None if nothing, and what it should have."""

    before: ArchiveRecord | None
    after: ArchiveRecord | None


_Rows = dict[tuple[str, str], _Row]


def _known(catalogue: Catalogue, batch: list[tuple[ImportedArchive, str]]) -> _Rows:
    """Return what the catalogue has of the archives of a batch, by vault and id."""
    rows: _Rows = {}
    for archive, vault in batch:
        found = catalogue.archives.get(vault, archive.archive_id)
        rows[vault, archive.archive_id] = _Row(found, found)
    return rows


def _compare(rows: _Rows, record: ArchiveRecord, report: ImportReport) -> None:
    """Note what a record adds to what is known, and count it."""
    row = rows[record.vault, record.archive_id]
    if row.after is None:
        row.after = record
        report.taken[record.state] += 1
        report.vaults[record.vault] += 1
        return
    completed = _completed(row.after, record)
    if completed == row.after:
        report.known += 1
    else:
        row.after = completed
        report.completed += 1


def _write(catalogue: Catalogue, rows: _Rows) -> None:
    """Write what is new or was completed."""
    for row in rows.values():
        if row.after is not None and row.after != row.before:
            catalogue.archives.record(row.after)


def _state(archive: ImportedArchive, newest: int | None) -> str:
    if archive.deleted:
        return DELETED
    if archive.gone:
        return "gone"
    if newest is not None:
        seen, created = archive.seen_ms, archive.created_ms
        if (seen or newest) < newest or (created or newest) < newest - LAG:
            return "gone"
    return "unknown"


def _record(archive: ImportedArchive, vault: str, state: str) -> ArchiveRecord:
    facts: dict[str, Any] = {
        "vault": vault,
        "archive_id": archive.archive_id,
        "size": archive.size,
        "created": archive.created_ms,
        "tree_hash": archive.tree_hash,
        "state": state,
        "seen": None,  # by an inventory that is not in the catalogue
    }
    if archive.description is not None:
        return ArchiveRecord.described(archive.description, **facts)
    return ArchiveRecord(
        name=archive.name or "",
        description="",
        format="imported" if archive.name else "none",
        mtime=archive.mtime_ms,
        **facts,
    )


def _completed(known: ArchiveRecord, new: ArchiveRecord) -> ArchiveRecord:
    """Return what is known with the facts it lacks; only an unknown state can change."""
    facts = {
        name: getattr(new, name) for name in ("size", "created", "tree_hash") if getattr(known, name) is None
    }
    if known.state == "unknown":
        facts["state"] = new.state
    return replace(known, **facts)
