"""Archives of a vault as Arrow columns, of which each is a record only while it is looked at."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, overload

from ...base import dataframes
from ...base.units import plural
from ..storage.database import Database, Scope
from .archive_frames import READ, arrow, whole
from .archive_record import ArchiveRecord
from .identity import bytes_key, unpack_hash
from .query import COLUMNS, Query, statement
from .states import last_seen

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PIECE = 10_000
"""Archives whose values are Python objects at a time."""

_FIELDS = tuple(ArchiveRecord.__slots__)
_TABLE_NAMES = {"mtime": "modified"}
_TIMES = ("mtime", "created", "seen")
_READ = (*COLUMNS.split(", "), "state")
_AS_STORED = ("archive_id", "name", "format", "mtime", "size", "created", "state", "labels", "note")


class ArchiveRows(Sequence[ArchiveRecord]):
    """Archives in some 300 bytes each, where a list of records takes 1,000.

    :param table: the columns of :data:`.dataframes.ARCHIVES`, and ``seen``.
    :param order: the rows of the table that these are.
    """

    def __init__(self, table: pa.Table, order: np.ndarray[Any, Any]) -> None:
        self._table, self._order = table, order

    def __len__(self) -> int:
        return len(self._order)

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'archive')}>"

    @overload
    def __getitem__(self, index: int) -> ArchiveRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[ArchiveRecord]: ...
    def __getitem__(self, index: int | slice) -> ArchiveRecord | list[ArchiveRecord]:
        if isinstance(index, slice):
            return list(self.records(range(len(self))[index]))
        return next(self.records([range(len(self))[index]]))

    def __iter__(self) -> Iterator[ArchiveRecord]:
        return self.records(None)

    def records(self, places: Sequence[int] | None) -> Iterator[ArchiveRecord]:
        """Yield the records at *places*, in this order; None for all."""
        for values in self.values(_FIELDS, places):
            yield ArchiveRecord(**dict(zip(_FIELDS, values, strict=True)))

    def values(self, names: Sequence[str], places: Sequence[int] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the values of fields of the records at *places*; None for all."""
        import numpy as np

        rows = self._order if places is None else self._order[np.asarray(places, np.int64)]
        pieces = (rows[start : start + PIECE] for start in range(0, len(rows), PIECE))
        return chain.from_iterable(
            zip(*(self._piece(n, piece) for n in names), strict=True) for piece in pieces
        )

    def _piece(self, name: str, rows: np.ndarray[Any, Any]) -> list[Any]:
        import pyarrow.compute as pc

        found = self._table[_TABLE_NAMES.get(name, name)].take(rows)
        if name in _TIMES:
            found = pc.divide(found.cast("int64"), 1000)  # microseconds
        return list(found.to_pylist())

    def by_age(self) -> ArchiveRows:
        """Return the archives with the oldest first; those of one age as they stand here."""
        import numpy as np
        import pyarrow.compute as pc

        ages = pc.fill_null(self._table["created"].cast("int64"), 0).to_numpy()
        return ArchiveRows(self._table, self._order[np.argsort(ages[self._order], kind="stable")])


def matching(database: Database, scope: Scope, vault: str, glob: str | None) -> Sequence[ArchiveRecord]:
    """Return the archives that a pattern matches: see :meth:`.Archives.matching`."""
    query = Query(glob=glob)
    made = statement(database, scope, vault, query)
    if made is None:
        return []
    dates = dates_of(database, scope, vault)
    pieces = database.stream(made.sql, made.values, PIECE)
    first = next(pieces, [])
    if len(first) < PIECE:
        return [record_of(vault, dict(zip(_READ, row, strict=True)), dates) for row in first]
    import numpy as np

    # Of what is in the vault: its last inventory lists what any has listed.
    seen = f"CASE WHEN listed IS NOT NULL THEN {dates[0][1]:d} END" if dates else "NULL"
    table = whole(database, scope, vault, query, made, stored=True, seen=seen)
    if table is not None:
        order = table["order"].to_numpy()
    else:
        listed, unlisted = READ.index("listed"), READ.index("unlisted")
        several = (
            [(*row, last_seen(row[listed], row[unlisted], dates)) for row in rows]
            for rows in chain([first], pieces)
        )
        table = arrow(vault, several, read=(*READ, "seen"), columns=(*dataframes.ARCHIVES, "seen"))
        order = np.arange(len(table), dtype=np.int32)
    return ArchiveRows(table, order)


def dates_of(database: Database, scope: Scope, vault: str) -> list[tuple[int, int]]:
    """Return ordinal and date of the complete inventories of a vault, latest first."""
    rows = database.rows(
        "SELECT ordinal, made FROM inventories WHERE account=? AND region=? AND vault=? "
        "AND ordinal IS NOT NULL AND made IS NOT NULL ORDER BY ordinal DESC",
        (scope.account, scope.region, vault),
    )
    return [(row["ordinal"], row["made"]) for row in rows]


def record_of(vault: str, row: Mapping[str, Any], dates: Sequence[tuple[int, int]]) -> ArchiveRecord:
    """Return a row as a record.

    :param row: the columns that :data:`.query.COLUMNS` names, and state.
    :param dates: as of :func:`dates_of`.
    """
    return ArchiveRecord(
        vault=vault,
        description=row["name"] if row["description"] is None else row["description"],
        tree_hash=unpack_hash(row["tree_hash"]),
        seen=last_seen(row["listed"], row["unlisted"], dates),
        **{name: row[name] for name in _AS_STORED},
    )


def by_age(archives: Sequence[ArchiveRecord]) -> Sequence[ArchiveRecord]:
    """Return archives with the oldest first; those of one age as they stand."""
    if isinstance(archives, ArchiveRows):
        return archives.by_age()
    return sorted(archives, key=lambda archive: archive.created or 0)


def fields_of(
    archives: Sequence[ArchiveRecord], *names: str, places: Sequence[int] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield the values of two fields or more of each archive, or of those at *places*."""
    if isinstance(archives, ArchiveRows):
        return archives.values(names, places)
    return map(attrgetter(*names), records_of(archives, places))


def field_of(archives: Sequence[ArchiveRecord], name: str) -> Iterator[Any]:
    """Yield the values of one field of each archive."""
    if isinstance(archives, ArchiveRows):
        return chain.from_iterable(archives.values([name]))
    return map(attrgetter(name), archives)


def plain_names(archives: Sequence[ArchiveRecord]) -> Iterator[str]:
    """Yield the name of each archive; an empty text where its file has another one."""
    return (name if format_ == "plain" else "" for name, format_ in fields_of(archives, "name", "format"))


def records_of(archives: Sequence[ArchiveRecord], places: Sequence[int] | None) -> Iterator[ArchiveRecord]:
    """Yield the archives at *places*; None for all."""
    if isinstance(archives, ArchiveRows):
        return archives.records(places)
    return iter(archives if places is None else map(archives.__getitem__, places))


def contents_of(archives: Sequence[ArchiveRecord], places: Sequence[int] | None = None) -> Iterator[str]:
    """Yield the :attr:`~.ArchiveRecord.bytes_key` of each archive, or of those at *places*."""
    facts = fields_of(archives, "archive_id", "size", "tree_hash", places=places)
    return (bytes_key(size, tree_hash) or archive_id for archive_id, size, tree_hash in facts)


def same_bytes(archives: Sequence[ArchiveRecord]) -> list[int]:
    """Return the places of archives whose bytes others may have, too, in order."""
    roots = enumerate(field_of(archives, "tree_hash"))  # one without a hash has bytes of its own
    return places_of_repeated(root or place for place, root in roots)


def places_of_repeated(values: Iterable[Hashable]) -> list[int]:
    """Return the places of values that occur more than once; perhaps of others with the same hash, too."""
    marks = array("q", map(hash, values))  # there may be a million
    several = repeated(marks)
    return [place for place, mark in enumerate(marks) if mark in several]


def repeated(marks: array[int]) -> set[int]:
    """Return the numbers that occur more than once."""
    if len(marks) < PIECE:
        return {mark for mark, count in Counter(marks).items() if count > 1}
    import numpy as np

    values, counts = np.unique(np.frombuffer(marks, np.int64), return_counts=True)
    return set(values[counts > 1].tolist())


def concerned(archives: Sequence[ArchiveRecord], contents: Collection[str]) -> Iterator[int]:
    """Yield the places of the archives whose id, or key of bytes, is one of *contents*."""
    if contents:
        for place, (own, size, root) in enumerate(fields_of(archives, "archive_id", "size", "tree_hash")):
            if own in contents or bytes_key(size, root) in contents:
                yield place
