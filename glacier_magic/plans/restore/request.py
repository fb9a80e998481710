"""From a plan to the service: the folder is checked, the downloads are written, the requests follow."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...base.ranges import ByteRange
from ...base.units import human_bytes, human_total
from ...catalogue import Catalogue
from ...catalogue.records.downloads import Downloads
from ...errors import InputError, LocalError
from ...errors.steps import option
from ...jobs import Batch, Tracker
from ...jobs.board import download_key
from ...jobs.pacing import to_json
from .item_rows import Item, Items
from .items import ASK, NOTHING, STATES, TO_FETCH, RetrievalItem
from .timetable import Timetable


def carry_out(
    catalogue: Catalogue,
    tracker: Tracker,
    items: Sequence[Item],
    *,
    title: str,
    tier: str,
    root: Path | str,
    now: int,
    remember: Callable[[], int | None],
    timetable: Timetable | None = None,
    record: Callable[[Item, int], None] = lambda _item, _number: None,
) -> Batch:
    """Write the downloads of a plan, request what is due, and return the batch that follows them.

    :param remember: writes the promise of the plan and returns its number, in one transaction with
        the downloads: a killed process leaves both or neither.
    :param timetable: when each item that needs a request is to be requested; None for now.
    :param record: writes what else belongs to the download of an item, given its number.
    :raises GlacierError: the service refused every request.
    """
    batch = uuid.uuid4().hex
    shared = {"batch": batch, "tier": tier, "root": str(root), "asked": now}
    items = items if isinstance(items, Items) else Items.of(items)
    asked = items.places(ASK)
    due = dict(zip(asked, timetable.due if timetable else (), strict=False))
    limits = to_json(timetable.limits) if timetable else None

    def row(place: int, item: Item) -> dict[str, Any]:
        when = due.get(place)
        return _row(item) | shared | {"due": when, "limits": limits if when else None}

    with catalogue.database.transaction():  # a killed process leaves the promise and its rows, or neither
        plan = remember()
        linked = _write(catalogue.downloads, items, row, record)
        if plan is not None:  # None: free fetches of a look are no plan
            catalogue.plans.link(plan, linked)
    errors = tracker.ask_now(batch)  # after the transaction: from here on it is paid
    if errors and len(errors) == len(asked):  # with some accepted, the board shows the others
        raise errors[0]
    tracker.start()
    return Batch(tracker, tuple(download_key(number) for number, _, _ in linked), title)


def _write(
    downloads: Downloads,
    items: Items[Item],
    row: Callable[[int, Item], dict[str, Any]],
    record: Callable[[Item, int], None],
) -> list[tuple[int, bool, int | None]]:
    """Write the rows of items; return of each its number, whether it is requested, and the bytes."""
    for item in items.known.values():
        if item.replaces is not None:  # in the same transaction: two rows would be paid twice
            downloads.drop_planned(item.replaces)
    new = iter(
        downloads.want(
            row(place, item)
            for place, item in enumerate(items)
            if item.action in STATES and item.stopped is None
        )
    )
    linked = []
    for place, item in enumerate(items):
        if item.action in NOTHING:
            continue
        if item.action not in STATES:
            assert item.download is not None
            number = item.download.id
        elif item.stopped is None:
            number = next(new)
        else:  # its verified pieces are used again, below the name that they were fetched for
            number, again = item.stopped, row(place, item)
            del again["target"]
            downloads.update(number, **again, error=None, failure=None, ended=None, moves=0)
        if item.action in STATES:
            record(item, number)
        # Another plan, or none, pays for the way of what is under way or copied.
        linked.append((number, item.action == ASK, item.retrieved if item.action in TO_FETCH else None))
    return linked


def _row(item: RetrievalItem) -> dict[str, Any]:
    archive, job = item.archive, item.job
    tree_hash = archive.tree_hash or (job.tree_hash if job else None)  # no inventory: the job knows it
    whole = item.cover is None or item.cover == ByteRange(0, (archive.size or 0) - 1)
    return {
        "vault": archive.vault,
        "archive_id": archive.archive_id,
        "name": archive.name,
        "size": item.size,
        "tree_hash": None if item.part else tree_hash,  # that of a part is known after the download
        "mtime": None if item.part else archive.mtime,
        "target": item.place,
        "token": f"glacier_magic {uuid.uuid4()}",  # finds the job if the response is lost
        "state": STATES[item.action],
        "job_id": job.job_id if job else None,
        "part": str(item.part) if item.part else None,
        # A job without a range serves requests for the whole archive too.
        "cover": None if whole else str(item.cover),
    }


# The folder


def folder_named(name: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a folder; ``~`` is the home.

    :raises InputError: it cannot be a path.
    """
    try:
        if "\0" in os.fsdecode(name):  # pathlib accepts it, and fails later with a bare ValueError
            raise ValueError("it has a character that no path can have")
        return Path(os.fsdecode(name)).expanduser().absolute()
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: "~name" has no home
        raise InputError(
            f"{name!r:.80} is not a folder: {error}", cure="Name one, such as restored."
        ) from None


def room(folder: Path, needed: int, unsized: int = 0) -> tuple[bool, str]:
    """Return whether *needed* bytes fit, and a text with the free and the needed bytes.

    A missing folder is measured on the disk of its nearest existing parent.

    :param unsized: how many files of unknown size need space as well.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:  # the root is its own parent
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    words = f"{human_bytes(free)} free, {human_total(needed, unsized)} needed"
    return needed <= free, words if needed <= free else f"NOT ENOUGH: {words}"


def check_folder(folder: Path, needed: int) -> None:
    """Check that files can be written to a folder, before anything is paid.

    :raises LocalError: the folder cannot be written, or has too little room.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permissions alone do not tell: quotas, read-only mounts
            pass
    except OSError as error:
        raise LocalError(
            f"No request was sent: {folder} cannot be written: {error.strerror or error}",
            cure=f"Name another folder with {option('to')}.",
        ) from None
    missing = shortage(folder, needed)
    if missing:
        raise missing


def shortage(folder: Path, needed: int) -> LocalError | None:
    """Return the error where there is no room for *needed* bytes; None otherwise."""
    enough, words = room(folder, needed)
    if enough:
        return None
    return LocalError(
        f"No request was sent: there is no room in {folder}: {words}",
        cure="Free some space, or name another folder with --to.",
    )
