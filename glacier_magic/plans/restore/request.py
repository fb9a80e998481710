"""From a plan to the service: the downloads that are written first, and the requests that follow."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...base.ranges import ByteRange
from ...catalogue import Catalogue
from ...jobs import Batch, Tracker
from ...jobs.pacing import to_json
from .items import ASK, NOTHING, STATES, RestoreItem
from .timetable import Timetable


def carry_out(
    catalogue: Catalogue,
    tracker: Tracker,
    items: Sequence[RestoreItem],
    *,
    title: str,
    tier: str,
    root: Path,
    now: int,
    remember: Callable[[], int | None],
    timetable: Timetable | None = None,
) -> Batch:
    """Write the downloads of a plan, request what is due, and return the batch that follows them.

    :param remember: writes the promise of the plan and returns its number, in one transaction with
        the downloads: a killed process leaves both or neither.
    :param timetable: when each item that needs a request is to be requested; None for now.
    :raises GlacierError: the service refused every request.
    """
    batch = uuid.uuid4().hex
    asked = [item for item in items if item.action == ASK]
    due = dict(zip(map(id, asked), timetable.due if timetable else (), strict=False))

    def values(item: RestoreItem) -> dict[str, Any]:
        archive, job, when = item.archive, item.job, due.get(id(item))
        tree_hash = archive.tree_hash or (job.tree_hash if job else None)
        whole = item.cover is None or item.cover == ByteRange(0, (archive.size or 0) - 1)
        return {
            "vault": archive.vault,
            "batch": batch,
            "archive_id": archive.archive_id,
            "name": archive.name,
            "size": item.size,
            "tree_hash": None if item.part else tree_hash,
            "mtime": None if item.part else archive.mtime,
            "tier": tier,
            "root": str(root),
            "target": str(item.target),
            "token": f"glacier_magic {uuid.uuid4()}",
            "state": STATES[item.action],
            "job_id": job.job_id if job else None,
            "asked": now,
            "due": when,
            "limits": to_json(timetable.limits) if timetable and when else None,
            "part": str(item.part) if item.part else None,
            "cover": None if whole else str(item.cover),
        }

    downloads, linked = catalogue.downloads, []
    with catalogue.database.transaction():
        plan = remember()
        for item in items:
            if item.replaces is not None:
                downloads.drop_planned(item.replaces)
        written = [item for item in items if item.action in STATES]
        new = iter(downloads.want(values(item) for item in written if item.stopped is None))
        for item in items:
            if item.action in NOTHING:
                continue
            if item.action not in STATES:
                assert item.download is not None
                number = item.download.id
            elif item.stopped is None:
                number = next(new)
            else:  # its verified pieces are used again, below the name that they were fetched for
                number, again = item.stopped, values(item)
                del again["target"]
                downloads.update(number, **again, error=None, failure=None, ended=None, moves=0)
            linked.append((number, item.action == ASK, item.retrieved))
        if plan is not None:
            catalogue.plans.link(plan, linked)
    errors = tracker.ask_now(batch)
    if errors and len(errors) == len(asked):
        raise errors[0]
    tracker.start()
    return Batch(tracker, tuple(f"download-{number}" for number, _, _ in linked), title)
