"""What no archive of a vault can be, and no inventory as a whole.

The service sends no checksum of an inventory, so a damaged one is noticed only where a row becomes
impossible, or the sum of the sizes wrong.  Not noticed are another letter of an id or a description,
another digit of a hash, and one of a date within the life of the vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base.units import LARGEST_ARCHIVE
from .damage import InventoryError
from .listed_archive import ID_LENGTH

if TYPE_CHECKING:
    import pyarrow as pa

OVERHEAD = 32_768
"""Bytes that the service adds to each archive in the size of a vault."""


@dataclass(frozen=True, slots=True)
class Life:
    """The time in which the archives of a vault were created, in milliseconds since 1970.

    :param other_ids: whether a server other than AWS may give ids of a length of its own.
    """

    begin: int
    end: int
    other_ids: bool = False

    def check(self, batch: pa.RecordBatch, before: int) -> None:
        """Check archives of the service, of which *before* were in the batches before.

        :raises InventoryError: one of them is impossible.
        """
        import pyarrow.compute as pc

        created = batch["created"].cast("int64")
        length = len(batch["archive_id"][0].as_py()) if self.other_ids and len(batch) else ID_LENGTH
        for wrong, what in (
            (pc.not_equal(pc.binary_length(batch["archive_id"]), length), "an id of another length"),
            (pc.greater(batch["size"], LARGEST_ARCHIVE), "a size above 40,000 GiB"),
            (pc.is_null(created), "no date"),
            (pc.or_(pc.less(created, self.begin), pc.greater(created, self.end)), "a date outside its life"),
            (pc.is_null(batch["tree_hash"]), "no tree hash"),
        ):
            if pc.any(wrong).as_py():
                row = pc.index(wrong, True).as_py()
                id_ = batch["archive_id"][row].as_py()
                raise InventoryError(
                    f"Archive {before + row + 1:,}, {id_[:12]!a}…, has {what}", row=before + row + 1
                )


def check_sums(archives: int, size: int, counted: object, summed: object) -> None:
    """Compare an inventory with what DescribeVault says of the same inventory.

    :param size: the bytes of all archives, without the overhead.
    :param counted: NumberOfArchives; None is not known.
    :param summed: SizeInBytes; None is not known.
    :raises InventoryError: they differ.
    """
    if counted not in (None, archives):
        raise InventoryError(f"It lists {archives:,} archives, and the vault has {counted:,}")
    whole = size + OVERHEAD * archives
    if summed not in (None, whole):
        raise InventoryError(f"Its sizes add up to {whole:,} bytes, and the vault has {summed:,}")
