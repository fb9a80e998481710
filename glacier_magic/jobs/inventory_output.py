"""The outputs of inventory jobs, read into the catalogue while they arrive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from ..base.units import parse_time
from ..catalogue import Catalogue, JobRecord
from ..catalogue.archives.ingest import Load
from ..errors import AccessDenied, GlacierError, IntegrityError, NotFound
from ..errors.steps import step
from ..inventories import InventoryError, read
from ..inventories.checking import Life, check_sums
from ..service import Service
from ..service.client import Output
from ..transfer.budget import Budget, Stopped
from ..transfer.engine import Engine
from ..transfer.progress import Meter, Observer

BYTES = 400  # of output an archive, about
DAY = 86_400_000
_LAUNCH = 1_345_420_800_000  # of the service: 20 August 2012
REREAD = 60.0  # seconds before an inventory that could not be read is fetched again


def read_inventory(
    service: Service,
    catalogue: Catalogue,
    job: JobRecord,
    *,
    budget: Budget | None = None,
    stop: threading.Event | None = None,
    progress: Observer | None = None,
) -> int:
    """Read a finished inventory job into the catalogue, all of it or none; return the count.

    It is fetched in ranges, each retried when the connection breaks; one is parsed and written
    while the next arrives, so that memory use does not depend on its size.  A damaged output is
    fetched once more.

    :param budget: the retries and bandwidth that all transfers of the session share.
    :param stop: ends it early; the catalogue is unchanged then.
    :param progress: called with the bytes read so far.
    :raises Stopped: *stop* was set.
    :raises IntegrityError: the output is truncated, malformed or impossible; the catalogue is unchanged.
    :raises NotFound: the service has dropped the output.
    """
    budget, stop = budget or Budget(), stop or threading.Event()
    reader = _Reader(service, job, budget, stop, catalogue.limits.inventory_piece)
    try:
        with suppress(InventoryError):  # it may have been damaged on its way
            return _read(reader, catalogue, job, progress)
        return _read(reader, catalogue, job, progress)
    except InventoryError as error:
        raise IntegrityError(
            f"The inventory of {job.vault!r} cannot be read, and nothing of it was taken: {error.message}",
            cure=f"Run {step('inventory')} again; if its output stays damaged, "
            f"{step('inventory', '--fresh')} requests a new one.",
        ) from None


def _read(reader: _Reader, catalogue: Catalogue, job: JobRecord, progress: Observer | None) -> int:
    vault, now = reader.vault(), reader.now()
    begin = parse_time(vault.get("CreationDate")) or _LAUNCH
    life = Life(begin - DAY, now + DAY, other_ids=reader.elsewhere)
    with catalogue.inventories.loading(
        job.vault, job.job_id, whole=job.whole_inventory, expected=(job.size or 0) // BYTES
    ) as load:
        meter = Meter(f"Inventory of {job.vault}", job.size or 0, progress)
        reading = read(_metered(reader.pieces(), meter), job.format)
        for batch in reading:
            life.check(batch, load.archives)
            load.add(batch)
        meter.finish()
        made = reading.date  # may be at the end of the output
        last = parse_time(vault.get("LastInventoryDate"))
        if job.format == "CSV":
            made = _date(last, catalogue, job, load)
        elif made is None or not life.begin <= made <= life.end:
            raise InventoryError("It has no InventoryDate that is possible")
        elif not (reading.vault_arn or "").endswith(f":vaults/{job.vault}"):
            raise InventoryError(f"It is of the vault {reading.vault_arn!a}")
        if job.whole_inventory and made is not None and made == _whole_seconds(last):
            check_sums(load.archives, load.bytes, vault.get("NumberOfArchives"), vault.get("SizeInBytes"))

        def settle() -> None:
            if made is not None:
                catalogue.uploads.settle(job.vault, made)

        load.finish(made, also=settle)  # in the transaction that completes the inventory
    return load.archives


def _whole_seconds(ms: int | None) -> int | None:
    """Return a date of DescribeVault, which has milliseconds, as inventories have it."""
    return None if ms is None else ms // 1000 * 1000


def _date(last: int | None, catalogue: Catalogue, job: JobRecord, load: Load) -> int | None:
    """Return a date that the inventory is certainly not older than, the latest one that is known.

    That is *last*, the date of the vault's last inventory, if it precedes the request; otherwise that
    of the newest archive listed, or of an inventory whose job had finished before the request.
    """
    if last is not None and (job.created is None or last <= job.created):
        return _whole_seconds(last)
    dates = [load.newest] if load.newest is not None else []
    for known in catalogue.inventories.history(job.vault, whole=True):
        before = catalogue.jobs.get(job.vault, known.job_id)
        over = before.completed if before else None
        # That inventory existed when the job was requested, so the service returned no older one.
        if known.made is not None and over is not None and over <= (job.created or 0):
            dates.append(known.made)
    return max(dates, default=None)


def _metered(pieces: Iterable[bytes], meter: Meter) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        meter.moved(len(piece))  # it is written by now


class _Reader:
    """Reads the output of a job one range ahead of the parser.

    Without TLS, each range is fetched twice: nothing else shows another letter of an id.
    """

    def __init__(
        self, service: Service, job: JobRecord, budget: Budget, stop: threading.Event, piece: int
    ) -> None:
        self._service, self._job, self._budget, self._stop = service, job, budget, stop
        self._piece = piece
        self._twice = not service.endpoint.startswith("https:")

    @property
    def elsewhere(self) -> bool:
        """Whether neither AWS nor the emulator answers."""
        connection = self._service.connection
        return connection.elsewhere and connection.emulator is None

    def vault(self) -> Mapping[str, Any]:
        """Return what DescribeVault says of the vault; nothing if that is not allowed."""
        with suppress(AccessDenied, NotFound):
            return self._budget.call(lambda: self._service.describe_vault(self._job.vault), self._stop)
        return {}

    def now(self) -> int:
        """Return the service's time in milliseconds."""
        return self._service.clock.now_ms()

    def pieces(self) -> Iterator[bytes]:
        """Yield the output in ranges; its length must be the one that the job reported."""
        size, start = self._job.size, 0
        coming = _begin(lambda: self._get(0))
        while True:
            output = coming.result()
            size = output.total if size is None else size
            # The service sends no checksum of an inventory: only the length shows that it is complete.
            if output.total != size or (not output.data and start < size):
                raise InventoryError(f"It has {output.total:,} bytes instead of {size:,}")
            start += len(output.data)
            if start >= size:
                yield output.data
                return
            behind = start
            coming = _begin(lambda: self._get(behind))  # noqa: B023  # called before it changes
            yield output.data  # parsed while the next range arrives

    def _get(self, start: int) -> Output:
        def get() -> Output:
            output = self._service.output(self._job.vault, self._job.job_id, start, self._piece)
            self._budget.spend(len(output.data), self._stop)
            return output

        def get_twice() -> Output:
            first = get()
            if get() != first:
                raise InventoryError("It arrives differently each time")
            return first

        return self._budget.call(get_twice if self._twice else get, self._stop)


def _begin(call: Callable[[], Output]) -> Future[Output]:
    """Call in a daemon thread, for which an exiting program does not wait."""
    future: Future[Output] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # raised again by result()
            future.set_exception(error)

    threading.Thread(target=run, name="glacier-inventory", daemon=True).start()
    return future


class InventoryReader:
    """Reads the finished inventory jobs that this catalogue requested, one after another.

    It has a thread of its own: a large inventory takes minutes.

    :param changed: called when one was read, or could not be.
    """

    def __init__(self, engine: Engine, stop: threading.Event, changed: Callable[[], None]) -> None:
        self._engine, self._catalogue = engine, engine.catalogue
        self._stop, self._changed = stop, changed
        self._again_at: dict[str, float] = {}  # in memory only: a new process tries at once
        self._thread: threading.Thread | None = None
        self.note = ""

    def start(self, unread: list[JobRecord]) -> None:
        """Start to read the finished ones of *unread* jobs, unless a thread does already."""
        if self._thread is None and self._due(unread):
            self._thread = threading.Thread(target=self._run, name="glacier-inventories", daemon=True)
            self._thread.start()

    def close(self, timeout: float) -> None:
        """Wait up to *timeout* seconds for the thread to end after the stop event."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _due(self, unread: list[JobRecord]) -> list[JobRecord]:
        now = time.monotonic()
        return [
            job for job in unread if job.status == "Succeeded" and self._again_at.get(job.job_id, 0.0) <= now
        ]

    def _run(self) -> None:
        try:
            # The query runs each time: another process may have read an inventory meanwhile.
            while not self._stop.is_set() and (due := self._due(self._catalogue.jobs.inventories_to_read())):
                # Set first: on success, the job is no longer among the unread ones.
                self._again_at[due[0].job_id] = time.monotonic() + REREAD
                self._one(due[0])
                self._changed()
        except (GlacierError, Stopped) as error:  # the session may be closing
            self.note = str(error)
        finally:
            self._thread = None
            self._changed()  # after the line above, so that the tracker can start a new thread

    def _one(self, job: JobRecord) -> None:
        try:
            read_inventory(
                self._engine.service, self._catalogue, job, budget=self._engine.budget, stop=self._stop
            )
            self.note = ""
        except NotFound:
            # It was not read within the 24 hours; it can be requested again.
            self._catalogue.jobs.mark_gone(job.vault, job.job_id)
        except GlacierError as error:
            self.note = str(error)
