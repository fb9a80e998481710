"""Job outputs: inventories, each written once, and the sources of archive bytes."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator

from glacier_magic.emulator import dates, generated, ids, inventory_files, markers
from glacier_magic.emulator.background import BackgroundWorker
from glacier_magic.emulator.data_store import Store
from glacier_magic.emulator.http import BodySource
from glacier_magic.emulator.inventory_files import ArchiveLine
from glacier_magic.emulator.payloads import Payloads
from glacier_magic.emulator.records import job_rows
from glacier_magic.emulator.records.archive_rows import StoredArchive, StoredPiece
from glacier_magic.emulator.records.job_rows import StoredJob
from glacier_magic.emulator.records.vault_rows import vault_arn

_FOREVER = 1 << 62  # later than any creation


def size(job: StoredJob) -> int:
    """Return the number of bytes of a succeeded job's output."""
    if job.range_end is not None:
        return job.range_end - (job.range_start or 0) + 1
    return job.output_size or 0


def archive_source(payloads: Payloads, archive: StoredArchive, pieces: list[StoredPiece]) -> BodySource:
    """Return the bytes of a whole archive."""
    recipe = generated.parse(archive.payload)
    if recipe is not None:
        return generated.Generated(recipe, archive.size)
    return payloads.archive(archive.payload, [(piece.file, piece.size) for piece in pieces])


class Outputs(BackgroundWorker):
    """Writes inventory outputs: ahead of time in a thread, or on demand.

    The contents of an output are determined when the job is created, so it does not matter when
    the output is written.
    """

    def __init__(self, store: Store, payloads: Payloads) -> None:
        super().__init__("inventories")
        self._store = store
        self._payloads = payloads
        self._lock = threading.Lock()
        self.due.set()  # the first round writes what a stopped server left unwritten

    def work(self) -> None:
        """Write the outputs of all new jobs."""
        while not self.stopped and (job := self._next()) is not None:  # a stop waits for one output at most
            self._write(job)

    def _next(self) -> StoredJob | None:
        with self._store.read() as connection:
            return job_rows.unwritten(connection)

    def written(self, job: StoredJob, now: int) -> StoredJob:
        """Return the job with its output written, if it is complete at *now*."""
        # A complete job shows its size, so it needs its output.
        if not (job.output_missing and job.completed(now)):
            return job
        self._write(job)
        return self._again(job)

    def _again(self, job: StoredJob) -> StoredJob:
        with self._store.read() as connection:
            row = connection.execute(
                f"SELECT {job_rows.COLUMNS} FROM jobs WHERE id = ?", (job.id,)
            ).fetchone()
        return StoredJob(*row)

    def _write(self, job: StoredJob) -> None:
        with self._lock:  # a request and the thread may want the same output
            if not self._again(job).output_missing:
                return
            file = ids.file_name()  # a new name: the file of a killed server may be incomplete
            path = self._payloads.output(file)
            next_marker = self._fill(job, file)
            with self._store.write() as connection:  # after the file: a row never names half an output
                job_rows.set_output(connection, job, file, path.stat().st_size, next_marker)

    def _fill(self, job: StoredJob, file: str) -> str | None:
        """Write the output to its file and return the marker of the page after it."""
        asked = json.loads(job.parameters or "{}")
        count = int(asked["Limit"]) if asked["Limit"] else None  # a string, as the service returns it
        with self._store.read() as connection:
            (account, region, name) = connection.execute(
                "SELECT account, region, name FROM vaults WHERE id = ?", (job.vault,)
            ).fetchone()
            # One more shows whether there is another page; -1 is no limit.
            most = -1 if count is None else count + 1
            rows = job_rows.inventory_lines(connection, job, _bounds(asked), most)
            lines = (line for _, line in itertools.islice(rows, count))
            arn, date = vault_arn(account, region, name), dates.iso_seconds(job.snapshot or 0)
            with self._payloads.output(file).open("xb") as sink:
                if asked["Format"] == "CSV":
                    inventory_files.write_csv(sink, lines)
                else:
                    inventory_files.write_json(sink, arn, date, lines)
            return _marker(rows)  # within the transaction: the row after the page is still unread


def _bounds(asked: dict[str, str | None]) -> tuple[int, int, int]:
    since, until, marker = asked["StartDate"], asked["EndDate"], asked["Marker"]
    return (
        (markers.decode(marker, markers.INVENTORY) or 0) if marker else 0,
        (dates.parse_iso(since) or 0) if since else 0,
        (dates.parse_iso(until) or 0) if until else _FOREVER,
    )


def _marker(rows: Iterator[tuple[int, ArchiveLine]]) -> str | None:
    following = next(rows, None)
    return None if following is None else markers.encode(following[0], markers.INVENTORY)
