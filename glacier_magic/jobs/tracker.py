"""One poller for all jobs of a session: looks when it is worth it, fetches what is ready.

The tracker is a generator of snapshots; a thin daemon thread drains it and tells observers.
Nothing lives here that the catalogue does not hold, so a new process goes on where one was
killed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from ..base.units import from_ms
from ..catalogue import JobRecord
from ..errors import CredentialsError, GlacierError, NotFound, describe
from ..service import Policies
from ..transfer.engine import Engine
from .actions import Actions
from .asking import Asker
from .board import BoardSnapshot, held_words
from .drop_worker import DropKeeper
from .expiry import expired, hurried, missed, outputs_of, warning
from .fetching import Fetcher
from .inventory_reader import InventoryReader
from .row_cache import HeldRows
from .schedule import Schedule
from .sweep import Sweeper

TICK = 0.2  # seconds between snapshots while bytes move
IDLE = 5.0  # and while nothing does: also how often another process' progress is looked at
VIRTUAL_LATEST = 1.0  # an emulator is on this machine and its hours may be seconds
RENEW = 5.0
LONGEST_STOP = 0.8  # for a request that is under way; what it was for goes on another time
ASK_AGAIN = 5.0
SHARE = 10  # times as long as a look at the catalogue takes there is a pause after it
RATE_SETTLES = 10.0  # seconds of downloading after which its rate says something
SLEPT = 30.0  # seconds that a pause takes too long when the computer has slept

Watcher = Callable[[BoardSnapshot], None]
"""Called from the tracker's thread with each snapshot; must be quick."""


class Tracker:
    """Follows the jobs of one account and region, asks, fetches and tells.

    :param read_inventory: called with each finished inventory job that was asked for from here,
        and with the event that ends the reading.
    """

    def __init__(
        self, engine: Engine, read_inventory: Callable[[JobRecord, threading.Event], object]
    ) -> None:
        self._service, self._catalogue, self._owner = engine.service, engine.catalogue, engine.owner
        self._budget = engine.budget
        self._sweeper = Sweeper(self._service, self._catalogue)
        self.policies = Policies(self._service)
        self._asker = Asker(self._service, self._catalogue, self.policies, self._owner)
        self._stop = threading.Event()
        self._fetcher = Fetcher(engine, self._stop)
        self._wake = threading.Event()
        self._reader = InventoryReader(
            self._catalogue, lambda job: read_inventory(job, self._stop), self._stop, self._wake.set
        )
        self.actions = Actions(self._catalogue, self._fetcher, self._wake.set)
        self.drops = DropKeeper(engine, self._stop, self._wake.set)
        self._changed = threading.Condition()
        self._asking = threading.Lock()
        self._watchers: list[Watcher] = []
        self._lasting: list[Watcher] = []
        self._thread: threading.Thread | None = None
        self._keeper: threading.Thread | None = None
        self._told = 0
        self._held = HeldRows(self._catalogue)
        self._marker: tuple[int, ...] | None = None
        self._schedule = Schedule(self._catalogue, self._service.clock)
        self._ask_at = 0.0
        self._notes: dict[str, str] = {}
        self._warning = ""
        self._moving_since, self._took = time.monotonic(), 0.0
        self.late: frozenset[str] = frozenset()
        self.latest = self.snapshot()

    # What the faces use

    @property
    def patience(self) -> float:
        """How many times as long to wait between looks: more while a queue tells what is done."""
        return self._schedule.patience

    @patience.setter
    def patience(self, times: float) -> None:
        self._schedule.patience = times

    @property
    def max_rate(self) -> float | None:
        """Bytes a second that all transfers of the session may move together; None: no limit."""
        return self._budget.max_rate

    @max_rate.setter
    def max_rate(self, rate: float | None) -> None:
        self._budget.max_rate = rate

    def snapshot(self, keys: frozenset[str] | None = None) -> BoardSnapshot:
        """Return what the catalogue says now, without asking the service.

        :param keys: the rows that are wanted; None for the whole board.
        """
        now = self._service.clock.now()
        found = BoardSnapshot(
            rows=self._held.rows(self._fetcher.live, now, keys),
            now=now,
            virtual=self._service.clock.virtual,
            next_check=self._next_check(),
            note=next(iter(list(self._notes.values())), "") or self._reader.note,
        )
        return self._noted(found)

    def _noted(self, snapshot: BoardSnapshot) -> BoardSnapshot:
        offer = expired(snapshot, self._catalogue.peeks)
        words = [snapshot.note, self._warning, held_words(snapshot), offer]
        return replace(snapshot, note=". ".join(filter(None, words)))

    def refresh(self, vaults: list[str]) -> BoardSnapshot:
        """Ask the service about the jobs of *vaults* now."""
        for vault in vaults:
            with suppress(NotFound):
                self._sweeper.sweep(vault)
            self._notes.pop(vault, None)
            self._schedule.looked(vault, self._next_due(vault))
        return self.snapshot()

    def ask_now(self, batch: str) -> list[GlacierError]:
        """Ask for what is due of a batch, here and now; return what failed for good."""
        self._hold_leases()
        with self._asking:  # what the thread has claimed is asked for when this returns
            return self._asker.ask_due(self._catalogue.downloads.of_batch(batch), watched=True)

    def watch(self, watcher: Watcher, *, lasting: bool = False) -> Callable[[], None]:
        """Call *watcher* with every snapshot from now on; return what ends that.

        :param lasting: also while nothing is open: what other processes begin is seen then, too.
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
        """Follow what is open, in the background, until nothing is; again after new requests."""
        self._wake.set()
        self._follow()

    def _follow(self) -> None:
        with self._changed:
            if self._stop.is_set() or self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="glacier-tracker", daemon=True)
            self._thread.start()
        self._hold_leases()

    def wake(self) -> None:
        """Look at the service now rather than when it is due."""
        self._schedule.clear()
        self._wake.set()

    def stop(self) -> None:
        """End all threads; what was fetched stays, and goes on with the next start."""
        thread = self._thread
        self._stop.set()
        self._wake.set()
        self._fetcher.close(LONGEST_STOP)
        if thread is not None:
            thread.join(LONGEST_STOP)
        self._reader.close(LONGEST_STOP)
        self.drops.close(LONGEST_STOP)

    def wait(
        self,
        until: Callable[[BoardSnapshot], bool],
        timeout: float | None = None,
        keys: frozenset[str] | None = None,
    ) -> BoardSnapshot:
        """Block until a snapshot satisfies *until* or *timeout* seconds are over; return the last.

        The tracker works on in its own thread, whether this is interrupted or not.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self._told
            latest = self.snapshot(keys)
            if until(latest):
                return latest
            self._follow()  # without waking it: it tells by itself when something changes
            left = IDLE if end is None else min(IDLE, end - time.monotonic())
            if left <= 0:
                return latest
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._told != seen, left)  # type: ignore[misc]

    # The loop

    def snapshots(self) -> Iterator[BoardSnapshot]:
        """Yield snapshots, doing what is due in between, until nothing is open."""
        while not self._stop.is_set():
            self._look()
            self._ask()
            self._fetcher.start_ready()
            self._reader.start_due()
            self.drops.start_due()
            done = not self._open()  # asked first, so that the last snapshot shows every end
            began = time.monotonic()
            latest = self.snapshot()
            self._took = time.monotonic() - began
            self._watch_windows(latest)
            yield latest
            if done:
                return
            self._rest(self._pause())

    def _rest(self, pause: float) -> None:
        """Wait; what the service has may have changed much while the computer was asleep."""
        began = time.time()  # it counts on while the other clock may stand still
        self._wake.wait(pause)
        self._wake.clear()
        if time.time() - began > pause + SLEPT:
            self._schedule.clear()

    def _run(self) -> None:
        try:
            while True:
                for snapshot in self._guarded():
                    self._tell(snapshot)
                with self._changed:  # nobody can ask for a start between the look and the end
                    more = not self._stop.is_set() and self._more()
                    if self._stop.is_set() or not (more or self._lasting):
                        self._thread = None
                        return
                if not more:
                    self._rest(IDLE)
        finally:
            self._thread = None

    def _more(self) -> bool:
        try:
            return self._open()
        except GlacierError:  # the next round shows it, and tries again
            return True

    def _tell(self, snapshot: BoardSnapshot) -> None:
        self.latest = snapshot
        for watcher in list(self._watchers):
            with suppress(Exception):  # a broken view must not end the downloads
                watcher(snapshot)
        with self._changed:
            self._told += 1
            self._changed.notify_all()

    def _guarded(self) -> Iterator[BoardSnapshot]:
        while True:
            try:
                yield from self.snapshots()
            except Exception as error:
                # Disk full under the catalogue, say: shown on the board, and tried again.
                self._notes[""] = describe(error)
                if self._stop.wait(IDLE):
                    return
            else:
                return

    def _hold_leases(self) -> None:
        with self._changed:
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep_leases, name="glacier-lease", daemon=True)
                self._keeper.start()

    def _keep_leases(self) -> None:
        while not self._stop.wait(RENEW):
            with suppress(GlacierError):
                self._catalogue.downloads.renew(self._owner)
                self._catalogue.database.release_dead()
                with self._changed:
                    if self._thread is None and not self._catalogue.downloads.held_by(self._owner):
                        self._keeper = None
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

    def _look(self) -> None:
        vaults, marker = self._vaults(), self._catalogue.database.change_marker()
        self._schedule.keep(vaults)
        if marker is None or marker != self._marker:
            self._marker = marker
            self._schedule.heard_of(vaults)
        for vault in self._schedule.due(vaults, self._longest):
            self._look_at(vault)
        self._notes.pop("", None)

    @property
    def _longest(self) -> float:
        return VIRTUAL_LATEST * self.patience

    def _look_at(self, vault: str) -> None:
        try:
            self._sweeper.sweep(vault)
        except NotFound as error:
            self._notes[vault] = error.message
            self._sweeper.vault_is_gone(vault)
        except GlacierError as error:
            self._failed(vault, error)
            return
        else:
            self._notes.pop(vault, None)
        self._schedule.looked(vault, self._next_due(vault))

    def _failed(self, vault: str, error: GlacierError) -> None:
        words = str(error)
        if isinstance(error, CredentialsError):
            self._service.refresh_credentials()
            words = f"{words} What was asked for is kept; this goes on by itself once they work."
        self._notes[vault] = words
        self._schedule.failed(vault)

    def _ask(self) -> None:
        if time.monotonic() < self._ask_at:
            return
        found = self._catalogue.pacing.due(self._service.clock.now_ms())
        due = [download for download in found if download.free_for(self._owner)]
        if due:
            with self._asking:  # the look comes after the wait for it, so that it is fresh
                looked = {v for v in {download.vault for download in due} if self._look_first(v)}
                self._asker.ask_due([d for d in due if d.vault in looked])
            self._ask_at = time.monotonic() + ASK_AGAIN

    def _look_first(self, vault: str) -> bool:
        """Look at a vault before something is asked of it: another computer may have asked."""
        if self._schedule.may_look(vault):
            self._look_at(vault)
        return self._schedule.is_fresh(vault)

    def _watch_windows(self, latest: BoardSnapshot) -> None:
        """Find the outputs that will be gone too early, and hurry those that can still be had."""
        now, clock = time.monotonic(), self._service.clock
        if not self._fetcher.live:
            self._moving_since = now
        outputs = outputs_of(latest, clock)
        rate = self._fetcher.rate if now - self._moving_since >= RATE_SETTLES else 0.0
        if rate > 0 or not outputs:
            self._warning = warning(outputs, rate)
            self.late = frozenset(o.key for o in missed(outputs, rate)) if rate > 0 else frozenset()
        urgent = hurried(outputs, rate, clock)
        self._fetcher.hurried = frozenset(int(key.removeprefix("download-")) for key in urgent)

    # When to look next

    def _pause(self) -> float:
        least = max(TICK, SHARE * self._took)  # a restore of 100,000 archives lasts for days
        if self._fetcher.live:
            return least
        clock, pause = self._service.clock, self._schedule.pause(self._longest)
        if self._schedule.next() is None and self.drops.open:
            pause = VIRTUAL_LATEST if clock.virtual else IDLE
        if self._catalogue.downloads.unasked(clock.now_ms()):
            pause = min(pause, 1.0)
        due = self._next_due()
        if due is not None:
            pause = min(pause, clock.real_seconds((due - clock.now()).total_seconds()))
        return max(least, min(IDLE, pause))

    def _next_due(self, vault: str | None = None) -> datetime | None:
        return from_ms(self._catalogue.pacing.next_due(self._service.clock.now_ms(), vault))

    def _next_check(self) -> datetime | None:
        moment, clock = self._schedule.next(), self._service.clock
        if moment is None:
            return None
        now = clock.now()
        if clock.virtual:
            moment = min(moment, now + timedelta(seconds=min(self._longest, 3600.0) * clock.speed))
        return max(moment, now)
