"""An inventory that another client saved to a file: the service's own JSON or CSV.

The JSON names its account, region, vault and date; the CSV names none of them.  Damaged rows are
left out and the others are imported; of truncated JSON, all complete rows.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..inventories import COLUMNS, InventoryError, Reading
from ..inventories import read as read_batches
from ..inventories.listed_archive import HEADER, Item, is_header
from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, size, text, tree_hash

FORMAT = "a saved inventory"

_HEADER = HEADER + b"\n"
_KEYS = (b'"ArchiveList"', b'"InventoryDate"', b'"VaultARN"')
_ARN = re.compile("arn:[a-z-]+:glacier:([a-z0-9-]+):([0-9]{12}):vaults/([A-Za-z0-9_.-]{1,255})")
_BOM = b"\xef\xbb\xbf"
_LINES = 5000  # read together; one by one if one of them is damaged
_WHOLE = 1 << 28  # bytes of damaged JSON that are parsed in memory to recover the other rows
_PIECE = 1 << 20
_INCOMPLETE = "it is not a complete row of an inventory"


def recognises(file: SourceFile) -> bool:
    """Return whether a file begins like an inventory in JSON or CSV."""
    head = file.head.removeprefix(_BOM)
    return _is_csv(file) or (head.lstrip()[:1] == b"{" and any(key in head for key in _KEYS))


def _is_csv(file: SourceFile) -> bool:
    return is_header(file.head.split(b"\n", 1)[0].strip())


def read(path: Path) -> Imported:
    """Return a reader of an inventory."""
    left = Left()
    csv = _is_csv(SourceFile(path))
    return Imported(
        format=f"{FORMAT} ({'CSV' if csv else 'JSON'})",
        source=path,
        items=_from_csv(path, left) if csv else _from_json(path, left),
        left=left,
    )


@dataclass(frozen=True)
class _Place:
    """The vault and date of an inventory; empty if damaged or missing."""

    vault_arn: str = ""
    made: int | None = None

    def archive(self, row: Item) -> ImportedArchive:
        """Return an archive of this inventory."""
        arn = _ARN.fullmatch(self.vault_arn)
        region, account, vault = arn.groups() if arn else (None, None, None)
        return ImportedArchive(
            archive_id=row.archive_id,
            account=account,
            region=region,
            vault=vault,
            description=text(row.description),
            size=size(row.size),
            created_ms=row.created,
            tree_hash=tree_hash(row.tree_hash),
            seen_ms=self.made,
        )


def _open(pieces: Iterable[bytes], *, csv: bool = False) -> tuple[Callable[[], _Place], Iterator[Item]]:
    """Open an inventory; return a function for its vault and date as known so far, and its rows.

    The rows raise :class:`InventoryError` where the inventory is damaged.
    """
    reading = read_batches(pieces, "CSV" if csv else "JSON")
    return lambda: _Place(reading.vault_arn or "", reading.date), _rows(reading)


def _rows(reading: Reading) -> Iterator[Item]:
    for batch in reading:
        columns = [batch.column(name) for name in COLUMNS]
        # In milliseconds: to_pylist() would return datetimes.
        columns[COLUMNS.index("created")] = columns[COLUMNS.index("created")].cast("int64")
        yield from map(Item, *(column.to_pylist() for column in columns))


def _from_csv(path: Path, left: Left) -> Iterator[ImportedArchive]:
    place = _Place()
    with path.open("rb") as file:
        next(file)  # the header
        number = 2
        while lines := list(islice(file, _LINES)):
            try:
                rows = list(_open([_HEADER, *lines], csv=True)[1])  # all or none: the lines may be read again
            except InventoryError:
                rows = list(_one_by_one(lines, number, left))
            yield from map(place.archive, rows)
            number += len(lines)


def _one_by_one(lines: list[bytes], first: int, left: Left) -> Iterator[Item]:
    for number, line in enumerate(lines, first):
        try:
            yield from list(_open([_HEADER, line], csv=True)[1])
        except InventoryError:
            left.add(f"line {number}", _INCOMPLETE)
            left.cut = left.cut or not line.endswith(b"\n")  # the last line may be incomplete


def _from_json(path: Path, left: Left) -> Iterator[ImportedArchive]:
    count, place = 0, _Place()
    try:
        place = _place(path)  # first, even if it follows the list: each archive needs it
        _, rows = _open(_pieces(path))
        for count, row in enumerate(rows, 1):
            yield from _checked(place, row, count, left)
    except InventoryError as error:
        yield from _rest(path, place, count, left, str(error))


def _place(path: Path) -> _Place:
    """Return the vault and date of an inventory, even if they follow the list of archives."""
    place, rows = _open(_pieces(path))
    with suppress(InventoryError):
        next(rows, None)
    if not place().vault_arn or place().made is None:
        with suppress(InventoryError):
            deque(rows, maxlen=0)  # reads to the end, where the keys may be
    return place()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _rest(path: Path, place: _Place, read: int, left: Left, damage: str) -> Iterator[ImportedArchive]:
    """Yield the archives after an invalid row, if the JSON itself is valid."""
    try:
        if path.stat().st_size > _WHOLE:
            raise ValueError(damage)
        values = json.loads(path.read_bytes())["ArchiveList"][read:]  # the ones before have been yielded
    except (ValueError, RecursionError, LookupError, TypeError):
        left.add(f"all archives after {read:,}", damage)
        left.cut = True
        return
    for number, value in enumerate(values, read + 1):
        try:
            # So that it passes the same checks.
            _, rows = _open([json.dumps({"ArchiveList": [value]}).encode()])
            row = next(rows)
        except InventoryError:
            left.add(f"archive {number:,}", _INCOMPLETE)
        else:
            yield from _checked(place, row, number, left)


def _checked(place: _Place, row: Item, number: int, left: Left) -> Iterator[ImportedArchive]:
    if is_id(row.archive_id):
        yield place.archive(row)
    else:
        left.add(f"archive {number:,}", "its archive id is invalid")
