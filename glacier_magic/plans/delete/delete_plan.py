"""A plan to delete archives, which is carried out from a saved queue."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.rendering import SHOWN, Rendered, escape, html_table, text_table
from ...base.units import plural, short_id
from ...catalogue import Deletion
from ...catalogue.records.deletion_records import Deletions
from ...errors import GlacierError
from ...errors.steps import step
from ...transfer.budget import Stopped
from ...transfer.deleting import Deleter, again
from ...transfer.engine import Engine
from ...transfer.migrate.proven_sources import SourceCheck
from ...transfer.progress import Observer
from .selection_plan import SelectionPlan

if TYPE_CHECKING:
    import pandas as pd


class Deleted(Rendered):
    """The outcome of a deletion: counts, and on demand a row for each archive.

    ``deleted``, ``failed`` and ``left`` count the archives that were deleted, that could not be, and
    that were not tried; ``number`` is the number of the deletion in the list of ``deletions``.

    :param failure: the first error.
    """

    besides = ""
    """What the plan did besides, as a sentence."""

    def __init__(self, queues: Deletions, deletion: Deletion, failure: GlacierError | None = None) -> None:
        self._queues, self.number, self.vault = queues, deletion.id, deletion.vault
        self.deleted, self.failed, self.left = deletion.deleted, deletion.failed, deletion.left
        self.failure = failure

    @property
    def table(self) -> pd.DataFrame:
        """One row per archive: name, size, archive_id, state, error; failed ones first."""
        return dataframes.deletions(
            item
            for state in ("failed", "queued", "deleted")
            for item in self._queues.items(self.number, state)
        )

    @property
    def words(self) -> str:
        """The outcome in a sentence."""
        words = f"{self.besides}Deleted {plural(self.deleted, 'archive')} from {self.vault}"
        if self.failed:
            words += f"; {self.failed:,} could not be deleted"
        if self.left:
            words += f"; {self.left:,} not tried yet"
        return f"{words}."

    def _failures(self) -> list[tuple[str, ...]]:
        items = self._queues.items(self.number, "failed", SHOWN)
        return [(i.name or i.archive_id, short_id(i.archive_id), i.error or "") for i in items]

    def _repr_text(self) -> str:
        rows = self._failures()
        return "\n".join([self.words, *([text_table(_FAILED, rows)] if rows else [])])

    def _repr_html(self) -> str:
        rows = self._failures()
        table = html_table(_FAILED, rows, long=(0, 2)) if rows else ""
        return f"<p>{escape(self.words)}</p>{table}"


_FAILED = ("name", "archive id", "why not")


def deleter_of(
    engine: Engine, queue: Deletion, *, observer: Observer | None = None, stop: threading.Event | None = None
) -> Deleter:
    """Return what deletes the archives of a queue; those of a move, only while S3 has them."""
    check = SourceCheck(engine, queue.vault, queue.of_moved) if queue.of_moved else None
    return Deleter(engine, queue, observer=observer, stop=stop, check=check)


def carry_out(deleter: Deleter, queues: Deletions) -> Deleted:
    """Delete the archives of a queue; return the outcome.

    :raises GlacierError: no archive could be deleted, or the rest cannot be tried now.
    """
    try:
        done = deleter.run()
    except Stopped:  # what was deleted before the stop is an outcome as well
        done = queues.get(deleter.number)
    if deleter.failure and not done.deleted:  # an outcome with some deleted is a result, not an error
        raise failure(done, deleter.failure)
    return Deleted(queues, done, deleter.failure)


def failure(done: Deletion, first: GlacierError) -> GlacierError:
    """Return an error for all archives that were not deleted, of the type of the first."""
    # A queue of one is as quickly deleted by its name again.
    kept = "" if done.archives == 1 else f" {step('deletions', f'{done.id}')} lists the rest, and {again()}"
    return type(first)(  # callers tell by the type whether it was denied, not found or not reachable
        f"{plural(done.failed, 'archive')} of {done.archives} could not be deleted: {first.message}",
        cure=f"{first.cure}{kept}".strip(),
        code=first.code,
    )


class DeletePlan(SelectionPlan[Deleted]):
    """Archives to delete: nothing is deleted until ``run()``.

    More than one archive needs ``run(confirm=VAULT)``.  The queue is saved before the first request,
    so that a resumed run deletes these archives and no others.
    """

    kind = "delete"
    button = "Delete"
    _queue: Deletion | None = None

    @property
    def confirmation(self) -> str:
        """The vault's name, for more than one archive."""
        return self.vault if len(self.choice) > 1 else ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not len(self.choice)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        count = plural(len(self.choice), "archive")
        return f"Delete {count} ({self.tally.size}) from {self.vault}, for ever"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        return [*self._selection_facts(), ("inventory", "unchanged until the next daily one is made")]

    def happened(self, result: Deleted) -> dict[str, Any]:
        """Return how many archives were deleted, how many not, and bytes where it was all."""
        whole = self.bytes if result.deleted == len(self.choice) else None  # sizes are summed for all only
        return {"deleted": result.deleted, "failed": result.failed, "bytes": whole}

    def _run(self) -> Deleted:
        queues = self._engine.catalogue.deletions
        if self._queue is None:
            self._queue = queues.begin(  # before the first request: after a kill the rest is known
                self.choice, what=self.title, size=self.bytes, promised=self.promised(), plan=self.number
            )
        else:
            queues.try_again(self._queue.id)  # a second run after an error continues the same queue
        self._stop.clear()  # of a run that was stopped before
        queue = queues.get(self._queue.id)  # with the counts of earlier runs
        deleter = deleter_of(self._engine, queue, observer=self._report, stop=self._stop)
        return carry_out(deleter, queues)
