"""The output of an inventory job, read into the catalogue while it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from .catalogue import Catalogue, JobRecord
from .catalogue.ingest import Load
from .errors import IntegrityError
from .inventory_formats import InventoryError, Item, parse_date, read_csv, read_json
from .service import Service
from .units import parse_time, storable, to_ms

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 8 << 20  # bytes of output asked for at a time
BATCH = 50_000  # archives handed on at a time
BYTES = 400  # of output an archive, about


def read_inventory(service: Service, catalogue: Catalogue, job: JobRecord) -> int:
    """Read a finished inventory job into the catalogue, all of it or none; return the count.

    :raises IntegrityError: the output is cut short or malformed; the catalogue is unchanged.
    :raises NotFound: the service has dropped the output.
    """
    with catalogue.inventories.loading(
        job.vault, job.job_id, whole=job.whole_inventory, expected=(job.size or 0) // BYTES
    ) as load:
        try:
            made = _parse(_Reader(service, job), job, load)
        except InventoryError as error:
            raise IntegrityError(
                f"The inventory of {job.vault!r} cannot be read: {error}",
                cure="Run %glacier inventory again.",
            ) from None
        if made is None:
            made = _date(service, catalogue, job, load)

        def settle() -> None:
            if made is not None:
                catalogue.uploads.settle(job.vault, made)

        load.finish(made, also=settle)
    return load.archives


def _parse(reader: _Reader, job: JobRecord, load: Load) -> int | None:
    """Read the output; return its own date, which a CSV does not hold."""
    if job.format == "CSV":
        items, header = read_csv(_lines(reader.pieces())), None
    else:
        header, items = read_json(reader.pieces())
    while listed := list(islice(items, BATCH)):
        load.add(_batch(listed))
    # known for certain only once all is read
    return None if header is None else parse_time(header.inventory_date)


def _date(service: Service, catalogue: Catalogue, job: JobRecord, load: Load) -> int | None:
    """Return a date that the inventory surely reaches, as late as can be told.

    That of the vault's latest one where it was made before the job was asked for; otherwise that
    of the newest archive listed, or of an inventory whose job was over before.
    """
    last = parse_time(service.describe_vault(job.vault).get("LastInventoryDate"))
    if last is not None and (job.created is None or last <= job.created):
        return last // 1000 * 1000
    dates = [load.newest] if load.newest is not None else []
    for known in catalogue.inventories.history(job.vault, whole=True):
        before = catalogue.jobs.get(job.vault, known.job_id)
        over = before.completed if before else None
        if known.made is not None and over is not None and over <= (job.created or 0):
            dates.append(known.made)
    return max(dates, default=None)


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


def _batch(items: list[Item]) -> pa.RecordBatch:
    import pyarrow as pa  # noqa: PLC0415

    created = [to_ms(parse_date(item.created)) for item in items]
    return pa.record_batch(
        {
            "archive_id": pa.array([item.archive_id for item in items], pa.string()),
            "description": pa.array([storable(item.description) for item in items], pa.string()),
            "created": pa.array(created, pa.timestamp("ms", "UTC")),
            "size": pa.array([item.size for item in items], pa.int64()),
            "tree_hash": pa.array([item.tree_hash for item in items], pa.string()),
        }
    )
