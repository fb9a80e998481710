"""Handles of requests: a job, a batch of jobs, an inventory job."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from .. import errors
from ..base.rendering import Rendered, escape, snapshot_html, snapshot_text, summary, visible
from ..base.units import human_duration, local_time, plural
from ..catalogue.storage.holding import how
from ..errors import CatalogueError, GlacierError, JobExpired, JobFailed, NotReady
from ..errors.steps import step
from .board import BoardSnapshot, JobRow
from .durations import request_again
from .tracker import Tracker

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
QUIET = 60.0  # seconds between printed lines while nothing changes
Show = Callable[[BoardSnapshot], None]


class Batch(Rendered):
    """The jobs of one request, or all jobs.

    Iterate it for its jobs; ``wait()`` for the verified files, ``await`` it in a notebook.

    :param keys: the keys of its rows on the board; None for all, present and future.
    """

    def __init__(self, tracker: Tracker, keys: Iterable[str] | None, title: str = "") -> None:
        self.tracker, self.title = tracker, title
        self._keys = None if keys is None else frozenset(keys)

    @property
    def everything(self) -> bool:
        """Whether it is all jobs, present and future, rather than some."""
        return self._keys is None

    @property
    def snapshot(self) -> BoardSnapshot:
        """The rows of this batch now."""
        return self.tracker.snapshot(self._keys)

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a DataFrame."""
        return self.snapshot.table()

    @property
    def files(self) -> list[str]:
        """The files that exist so far, verified or not verifiable."""
        return [row.file for row in self.snapshot.rows if row.file and row.kind == "archive"]

    def __iter__(self) -> Iterator[Job]:
        return (Job(self.tracker, row.key) for row in self.snapshot.rows)

    def __len__(self) -> int:
        return len(self.snapshot.rows)

    def wait(self, timeout: float | None = None, *, progress: Show | bool = False) -> Batch:
        """Block until every job has ended; other threads of the kernel continue.

        :param timeout: real seconds to wait at most; None for no limit.
        :param progress: a function that is called with snapshots, or True to print them.
        :raises NotReady: *timeout* has passed; the downloads still start automatically.
        :raises JobFailed: a job or a download failed.
        :raises JobExpired: an output was dropped by the service before it was fetched.
        """
        show = printing() if progress is True else progress
        self.tracker.start()

        def until(snapshot: BoardSnapshot) -> bool:
            if show:
                show(snapshot)
            return snapshot.finished

        outcome(self.tracker.wait(until, timeout, self._keys), self._keys)
        return self

    def __await__(self) -> Generator[Any, None, Batch]:
        import asyncio

        return asyncio.to_thread(self.wait).__await__()  # the kernel's event loop must stay free

    def _repr_text(self) -> str:
        try:
            return snapshot_text(self.snapshot, self.title)
        except CatalogueError as error:  # the session is closed: a repr does not raise
            return f"{self.title}: {error}"

    def _repr_html(self) -> str:
        try:
            return snapshot_html(self.snapshot, self.title)
        except CatalogueError as error:
            return f"<p>{escape(self.title)}: {escape(error)}</p>"


class Job(Batch):
    """The restore of one archive: its state and its file."""

    def __init__(self, tracker: Tracker, key: str) -> None:
        super().__init__(tracker, (key,))

    @property
    def row(self) -> JobRow:
        """The job as the board shows it."""
        return self.snapshot.rows[0]

    @property
    def state(self) -> str:
        """The state of its row: scheduled, requested, in progress, ready, downloading, verified, ..."""
        return self.row.state


class InventoryJob(Batch):
    """An inventory job; ``result()`` waits for the table of archives."""

    def __init__(self, tracker: Tracker, key: str, title: str, table: Callable[[], pd.DataFrame]) -> None:
        super().__init__(tracker, (key,), title)
        self._inventory = table

    @property
    def state(self) -> str:
        """One of in progress, ready, verified (read into the catalogue), failed, expired."""
        rows = self.snapshot.rows
        return rows[0].state if rows else "expired"

    def result(self, timeout: float | None = None, *, progress: Show | bool = False) -> pd.DataFrame:
        """Wait like :meth:`Batch.wait`, then return the vault's archives as a DataFrame."""
        self.wait(timeout, progress=progress)
        return self._inventory()


def printing(stream: TextIO | None = None) -> Show:
    """Return a function that prints a line when the states or the note change, or a minute has passed."""
    last: list[Any] = [None, 0.0]

    def show(snapshot: BoardSnapshot) -> None:
        now = sorted(row.state for row in snapshot.rows), snapshot.note
        if now != last[0] or time.monotonic() - last[1] > QUIET:
            last[:] = [now, time.monotonic()]
            print(visible(summary(snapshot)), file=stream, flush=True)

    return show


def outcome(snapshot: BoardSnapshot, keys: frozenset[str] | None = None) -> None:
    """Raise the error of a finished or interrupted wait, if there is one.

    A missing row of *keys* is a job that the service has dropped.
    """
    dropped = (keys or frozenset()) - {row.key for row in snapshot.rows}
    failed = [row for row in snapshot.rows if row.state == "failed"]
    expired = [row for row in snapshot.rows if row.state == "expired"]
    if failed:
        raise _failure(failed, snapshot)
    if expired or dropped:
        names = f": {_names(expired)}" if expired else ""
        count = plural(len(expired) + len(dropped), "output")
        again = request_again(row.target for row in expired)
        cure = f"{again} requests it again: a new, paid retrieval."
        raise JobExpired(f"{count} expired before the download{names}", cure=cure if expired else None)
    waiting = [row for row in snapshot.rows if not row.ended]
    if waiting:
        raise _not_ready(waiting, snapshot)
    held = [row for row in snapshot.rows if row.state == "held"]
    if held:
        raise NotReady(
            f"{plural(len(held), 'job')} of {len(snapshot.rows)} on hold since the catalogue was "
            f"restored, copied or moved: {_names(held)}",
            cure=how(),
        )


def _failure(failed: list[JobRow], snapshot: BoardSnapshot) -> GlacierError:
    kind: type[GlacierError] = (
        # The name is from the catalogue, which another version may have written.
        getattr(errors, failed[0].failure, JobFailed) if failed[0].failure else JobFailed
    )
    reason = failed[0].error or "the service gave no reason"
    done = snapshot.count("verified")
    drops = [row.vault for row in failed if row.kind == "drop"]
    if len(drops) == len(failed):
        return kind(
            f"{plural(len(failed), 'drop')} of {len(snapshot.rows)} stopped: {_names(failed)}: {reason}",
            cure=f"{step('drop', f'{drops[0]} --with-archives')} continues it, "
            f"{step('drop', f'{drops[0]} --stop')} ends it.",
        )
    return kind(
        f"{plural(len(failed), 'job')} of {len(snapshot.rows)} failed ({done} verified): "
        f"{_names(failed)}: {reason}",
        cure="" if ". " in reason else None,  # a GlacierError's text ends with its own cure
    )


def _not_ready(waiting: list[JobRow], snapshot: BoardSnapshot) -> NotReady:
    times = [row.expected for row in waiting if row.expected]
    when = ""
    if times:
        last = max(times)
        left = (last - snapshot.now).total_seconds()
        when = f"; expected by {local_time(last, snapshot.now)} (in {human_duration(left)})"
    due = min((row.due for row in waiting if row.due), default=None)
    if due is not None:
        count = sum(row.due is not None for row in waiting)
        when += f"; {count} scheduled, the next is requested {local_time(due, snapshot.now)}"
    check = f"; next check at {local_time(snapshot.next_check, snapshot.now)}" if snapshot.next_check else ""
    continues = f"{step('jobs')} shows them; {step('wait')} continues to wait."
    return NotReady(
        f"Not ready: {len(waiting)} of {plural(len(snapshot.rows), 'job')} still to come{when}{check}",
        cure=". ".join(filter(None, (snapshot.note.rstrip("."), continues))),  # the note says what hinders
    )


def _names(rows: list[JobRow]) -> str:
    names = ", ".join(visible(row.name) for row in rows[:3])  # a name may have control characters
    return names if len(rows) <= 3 else f"{names} and {len(rows) - 3} more"
