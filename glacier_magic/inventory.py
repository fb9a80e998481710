"""The output of an inventory job, read into the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .catalogue import ArchiveRecord, Catalogue, JobRecord
from .errors import IntegrityError
from .inventory_formats import InventoryError, Item, parse_date, read_csv, read_json
from .service import Service
from .units import parse_time, storable, to_ms

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
            f"The inventory of {job.vault!r} cannot be read: {error}",
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
    if job.format == "CSV":
        return None, list(_records(read_csv(_lines(reader.pieces())), job, None))
    header, items = read_json(reader.pieces())
    listed = list(_records(items, job, None))
    made = parse_time(header.inventory_date)  # known for certain only once all is read
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


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _records(items: Iterator[Item], job: JobRecord, made: int | None) -> Iterator[ArchiveRecord]:
    for item in items:
        yield ArchiveRecord.described(
            storable(item.description),
            vault=job.vault,
            archive_id=item.archive_id,
            size=item.size,
            created=to_ms(parse_date(item.created)),
            tree_hash=item.tree_hash,
            state="listed",
            seen=made,
        )
