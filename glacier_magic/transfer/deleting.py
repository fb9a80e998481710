"""Deleting the archives of a saved queue, in parallel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from ..base.units import plural
from ..catalogue import Deletion
from ..catalogue.records.deletion_records import DeletionItem, Outcome
from ..catalogue.storage.holding import refusal
from ..catalogue.storage.owners import new_owner
from ..errors import AccessDenied, CredentialsError, GlacierError, InputError, NotFound, Unavailable
from ..errors.steps import step
from ..service.denials import Denial, explain
from .budget import Stopped
from .crew import Child, Crew, Tuner
from .engine import Engine, Notes, renewing
from .progress import Count, Meter, Observer

WORKERS = 4
FLUSH = 0.5
"""Seconds after which outcomes are recorded, if not that many have come before."""


def again() -> str:
    """Return how to continue a deletion."""
    return f"{step('deletions', '--resume')} continues it."


class Deleter:
    """Deletes the remaining archives of one queue; may be killed at any time and run again.

    :param stop: ends it early; the rest stays in the queue.
    :param check: called before each archive is deleted; an error that it raises keeps the archive.

    ``failure`` is the error of the first archive that could not be deleted, or None.
    """

    def __init__(
        self,
        engine: Engine,
        deletion: Deletion,
        *,
        observer: Observer | None = None,
        stop: threading.Event | None = None,
        check: Callable[[DeletionItem], object] | None = None,
    ) -> None:
        if deletion.of_moved and check is None:
            raise InputError("These archives are deleted only while S3 has them", cure="Give their check.")
        self._check = check or (lambda _: None)
        self.number = deletion.id
        self._engine, self._deletion = engine, deletion
        self._service, self._queues = engine.service, engine.catalogue.deletions
        # A child, because the end of this queue must not stop what else uses *stop*.
        self._stop = Child(stop or threading.Event())
        self._meter = Meter(f"deleting from {deletion.vault}", deletion.archives, observer, report=Count)
        self._tuner = Tuner(WORKERS, engine.limits.workers)
        self._notes = Notes(self._meter, self._tuner)
        self._outcomes: list[Outcome] = []
        self._recorded = time.monotonic()
        self._denial: Denial | None = None
        self._row = 0
        self.failure: GlacierError | None = None

    def run(self) -> Deletion:
        """Delete the archives; return the queue with its outcome.

        An archive that could not be deleted stays in the queue with the reason, and the others are
        deleted.

        :raises InputError: another process is deleting them.
        :raises Refused: the queue is on hold.
        :raises Stopped: *stop* was set.
        :raises AccessDenied: many deletions in a row were denied.
        :raises GlacierError: the service cannot be used now; the rest stays in the queue.
        """
        # A new owner each time: two runs in one process exclude each other.
        number, owner = self._deletion.id, new_owner()
        if self._deletion.on_hold:
            raise refusal(f"Deletion {number}")
        if not self._queues.leases.claim(number, owner):
            raise InputError(
                f"Another process is deleting these archives of {self._deletion.vault!r}",
                cure=f"{step('deletions')} shows its progress.",
            )
        try:
            with renewing(
                lambda: self._queues.leases.renew(number, owner), self._engine.limits.lease_renewal
            ):
                self._work()
        except (GlacierError, Stopped) as error:
            self._queues.ended(number, "open", str(error) or "stopped")
            raise
        else:
            self._queues.ended(number, "done")
            self._end_plan()
        finally:
            self._stop.set()  # requests in progress end soon, and are sent again by the next run
            self._queues.leases.release(number, owner)
            self._meter.finish()
        return self._queues.get(number)

    def _end_plan(self) -> None:
        """Record the outcome of all runs with the plan that made the queue."""
        done = self._queues.get(self._deletion.id)
        if done.plan is not None:
            outcome = {"deleted": done.deleted, "failed": done.failed}
            if done.deleted == done.archives:
                outcome["bytes"] = done.bytes
            now = self._service.clock.now_ms()
            self._engine.catalogue.plans.end(done.plan, now, happened=outcome)

    def _work(self) -> None:
        self._meter.already(self._deletion.deleted + self._deletion.failed)
        crew: Crew[tuple[DeletionItem, GlacierError | None]] = Crew(self._tuner, self._stop, "glacier-delete")
        tasks = (partial(self._delete, item) for item in self._queues.queued(self._deletion.id))
        try:
            for item, error in crew.run(tasks):
                self._take(item, error)
        finally:
            self._record()  # also after an error: an archive without an outcome is deleted again

    def _delete(self, item: DeletionItem) -> tuple[DeletionItem, GlacierError | None]:
        call = partial(self._service.delete_archive, self._deletion.vault, item.archive_id)
        try:
            self._check(item)
            self._engine.budget.call(call, self._stop, self._notes)
        except (Unavailable, CredentialsError):
            raise  # not an error of this archive
        except NotFound as error:
            if error.message.startswith("Vault not found"):  # no other archive could be deleted
                raise
            return item, error
        except GlacierError as error:
            return item, error
        self._tuner.moved(1)  # requests take the place of bytes here
        return item, None

    def _take(self, item: DeletionItem, error: GlacierError | None) -> None:
        words = None if error is None else self._words(item, error)
        if error is not None and self.failure is None:
            self.failure = type(error)(words or "", cure=error.cure, code=error.code)
        self._outcomes.append((item, words))
        self._meter.moved(1)
        # The oldest archives come first: a lock that denies them denies all younger ones, too.
        self._row = self._row + 1 if isinstance(error, AccessDenied) else 0
        if self._row >= self._engine.limits.denials:
            raise self._refusal()
        full = len(self._outcomes) >= self._engine.limits.deletion_batch
        if full or time.monotonic() - self._recorded > FLUSH:
            self._record()

    def _words(self, item: DeletionItem, error: GlacierError) -> str:
        if not isinstance(error, AccessDenied):
            return error.message
        if self._denial is None:
            # Once: it costs two requests, and the policies are those of the vault.
            self._denial = explain(self._service, self._deletion.vault)
        return f"{error.message.rstrip('.')}: {self._denial.of(item.created)}"

    def _refusal(self) -> AccessDenied:
        assert self._denial is not None
        last = self._outcomes[-1][0] if self._outcomes else None  # before _record() empties the list
        self._record()
        now = self._queues.get(self._deletion.id)
        rest = f"; {plural(now.left, 'archive')} not tried" if now.left else ""
        return AccessDenied(
            f"Stopped: {plural(self._row, 'deletion')} in a row denied{rest}. Probably "
            f"{self._denial.of(last.created if last else None)}",
            cure=f"The queue is kept: {again()}",
            code="AccessDeniedException",
        )

    def _record(self) -> None:
        if self._outcomes:
            now = self._service.clock.now_ms()
            self._queues.settle(self._deletion, self._outcomes, now)
            self._outcomes = []
        if self._queues.get(self.number).state != "open":
            self._stop.set()  # the user, or another process, has dropped the queue
        self._recorded = time.monotonic()
