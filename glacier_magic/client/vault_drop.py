"""Dropping a vault with its archives: an inventory, a confirmed deletion, an empty inventory, the drop."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..base.bucket_names import refuse_bucket
from ..errors import InputError, NotFound
from ..errors.steps import step
from ..jobs import Batch
from ..jobs.inventory_output import read_inventory
from ..plans import EmptyPlan
from ..plans.delete.drop_plan import end

if TYPE_CHECKING:
    from .session import Session


def begin_drop(session: Session, name: str) -> EmptyPlan | Batch:
    """Begin to drop a vault; see :meth:`.Session.drop_with_archives`."""
    refuse_bucket(name)
    tracker, jobs = session.tracker, session.catalogue.jobs
    with suppress(NotFound):  # begin() below reports a vault that does not exist
        tracker.refresh([name])
    drop = tracker.drops.dropper.begin(name)
    job = jobs.get(name, drop.job_id) if drop.job_id else None
    if drop.state == "listing" and job is not None and job.status == "Succeeded":
        # In this thread, not the tracker's: the plan needs the whole list.
        read_inventory(session.service, session.catalogue, job, budget=session.engine.budget)
        drop = tracker.drops.dropper.begin(name)  # the list is complete: it waits for a confirmation
    tracker.start()  # it waits for the inventory, and drops the vault days later
    if drop.state != "confirming":  # it waits for the list, or is under way: the board shows it
        return Batch(tracker, (drop.key,), f"Drop of {name}")
    return EmptyPlan(drop, engine=session.engine, tracker=tracker, log=session.plan_log)


def end_drop(session: Session, name: str) -> str:
    """End the drop of a vault; see :meth:`.Session.stop_drop`."""
    drops = session.catalogue.drops
    drop = drops.open_of(name) or drops.stopped_of(name)  # the deletion of a stopped one could be resumed
    if drop is None:
        raise InputError(f"No drop of {name!r} is in progress", cure=f"{step('drops')} lists them.")
    end(session.catalogue, drop)
    return f"The drop of {name} has ended; archives that were deleted stay deleted."
