"""Export of a catalogue's archives to a Parquet or CSV file.

The file has every row of the catalogue, in any state; account ids are masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.units import masked
from ..errors import InputError
from .archives import states
from .archives.archive_columns import kind_of
from .archives.archive_frames import READ, Rows, batch
from .archives.query import COLUMNS
from .storage.backup import new_file
from .storage.database import Database, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

EXPORTED = (
    "account",
    "region",
    "vault",
    "archive_id",
    "name",
    "description",
    "format",
    "size",
    "created",
    "modified",
    "tree_hash",
    "state",
    "seen",
    "note",
    "labels",
)
"""The columns of the file; ``seen`` is the date of the last inventory that listed the archive."""
MARK = b"glacier_magic"
"""The key in the metadata of a Parquet file by which the importer recognizes it."""
PIECE = 20_000
ENDS = (".parquet", ".csv")

_LISTED, _UNLISTED = READ.index("listed"), READ.index("unlisted")


def export(database: Database, target: Path, vault: str | None = None) -> int:
    """Write the archives of all vaults, or of *vault*, into a new file; return how many.

    The file shows the catalogue at one time, and does not exist until it is complete.

    :param target: a file that ends in ``.parquet`` or ``.csv``.
    :raises InputError: it has another ending, or exists, or the vault is not known.
    """
    if target.suffix.lower() not in ENDS:
        raise InputError(f"{target.name!r} does not say its form", cure="Let it end in .parquet or .csv.")
    count = 0
    with database.snapshot() as view:
        found = _selected(places(view), vault)  # before the file: no file for a vault that is not known
        with new_file(target) as part, _writer(part, target.suffix.lower()) as writer:
            for place in found:
                # The file may be given to others.
                for rows in pieces(view, place._replace(account=masked(place.account))):
                    writer.write_batch(batch("", rows, READ_ALL, schema()))
                    count += len(rows)
    return count


READ_ALL = (*READ, "account", "region", "vault", "seen")
"""The names of the values in a row of :func:`pieces`."""


def schema() -> pa.Schema:
    """Return the types of the columns."""
    import pyarrow as pa

    fields = [(name, kind_of(name)) for name in EXPORTED]
    return pa.schema(fields, metadata={MARK: b"archives 1"})


def _writer(part: Path, end: str) -> Any:
    if end == ".csv":
        from pyarrow import csv

        return csv.CSVWriter(part, schema())
    from pyarrow import parquet

    return parquet.ParquetWriter(part, schema(), compression="zstd")


class ExportTarget(NamedTuple):
    """A vault, the ordinal of its last inventory, and ordinal and date of them all, latest first."""

    id: int
    account: str
    region: str
    vault: str
    current: int
    dates: tuple[tuple[int, int], ...]


def places(view: Snapshot) -> list[ExportTarget]:
    """Return the vaults that the catalogue knows."""
    found = []
    for row in view.rows("SELECT id, account, region, vault, current FROM vaults ORDER BY id"):
        dates = view.rows(
            "SELECT ordinal, made FROM inventories WHERE account=? AND region=? AND vault=? "
            "AND ordinal IS NOT NULL AND made IS NOT NULL ORDER BY ordinal DESC",
            row[1:4],
        )
        number, account, region, vault, current = row
        found.append(ExportTarget(number, account, region, vault, current, tuple(dates)))
    return found


def _selected(found: Sequence[ExportTarget], vault: str | None) -> Sequence[ExportTarget]:
    selected = [place for place in found if vault in (None, place.vault)]
    if vault is not None and not selected:
        known = ", ".join(sorted({place.vault for place in found})[:10]) or "none"
        raise InputError(f"The catalogue knows no vault {vault!r}", cure=f"It knows: {known}.")
    return selected


def pieces(view: Snapshot, place: ExportTarget) -> Iterator[Rows]:
    """Yield all archives of a vault in batches; the values of a row are :data:`READ_ALL`."""
    fixed = (place.account, place.region, place.vault)
    for rows in view.stream(
        f"SELECT {COLUMNS}, {states.expression(place.current)} AS state FROM archive_rows "
        f"WHERE vault_id=? AND {states.visible(place.current)} ORDER BY id",
        (place.id,),
        PIECE,
    ):
        yield [(*row, *fixed, states.last_seen(row[_LISTED], row[_UNLISTED], place.dates)) for row in rows]
