"""The output of an inventory job, read into the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .catalogue import ArchiveRecord, Catalogue, JobRecord
from .errors import IntegrityError
from .inventories import COLUMNS, InventoryError, Reading, read
from .service import Service
from .units import parse_time

PIECE = 8 << 20  # bytes of output asked for at a time


def read_inventory(service: Service, catalogue: Catalogue, job: JobRecord) -> int:
    """Read a finished inventory job into the catalogue, all of it or none; return the count.

    :raises IntegrityError: the output is cut short or malformed; the catalogue is unchanged.
    :raises NotFound: the service has dropped the output.
    """
    reader = _Reader(service, job)
    try:
        made, listed = _parse(reader, job)
    except InventoryError as error:
        raise IntegrityError(
            f"The inventory of {job.vault!r} cannot be read: {error.message}",
            cure="Run %glacier inventory again.",
        ) from None
    if made is None:
        # A CSV inventory does not hold its own date; the vault tells that of its latest one.
        made = parse_time(service.describe_vault(job.vault).get("LastInventoryDate"))
        made = None if made is None else made // 1000 * 1000
    with catalogue.database.transaction():
        newest = catalogue.inventories.newest(job.vault)
        if newest is None or (newest.made or 0) <= (made or 0):  # an older one has nothing to add
            catalogue.archives.record_listed(job.vault, listed, made)
            if made is not None:
                catalogue.uploads.settle(job.vault, made)
        catalogue.inventories.record(
            vault=job.vault,
            job_id=job.job_id,
            made=made,
            archives=len(listed),
            size=sum(archive.size or 0 for archive in listed),
        )
    return len(listed)


def _parse(reader: _Reader, job: JobRecord) -> tuple[int | None, list[ArchiveRecord]]:
    reading = read(reader.pieces(), job.format or "JSON")
    listed = list(_records(reading, job))
    made = reading.date  # known for certain only once all is read
    return made, [replace(archive, seen=made) for archive in listed]


class _Reader:
    def __init__(self, service: Service, job: JobRecord) -> None:
        self._service, self._job = service, job

    def pieces(self) -> Iterator[bytes]:
        """Yield the output in ranges; its length must be what the job promised."""
        start, size = 0, self._job.size
        while size is None or start < size:
            output = self._service.output(self._job.vault, self._job.job_id, start, PIECE)
            size = output.total if size is None else size
            if output.total != size or not output.data:
                raise InventoryError(f"{output.total} bytes instead of {size}")
            yield output.data
            start += len(output.data)


def _records(reading: Reading, job: JobRecord) -> Iterator[ArchiveRecord]:
    for batch in reading:
        columns = [batch.column(name) for name in COLUMNS]
        columns[2] = columns[2].cast("int64")  # created, in milliseconds
        for archive_id, description, created, size, tree_hash in zip(
            *(column.to_pylist() for column in columns), strict=True
        ):
            yield ArchiveRecord.described(
                description,
                vault=job.vault,
                archive_id=archive_id,
                size=size,
                created=created,
                tree_hash=tree_hash,
                state="listed",
                seen=None,
            )
