"""Reading an inventory in either form."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from .json_form import JsonInventory

COLUMNS = ("archive_id", "description", "created", "size", "tree_hash")
"""The columns of an inventory."""


class Reading(Iterator["pa.RecordBatch"]):
    """The archives of an inventory, in order, in batches of the schema ``LISTED``.

    Reading starts with the first batch.  ``rows`` counts the archives yielded.
    """

    def __init__(self, pieces: Iterable[bytes | memoryview], form: str) -> None:
        self.rows = 0
        self._json: JsonInventory | None = None
        self._batches = self._read(pieces, form)

    @property
    def vault_arn(self) -> str | None:
        """The vault's ARN; None until it has been read, and for CSV, which lacks it."""
        return None if self._json is None else self._json.vault_arn

    @property
    def date(self) -> int | None:
        """The date of the inventory in milliseconds since 1970.

        None until it has been read, which may be at the end, and for CSV, which lacks it.
        """
        return None if self._json is None else self._json.date

    def __next__(self) -> pa.RecordBatch:
        batch = next(self._batches)
        self.rows += batch.num_rows
        return batch

    def close(self) -> None:
        """Stop reading and end the threads."""
        self._batches.close()

    def _read(self, pieces: Iterable[bytes | memoryview], form: str) -> Generator[pa.RecordBatch, None, None]:
        if form == "CSV":
            from .csv_form import batches  # noqa: PLC0415 - costs time: imported when used

            yield from batches(pieces)
        else:
            from .json_form import JsonInventory  # noqa: PLC0415 - costs time: imported when used

            self._json = JsonInventory(pieces)
            yield from self._json.batches()


def read(pieces: Iterable[bytes | memoryview], format: str) -> Reading:  # noqa: A002 - the word that users write
    """Read an inventory as its bytes arrive, in memory that does not grow with its length.

    :param pieces: the bytes, cut anywhere.
    :param format: ``JSON`` or ``CSV``, the format of the job.
    :returns: an iterator of record batches, with the vault and date of a JSON inventory.
    :raises InventoryError: during iteration, if the inventory is damaged or truncated; the archives
        before the damage have been yielded.  A CSV truncated between two lines looks complete:
        compare the length with the ``InventorySizeInBytes`` of its job.
    """
    if format not in ("JSON", "CSV"):
        raise ValueError(f"format is JSON or CSV, not {format!r}")
    return Reading(pieces, format)
