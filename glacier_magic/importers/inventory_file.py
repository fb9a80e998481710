"""An inventory that was saved to a file: the service's own JSON or CSV, or what others made of it.

The JSON names its account, region, vault and date; the other forms name none of them.  Damaged rows
are left out and the others are imported; of truncated JSON, all complete rows.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn

from ..errors import InputError
from ..inventories import COLUMNS, InventoryError, Reading
from ..inventories import read as read_batches
from ..inventories.listed_archive import HEADER, Item, csv_item, is_header, json_item
from ..inventories.scanner import Scanner
from .contents import Content
from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, size, text, tree_hash
from .inventory_table import CsvLayout, RowError, csv_rows, is_parquet, layout_of, parquet_rows

FORMAT = "a saved inventory"

_HEADER = HEADER + b"\n"
_KEYS = (b'"ArchiveList"', b'"InventoryDate"', b'"VaultARN"')
_ARN = re.compile("arn:[a-z-]+:glacier:([a-z0-9-]+):([0-9]{12}):vaults/([A-Za-z0-9_.-]{1,255})")
_LINES = 5000  # read together; one by one if one of them is damaged
_JOINED = 8  # most lines of one description
_BEGIN = re.compile(rb'"?[A-Za-z0-9_-]{138}"?,')  # of a row
_WHOLE = 1 << 28  # bytes of damaged JSON that are parsed in memory to recover the other rows
_INCOMPLETE = "it is not a complete row of an inventory"
# Of a whole row: the service quotes every description, and nothing else.
_OTHER_LINE = re.compile(rb'"[A-Za-z0-9_-]{8,}",|[A-Za-z0-9_-]+,(?!").*,"?[0-9a-fA-F]{64}"?\s*\Z')
# Writers with an escape character put it before another and before quotes, separators and line ends.
_ESCAPED = re.compile(rb"\\[\\']")
_SINGLE = re.compile(rb'(?<!\\)(?:\\\\)*\\(?=[^\\"\',;\t|\r\n])')


def recognises(file: SourceFile) -> bool:
    """Return whether a file begins like an inventory in JSON or CSV, or is a table of one in Parquet."""
    if file.head.startswith(b"PAR1"):
        return is_parquet(file.path)
    head = Content(file.path).head
    return layout_of(head) is not None or _json_form(head) is not None


def read(path: Path) -> Imported:
    """Return a reader of an inventory.

    :raises InputError: a CSV can be read in two ways.
    """
    left, content = Left(), Content(path)
    if SourceFile(path).head.startswith(b"PAR1"):
        form, rows = "Parquet", parquet_rows(path)
        items = _from_rows(rows, left)
    elif (layout := layout_of(content.head)) is not None:
        form = "CSV"
        own = _is_own_csv(content, layout)
        items = _from_csv(content, left) if own else _from_rows(csv_rows(content, layout), left)
    else:
        form, items = "JSON", _from_json(content, left)
    return Imported(format=f"{FORMAT} ({form})", source=path, items=items, left=left)


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


# CSV and Parquet


def _is_own_csv(content: Content, layout: CsvLayout) -> bool:
    r"""Return whether a CSV is quoted by the rules of the service, not by those of RFC 4180.

    They are those by which the whole file can be read; for a damaged one, those that its lines show.

    :raises InputError: lines show both, or backslashes may or may not be escapes.
    """
    with suppress(InventoryError):  # reading it says so
        exact = layout.is_services and not any(map(_OTHER_LINE.match, content.stream()))
        certain, own = exact and _is_whole(content), 0
        if layout.is_services and not certain and _is_damaged(content, layout):
            own, others = _evidence(content)
            if own and others:
                _ambiguous(content, f'line {own:,} has \\" for a quote, and line {others:,} has ""')
            certain = exact and not others
        if certain:
            return True
        if any(map(_ESCAPED.search, content.stream())) and not any(map(_SINGLE.search, content.stream())):
            why = "all backslashes are in pairs or before quotes, which some programs write for single ones"
            _ambiguous(content, why)
        return own > 0
    return False


def _is_whole(content: Content) -> bool:
    """Return whether the service's rules explain all of a CSV."""
    with suppress(InventoryError):
        deque(read_batches(content.pieces(), "CSV"), maxlen=0)
        return True
    return False


def _is_damaged(content: Content, layout: CsvLayout) -> bool:
    """Return whether the rules of RFC 4180 do not explain all of a CSV."""
    with suppress(InventoryError):
        return any(isinstance(row, RowError) for _, row in csv_rows(content, layout))
    return True


def _evidence(content: Content) -> tuple[int, int]:
    """Return the first line that only the service writes, and the first that only others write; 0 if none."""
    own = others = 0
    with suppress(InventoryError):
        for number, line in enumerate(content.stream(), 1):
            try:
                csv_item(line.rstrip(b"\r\n"))
                own = own or (number if b'\\"' in line.replace(b'\\",', b"") else 0)
            except InventoryError:
                others = others or (number if b'""' in line.replace(b',"",', b"") else 0)
    return own, others


def _ambiguous(content: Content, why: str) -> NoReturn:
    raise InputError(
        f'{content.path} can be read as the CSV of the service (\\" for a quote, \\ for itself) '
        f"and as that of other programs, with other names: {why}",
        cure="Import the file that came from the service, or save it as JSON.",
    )


def _from_rows(rows: Iterator[tuple[str, Item | RowError]], left: Left) -> Iterator[ImportedArchive]:
    place = _Place()
    try:
        for where, row in rows:
            if isinstance(row, RowError):
                left.add(where, str(row))
            else:
                yield place.archive(row)
    except InventoryError as error:
        _cut(left, error)


def _cut(left: Left, error: InventoryError) -> None:
    left.add("the rest of the archives", error.message)
    left.cut = True


def _from_csv(content: Content, left: Left) -> Iterator[ImportedArchive]:
    place = _Place()
    file = content.stream()
    try:
        next(file)  # the header
        number = 2
        while lines := list(islice(file, _LINES)):
            try:
                rows = list(_open([_HEADER, *lines], csv=True)[1])  # all or none: the lines may be read again
            except InventoryError:
                rows = list(_one_by_one(lines, number, left))
            yield from map(place.archive, rows)
            number += len(lines)
    except InventoryError as error:
        _cut(left, error)


def _one_by_one(lines: list[bytes], first: int, left: Left) -> Iterator[Item]:
    at = 0
    while at < len(lines):
        last = min(at + _JOINED, len(lines))
        last = next((n for n in range(at + 1, last) if _BEGIN.match(lines[n])), last)
        for end in range(at + 1, last + 1):  # a description may have line ends
            line = b"".join(lines[at:end]).removesuffix(b"\n").removesuffix(b"\r")
            if not line or is_header(line):
                break
            with suppress(InventoryError):
                yield csv_item(line)
                break
        else:
            end = at + 1
            left.add(f"line {first + at}", _INCOMPLETE)
            left.cut = left.cut or not lines[at].endswith(b"\n")  # the last line may be incomplete
        at = end


# JSON


def _json_form(head: bytes) -> str | None:
    """Return what JSON begins with *head*: an inventory, a list of archives, or single archives."""
    first = head.lstrip()[:1]
    if first == b"{" and any(key in head for key in _KEYS):
        return "inventory"
    return {b"[": "list", b"{": "values"}.get(first) if b'"ArchiveId"' in head else None


def _from_json(content: Content, left: Left) -> Iterator[ImportedArchive]:
    form = _json_form(content.head)
    if form == "values":
        yield from _from_values(content, left)
        return
    count, place = 0, _Place()
    try:
        place = _place(content, form)  # first, even if it follows the list: each archive needs it
        _, rows = _open(_pieces(content, form))
        for count, row in enumerate(rows, 1):
            yield from _checked(place, row, count, left)
    except InventoryError as error:
        yield from _rest(content, form, place, count, left, str(error))


def _place(content: Content, form: str | None) -> _Place:
    """Return the vault and date of an inventory, even if they follow the list of archives."""
    place, rows = _open(_pieces(content, form))
    with suppress(InventoryError):
        next(rows, None)
    if not place().vault_arn or place().made is None:
        with suppress(InventoryError):
            deque(rows, maxlen=0)  # reads to the end, where the keys may be
    return place()


def _pieces(content: Content, form: str | None) -> Iterator[bytes]:
    """Yield JSON with an ArchiveList, also for a list alone."""
    if form == "inventory":
        return content.pieces()
    return chain([b'{"ArchiveList":'], content.pieces(), [b"}"])


def _from_values(content: Content, left: Left) -> Iterator[ImportedArchive]:
    """Yield the archives of JSON Lines, or of objects in any form one after another."""
    scanner, number, place = Scanner(content.pieces()), 0, _Place()
    try:
        for number, value in enumerate(scanner.values(), 1):
            yield from _valued(place, value, number, left)
    except InventoryError as error:
        left.add(f"all archives after {number:,}", error.message)
        left.cut = True


def _rest(
    content: Content, form: str | None, place: _Place, read: int, left: Left, damage: str
) -> Iterator[ImportedArchive]:
    """Yield the archives after an invalid row, if the JSON itself is valid."""
    try:
        if content.path.stat().st_size > _WHOLE:
            raise ValueError(damage)
        whole = json.loads(b"".join(_pieces(content, form)))
        values = whole["ArchiveList"][read:]  # the ones before have been yielded
    except (ValueError, RecursionError, LookupError, TypeError):
        left.add(f"all archives after {read:,}", damage)
        left.cut = True
        return
    for number, value in enumerate(values, read + 1):
        yield from _valued(place, value, number, left)


def _valued(place: _Place, value: object, number: int, left: Left) -> Iterator[ImportedArchive]:
    try:
        row = json_item(value)
    except InventoryError:
        left.add(f"archive {number:,}", _INCOMPLETE)
    else:
        yield from _checked(place, row, number, left)


def _checked(place: _Place, row: Item, number: int, left: Left) -> Iterator[ImportedArchive]:
    if is_id(row.archive_id):
        yield place.archive(row)
    else:
        left.add(f"archive {number:,}", "its archive id is invalid")
