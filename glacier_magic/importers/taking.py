"""Adding imported archives to the catalogue; facts that the catalogue has are never replaced.

A new archive is *unknown* until an inventory in the catalogue lists it, *deleted* if the program
deleted it, and *gone* if a later inventory in the catalogue does not list it.  Importing the same
file again changes nothing.  A file of names only adds no archives; it names those whose description
encodes no name.
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
from ..catalogue.archives.labels import labels_in
from ..catalogue.archives.states import DELETED
from ..errors import InputError
from ..errors.steps import option, step
from .imported import Imported, ImportedArchive, Left

CHUNK = 10_000
"""Archives per transaction: others wait about a second, and there are few disk syncs."""

_VAULT = re.compile("[A-Za-z0-9_.-]{1,255}")
_UNNAMED = frozenset({"none", "plain", "imported"})
"""Formats of archives whose name is not encoded in their description."""
_NAMING = ("name", "description", "format", "mtime", "labels", "note")


@dataclass(kw_only=True)
class ImportReport:
    """The result of an import, or of a dry run: archives by outcome, and items left out.

    ``taken`` counts new archives by state; ``completed`` counts known ones that gained a name or
    facts from the file, ``known`` those that did not.  ``jobs`` are never imported: the service lists those
    that still exist.
    """

    format: str
    source: Path
    left: Left
    dry_run: bool = False
    names_only: bool = False
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
    """Add the archives in *imported* to the catalogue, in batches; return a report.

    :param vault: the vault of the archives, if the file does not name it; otherwise, the only vault
        to import.
    :param otherwise: returns the vault of a file that does not name it, if *vault* is None.
    :param dry_run: write nothing.
    :raises InputError: the file does not name its vault and none is given.
    """
    report = ImportReport(
        format=imported.format,
        source=imported.source,
        left=imported.left,
        dry_run=dry_run,
        names_only=imported.names_only,
        notes=list(imported.notes),
    )
    found = _placed(imported, catalogue, vault, otherwise)
    newest = cache(lambda name: _newest(catalogue, name))  # one query per vault
    while batch := list(islice(found, CHUNK)):
        batch.sort(key=lambda pair: (pair[1], pair[0].archive_id))  # in the order of the index
        with catalogue.database.transaction():
            before = {
                (place, a.archive_id): catalogue.archives.get(place, a.archive_id) for a, place in batch
            }
            after = dict(before)
            for archive, place in batch:  # which may have an archive twice
                if imported.names_only:
                    _name(after, archive, place, report)
                else:
                    _merge(after, _record(archive, place, _state(archive, newest(place))), report)
            for key, record in after.items():
                if record is not None and record != before[key] and not dry_run:
                    _write(catalogue, before[key], record)
    report.jobs = sum(1 for _ in imported.jobs)  # iterating also fills report.left
    if imported.names_only and not (report.completed or report.known):
        raise _nothing_named(report)
    return report


def _write(catalogue: Catalogue, before: ArchiveRecord | None, record: ArchiveRecord) -> None:
    if before is None or replace(record, **{fact: getattr(before, fact) for fact in _NAMING}) != before:
        catalogue.archives.record(record)
    if before is not None and any(getattr(record, fact) != getattr(before, fact) for fact in _NAMING):
        catalogue.archives.describe(record)


def _nothing_named(report: ImportReport) -> InputError:
    reasons = "; ".join(f"{why} ({count:,})" for why, count in report.left.reasons.most_common(3))
    return InputError(
        f"{report.source} names no archive of the vault{f': {reasons}' if reasons else ''}",
        cure=f"Name its vault with {option('vault', 'NAME')}, and read the inventory of that first: "
        f"{step('inventory')}.",
    )


def _placed(
    imported: Imported, catalogue: Catalogue, vault: str | None, otherwise: Callable[[], str] | None
) -> Iterator[tuple[ImportedArchive, str]]:
    """Yield the archives of this account, region and vault, each with its vault."""
    for archive in imported.items:
        if archive.vault is None and vault is None:
            if otherwise is None:
                raise InputError(
                    f"{imported.source} does not name the vault of its archives",
                    cure=f"Name it: {option('vault', 'NAME')}.",
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
    if archive.account not in (None, own, masked(own)):  # exports mask the account
        return "it belongs to another account: connect to that account first"
    if archive.region not in (None, catalogue.scope.region):
        return f"it is in {archive.region}: {step('connect', f'--region {archive.region}')} first"
    if vault not in (None, place):
        return f"it is in a vault other than {vault}"
    # A name becomes part of a request's path.
    return None if _VAULT.fullmatch(place) else "its vault has an invalid name"


def _newest(catalogue: Catalogue, vault: str) -> int | None:
    inventory = catalogue.inventories.newest(vault)
    return inventory.made if inventory else None


def _merge(
    records: dict[tuple[str, str], ArchiveRecord | None], new: ArchiveRecord, report: ImportReport
) -> None:
    """Merge a record into those of the catalogue, and count the outcome."""
    key = new.vault, new.archive_id
    known = records[key]
    if known is None:
        records[key] = new
        report.taken[new.state] += 1
        report.vaults[new.vault] += 1
    elif (completed := _completed(known, new)) == known:
        report.known += 1
    else:
        records[key] = completed
        report.completed += 1


def _name(
    records: dict[tuple[str, str], ArchiveRecord | None],
    archive: ImportedArchive,
    vault: str,
    report: ImportReport,
) -> None:
    """Name an archive of the catalogue, unless its description encodes another name."""
    key = vault, archive.archive_id
    known, name = records[key], archive.name or ""
    if known is None:
        report.left.add(name, f"the catalogue knows no archive of {vault} with its id")
        return
    mtime = known.mtime if archive.mtime_ms is None else archive.mtime_ms
    named = known
    if known.format in _UNNAMED:
        form = known.format if name == known.name else "imported"
        named = replace(known, name=name, mtime=mtime, format=form)
    elif name != known.name:
        report.left.add(name, "the description of its archive encodes another name")
    records[key] = named
    if named == known:
        report.known += 1
    else:
        report.completed += 1


def _state(archive: ImportedArchive, newest: int | None) -> str:
    if archive.deleted:
        return DELETED
    if archive.gone:
        return "gone"
    if newest is not None:
        seen, created = archive.seen_ms, archive.created_ms
        # Newly created archives may be missing from an inventory for up to LAG.
        if (seen or newest) < newest or (created or newest) < newest - LAG:
            return "gone"
    return "unknown"


def _record(archive: ImportedArchive, vault: str, state: str) -> ArchiveRecord:
    facts: dict[str, Any] = {
        "labels": archive.labels,
        "note": archive.note,
        "vault": vault,
        "archive_id": archive.archive_id,
        "size": archive.size,
        "created": archive.created_ms,
        "tree_hash": archive.tree_hash,
        "state": state,
        "seen": None,  # by an inventory that is not in the catalogue
    }
    if archive.description is not None:
        found = ArchiveRecord.described(archive.description, **facts)
        if archive.name in (None, found.name) or found.format != "plain":
            return found
        return replace(found, name=archive.name, mtime=archive.mtime_ms, format="imported")
    return ArchiveRecord(
        name=archive.name or "",
        description="",
        format="imported" if archive.name else "none",
        mtime=archive.mtime_ms,
        **facts,
    )


def _completed(known: ArchiveRecord, new: ArchiveRecord) -> ArchiveRecord:
    """Return *known* with the facts it lacks from *new*; only an unknown state can change."""
    facts = {
        name: getattr(new, name) for name in ("size", "created", "tree_hash") if getattr(known, name) is None
    }
    if known.state == "unknown":
        facts["state"] = new.state
    if known.format == "none":  # no inventory has its name
        facts |= {fact: getattr(new, fact) for fact in _NAMING}
    labels = labels_in(f"{known.labels} {new.labels}")
    return replace(known, **facts | {"labels": labels, "note": known.note or new.note})
