"""One poller for all jobs of a session: it polls the service and downloads finished outputs.

The tracker is a generator of snapshots; a daemon thread consumes it and calls the watchers.
All state is in the catalogue, so that a new process continues where another was killed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from ..base.units import from_ms
from ..errors import CredentialsError, GlacierError, NotFound, describe
from ..service import Policies
from ..transfer.engine import Engine
from .actions import Actions
from .asking import Asker, random_pause
from .board import BoardSnapshot, download_number
from .dropping import DropWorker
from .durations import expired_note, hurried, missed, outputs_of, warning
from .fetching import Fetcher
from .inventory_output import InventoryReader
from .lease_keeper import LeaseKeeper
from .pacing import Pacer
from .polling import PollSchedule
from .row_cache import RowCache
from .sweep import Sweeper
from .watched import on_hold_note

LONGEST_STOP = 0.8  # for a request that is under way; what it was for goes on another time
SHARE = 10  # times as long as a look at the catalogue takes there is a pause after it
PREDICTIONS = 100  # times as long as it takes to find what will expire there is none after it
SLEPT = 30.0  # seconds that a pause takes too long when the computer has slept

Watcher = Callable[[BoardSnapshot], None]
"""Called from the tracker's thread with each snapshot; must be quick."""


class Tracker:
    """Follows the jobs of one account and region: requests, polls, downloads and reports.

    ``background``: whether a thread follows what is open; without one, iterate :meth:`snapshots`.
    """

    def __init__(self, engine: Engine) -> None:
        self._service, self._catalogue, self._owner = engine.service, engine.catalogue, engine.owner
        self._budget, self._limits = engine.budget, engine.limits
        self._sweeper = Sweeper(self._service, self._catalogue)
        self.policies = Policies(self._service)
        pacer = Pacer(self._catalogue, self.policies, self._service.clock, self._owner)
        self._stop = threading.Event()
        self._asker = Asker(self._service, self._catalogue, pacer, self._owner, self._poll, self._stop)
        self._wake = threading.Event()
        self._fetcher = Fetcher(engine, self._stop, self._wake.set)
        self._reader = InventoryReader(engine, self._stop, self._wake.set)
        self.actions = Actions(self._catalogue, self._fetcher, self._wake.set)
        self.drops = DropWorker(engine, self._stop, self._wake.set)
        self._changed = threading.Condition()
        self._asking = threading.Lock()
        self._watchers: list[Watcher] = []
        self._lasting: list[Watcher] = []
        self._thread: threading.Thread | None = None
        self.leases = LeaseKeeper(self._catalogue, self._owner, self._stop, lambda: self._thread is not None)
        self._reported = 0
        self._row_cache = RowCache(self._catalogue)
        self._marker: tuple[int, ...] | None = None
        self._schedule = PollSchedule(self._catalogue, self._service.clock)
        self._ask_at = 0.0
        self._notes: dict[str, str] = {}
        self._warning = ""
        self._moving_since, self._took, self._predict_at = time.monotonic(), 0.0, 0.0
        self.late: frozenset[str] = frozenset()
        self.background = True
        self.latest = self.snapshot()

    # Used by plans, commands and the notebook

    @property
    def patience(self) -> float:
        """The factor on the pauses between polls: more than 1 while a queue announces finished jobs."""
        return self._schedule.patience

    @patience.setter
    def patience(self, times: float) -> None:
        self._schedule.patience = times

    @property
    def max_rate(self) -> float | None:
        """The limit of all transfers of the session together, in bytes per second; None for no limit."""
        return self._budget.max_rate

    @max_rate.setter
    def max_rate(self, rate: float | None) -> None:
        self._budget.max_rate = rate

    def snapshot(self, keys: frozenset[str] | None = None) -> BoardSnapshot:
        """Return the present state of the catalogue, without a request to the service.

        :param keys: the keys of the rows to return; None for the whole board.
        """
        now = self._service.clock.now()
        note = next(iter(list(self._notes.values())), "") or self._reader.note  # copied: it changes
        rows, recorded = self._row_cache.rows(self._fetcher.live, now, keys)
        found = BoardSnapshot(
            rows=rows,
            shared=recorded,
            now=now,
            virtual=self._service.clock.virtual,
            next_check=self._next_check(),
            trouble=note,
            watched_by=who.by if (who := self._catalogue.watches.current()) else "",
        )
        notes = [note, self._warning, on_hold_note(found), expired_note(found, self._catalogue.peeks)]
        return replace(found, note=". ".join(filter(None, notes)))

    def refresh(self, vaults: list[str]) -> BoardSnapshot:
        """Poll *vaults* now."""
        for vault in vaults:
            with suppress(NotFound):
                self._sweeper.sweep(vault)
            self._notes.pop(vault, None)
            self._schedule.looked(vault, self._next_due(vault))
        return self.snapshot()

    def ask_now(self, batch: str) -> list[GlacierError]:
        """Send the due requests of a batch in this thread; return the errors that are final."""
        self.leases.hold()  # first: a claim that is not renewed expires while requests are sent
        with self._asking:  # so that requests the thread has claimed are sent when this returns
            return self._asker.ask_due(self._catalogue.downloads.of_batch(batch), watched=True)

    def watch(self, watcher: Watcher, *, lasting: bool = False) -> Callable[[], None]:
        """Call *watcher* with every snapshot from now on; return a function that ends it.

        :param lasting: continue while nothing is open, to see what other processes start.
        """
        self._watchers.append(watcher)
        if lasting:
            self._lasting.append(watcher)

        def leave() -> None:
            for watchers in (self._watchers, self._lasting):
                with suppress(ValueError):
                    watchers.remove(watcher)

        return leave

    def start(self) -> None:
        """Follow open jobs in the background until none is left; call it again after new requests."""
        self._wake.set()
        self._follow()

    def _follow(self) -> None:
        with self._changed:
            if self._stop.is_set() or self._thread is not None or not self.background:
                return
            self._thread = threading.Thread(target=self._run, name="glacier-tracker", daemon=True)
            self._thread.start()
        self.leases.hold()

    def wake(self) -> None:
        """Poll the service now rather than when a poll is due."""
        self._schedule.clear()
        self._wake.set()

    def stop(self) -> None:
        """End all threads; unfinished downloads continue at the next start."""
        thread = self._thread  # read once: a thread that ends sets it to None
        self._stop.set()
        self._wake.set()
        self._fetcher.close(LONGEST_STOP)
        if thread is not None:
            thread.join(LONGEST_STOP)
        self._reader.close(LONGEST_STOP)
        self.drops.close(LONGEST_STOP)
        self.leases.release()

    def wait(
        self,
        until: Callable[[BoardSnapshot], bool],
        timeout: float | None = None,
        keys: frozenset[str] | None = None,
    ) -> BoardSnapshot:
        """Block until a snapshot satisfies *until* or *timeout* seconds have passed; return the last.

        The tracker's own thread continues even if this call is interrupted.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self._reported  # before the snapshot: a report in between must end the wait below
            latest = self.snapshot(keys)
            if until(latest):
                return latest
            self._follow()  # without a wake-up, which would poll the service: it reports changes anyway
            idle = self._limits.idle
            left = idle if end is None else min(idle, end - time.monotonic())
            if left <= 0:
                return latest
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._reported != seen, left)  # type: ignore[misc]

    # The loop

    def snapshots(self) -> Iterator[BoardSnapshot]:
        """Yield snapshots and do what is due in between, until nothing is open."""
        while not self._stop.is_set():
            self._poll_due()  # before requests: a poll may find that a job exists
            self._ask()
            self._fetcher.start_ready()
            if unread := self._catalogue.jobs.inventories_to_read():
                self._reader.start(unread)
            self.drops.start_due()
            done = not self._open()  # before the snapshot, so that the last one shows every end
            began = time.monotonic()
            latest = self.snapshot()
            self._took = time.monotonic() - began
            self._watch_expiry(latest)
            yield latest
            if done:
                return
            self._rest(self._pause())

    def _rest(self, pause: float) -> None:
        """Wait; poll all vaults next if the computer has slept meanwhile."""
        began = time.time()  # the monotonic clock may stop during sleep
        self._wake.wait(pause)
        self._wake.clear()
        if time.time() - began > pause + SLEPT:
            self._schedule.clear()

    def _run(self) -> None:
        try:
            while True:
                for snapshot in self._guarded():
                    self._report(snapshot)
                with self._changed:  # or a start() between the check and the end would be lost
                    more = not self._stop.is_set() and self._more()
                    if self._stop.is_set() or not (more or self._lasting):
                        self._thread = None
                        return  # a start() from now on creates a thread
                if not more:
                    self._rest(self._limits.idle)
        finally:
            self._thread = None  # after an error, too: start() must be able to create another

    def _more(self) -> bool:
        try:
            return self._open()
        except GlacierError:  # the next round reports it and tries again
            return True

    def _report(self, snapshot: BoardSnapshot) -> None:
        self.latest = snapshot
        for watcher in list(self._watchers):  # a copy: a watcher may leave meanwhile
            with suppress(Exception):  # a broken widget must not end the downloads
                watcher(snapshot)
        with self._changed:
            self._reported += 1
            self._changed.notify_all()

    def _guarded(self) -> Iterator[BoardSnapshot]:
        while True:
            try:
                yield from self.snapshots()
            except Exception as error:
                # For example, the disk of the catalogue is full: the board shows it, and it is retried.
                self._notes[""] = describe(error)
                if self._stop.wait(self._limits.idle):
                    return
            else:
                return

    def _vaults(self) -> set[str]:
        running = {group.vault for group in self._catalogue.jobs.running()}
        return running | self._catalogue.downloads.vaults_with_work()

    def _open(self) -> bool:
        return bool(
            self._vaults()
            or self._fetcher.live
            or self._catalogue.jobs.inventories_to_read()
            or self.drops.open
        )

    def _poll_due(self) -> None:
        vaults, marker = self._vaults(), self._catalogue.database.change_marker()
        self._schedule.keep(vaults)
        if marker is None or marker != self._marker:  # None: this database cannot report changes
            self._marker = marker
            self._schedule.jobs_changed(vaults)
        for vault in self._schedule.due(vaults, self._longest):
            self._poll(vault)
        self._notes.pop("", None)  # the error of an earlier round

    @property
    def _longest(self) -> float:
        return self._limits.emulator_idle * self.patience

    def _poll(self, vault: str) -> bool:
        """Update the jobs of a vault; return whether the service gave its list."""
        try:
            self._sweeper.sweep(vault)
        except NotFound as error:
            self._notes[vault] = error.message
            self._sweeper.vault_is_gone(vault)
        except GlacierError as error:
            self._failed(vault, error)
            return False
        else:
            self._notes.pop(vault, None)
        self._schedule.looked(vault, self._next_due(vault))
        return True

    def _failed(self, vault: str, error: GlacierError) -> None:
        words = str(error)
        if isinstance(error, CredentialsError):
            words = f"{words} Requests are saved, and sent once the login works."
        self._notes[vault] = words
        self._schedule.failed(vault)

    def _ask(self) -> None:
        if time.monotonic() < self._ask_at:
            return
        found = self._catalogue.pacing.due(self._service.clock.now_ms())
        due = [download for download in found if download.free_for(self._owner)]
        if due and self._asking.acquire(blocking=False):  # else ask_now() requests, which may last
            try:
                polled = {v for v in {download.vault for download in due} if self._poll_first(v)}
                self._asker.ask_due([d for d in due if d.vault in polled])
            finally:
                self._asking.release()
            self._ask_at = time.monotonic() + random_pause(self._limits.request_interval)

    def _poll_first(self, vault: str) -> bool:
        """Poll a vault before a paid request: another computer may have requested the archive."""
        if self._schedule.may_look(vault):
            self._poll(vault)
        return self._schedule.is_fresh(vault)

    def _watch_expiry(self, latest: BoardSnapshot) -> None:
        """Find the outputs that will expire before their download, and prioritize those that need not."""
        now, clock = time.monotonic(), self._service.clock
        if not self._fetcher.live:
            self._moving_since = now  # the rate needs some seconds after a pause
        if now < self._predict_at:
            return
        outputs = outputs_of(latest, clock)
        settled = now - self._moving_since >= self._limits.rate_settles
        rate = self._fetcher.rate if settled else 0.0
        if rate > 0 or not outputs:  # else the last warning stays until there is a rate
            self._warning = warning(outputs, rate)
            self.late = frozenset(o.key for o in missed(outputs, rate)) if rate > 0 else frozenset()
        numbers = map(download_number, hurried(outputs, rate, clock))
        self._fetcher.hurried = frozenset(number for number in numbers if number is not None)
        self._predict_at = now + PREDICTIONS * (time.monotonic() - now)

    # When to poll next

    def _pause(self) -> float:
        least = max(self._limits.tick, SHARE * self._took)  # a restore of 100,000 archives lasts for days
        if self._fetcher.live:
            return least
        clock, pause = self._service.clock, self._schedule.pause(self._longest)
        if self._schedule.next() is None and self.drops.open:
            pause = self._limits.emulator_idle if clock.virtual else self._limits.idle
        if self._catalogue.downloads.unasked(clock.now_ms()):  # another process may be requesting it
            pause = min(pause, 1.0)
        due = self._next_due()
        if due is not None:
            pause = min(pause, clock.real_seconds((due - clock.now()).total_seconds()))
        return max(least, min(self._limits.idle, pause))

    def _next_due(self, vault: str | None = None) -> datetime | None:
        return from_ms(self._catalogue.pacing.next_due(self._service.clock.now_ms(), vault))

    def _next_check(self) -> datetime | None:
        due, clock = self._schedule.next(), self._service.clock
        if due is None:
            return None
        now = clock.now()
        if clock.virtual:  # it is polled in any case after so much real time
            due = min(due, now + timedelta(seconds=min(self._longest, 3600.0) * clock.speed))
        return max(due, now)
