"""An inventory saved to a file by whatever client: the service's own JSON or CSV.

The JSON names its account, region, vault and date; the CSV names nothing.  A row that is damaged
is left and the rest is taken; of a JSON that breaks off, what was whole until there.
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
from typing import NamedTuple

from ..inventories import COLUMNS, InventoryError, Reading
from ..inventories import read as read_batches
from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, size, text, tree_hash

FORMAT = "a saved inventory"

_HEADER = b"ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"
_KEYS = (b'"ArchiveList"', b'"InventoryDate"', b'"VaultARN"')
_ARN = re.compile("arn:[a-z-]+:glacier:([a-z0-9-]+):([0-9]{12}):vaults/([A-Za-z0-9_.-]{1,255})")
_BOM = b"\xef\xbb\xbf"
_LINES = 5000  # read together; one by one where one of them is damaged
_WHOLE = 1 << 28  # bytes of a damaged JSON that is parsed in memory to save its other rows
_PIECE = 1 << 20


def recognises(file: SourceFile) -> bool:
    """Tell whether a file begins like the service's inventory in JSON or CSV."""
    head = file.head.removeprefix(_BOM)
    return _is_csv(head) or (head.lstrip()[:1] == b"{" and any(key in head for key in _KEYS))


def _is_csv(head: bytes) -> bool:
    return head.split(b"\n", 1)[0].strip().replace(b'"', b"") == _HEADER.strip()


def read(path: Path) -> Imported:
    """Begin to read an inventory."""
    left = Left()
    csv = _is_csv(SourceFile(path).head.removeprefix(_BOM))
    return Imported(
        format=f"{FORMAT} ({'CSV' if csv else 'JSON'})",
        source=path,
        items=_from_csv(path, left) if csv else _from_json(path, left),
        jobs=iter(()),
        left=left,
    )


@dataclass(frozen=True)
class _Place:
    """What an inventory says about itself; damaged or missing, it is unknown."""

    vault_arn: str = ""
    made: int | None = None

    def archive(self, row: _Row) -> ImportedArchive:
        """Make one archive of this inventory."""
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


class _Row(NamedTuple):
    archive_id: str
    description: str
    created: int | None
    size: int
    tree_hash: str | None


def _open(pieces: Iterable[bytes], *, csv: bool = False) -> tuple[Callable[[], _Place], Iterator[_Row]]:
    """Begin to read an inventory; return what it says about itself by now, and its rows.

    This alone knows the reader of inventories.  Raises :class:`InventoryError` while iterating,
    where the inventory is damaged.
    """
    reading = read_batches(pieces, "CSV" if csv else "JSON")
    return lambda: _Place(reading.vault_arn or "", reading.date), _rows(reading)


def _rows(reading: Reading) -> Iterator[_Row]:
    for batch in reading:
        columns = [batch.column(name) for name in COLUMNS]
        columns[COLUMNS.index("created")] = columns[COLUMNS.index("created")].cast("int64")
        yield from map(_Row, *(column.to_pylist() for column in columns))


def _from_csv(path: Path, left: Left) -> Iterator[ImportedArchive]:
    place = _Place()
    with path.open("rb") as file:
        next(file)
        number = 2
        while lines := list(islice(file, _LINES)):
            try:
                rows = list(_open([_HEADER, *lines], csv=True)[1])
            except InventoryError:
                rows = list(_one_by_one(lines, number, left))
            yield from map(place.archive, rows)
            number += len(lines)


def _one_by_one(lines: list[bytes], first: int, left: Left) -> Iterator[_Row]:
    for number, line in enumerate(lines, first):
        try:
            yield from list(_open([_HEADER, line], csv=True)[1])
        except InventoryError:
            left.add(f"line {number}", "it is no whole row of an inventory")
            left.cut = left.cut or not line.endswith(b"\n")


def _from_json(path: Path, left: Left) -> Iterator[ImportedArchive]:
    count, place = 0, _Place()
    try:
        place = _place(path)
        _, rows = _open(_pieces(path))
        for count, row in enumerate(rows, 1):
            yield from _checked(place, row, count, left)
    except InventoryError as error:
        yield from _rest(path, place, count, left, str(error))


def _place(path: Path) -> _Place:
    """Return what an inventory says about itself, be it behind the list of archives."""
    place, rows = _open(_pieces(path))
    with suppress(InventoryError):
        next(rows, None)
    if not place().vault_arn or place().made is None:
        with suppress(InventoryError):
            deque(rows, maxlen=0)
    return place()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _rest(path: Path, place: _Place, read: int, left: Left, damage: str) -> Iterator[ImportedArchive]:
    """Yield what follows the row that could not be read, where the JSON itself is whole."""
    try:
        if path.stat().st_size > _WHOLE:
            raise ValueError(damage)
        values = json.loads(path.read_bytes())["ArchiveList"][read:]
    except (ValueError, RecursionError, LookupError, TypeError):
        left.add(f"all behind archive {read:,}", damage)
        left.cut = True
        return
    for number, value in enumerate(values, read + 1):
        try:
            _, rows = _open([json.dumps({"ArchiveList": [value]}).encode()])
            row = next(rows)
        except InventoryError:
            left.add(f"archive {number:,}", "it is no whole row of an inventory")
        else:
            yield from _checked(place, row, number, left)


def _checked(place: _Place, row: _Row, number: int, left: Left) -> Iterator[ImportedArchive]:
    if is_id(row.archive_id):
        yield place.archive(row)
    else:
        left.add(f"archive {number:,}", "its archive id is none")
