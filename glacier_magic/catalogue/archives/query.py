"""Queries for archives, translated into one SQL statement that reads as few rows as possible.

If many rows match, a page is read from an index in the requested order.  If few match, they are all
fetched and sorted.  To decide, no more than :attr:`.Limits.few_rows` of the matching rows are counted first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ...base.units import from_ms, storable
from ...errors import InputError
from ...errors.steps import step
from ..storage.database import Database, Scope
from ..storage.letters import composed, fixed_runs, folded, plain_runs, spellings
from . import folders, identity, states, where
from .folders import END, SEPARATORS
from .patterns import literal, literals

Record = TypeVar("Record")

COLUMNS = (
    "id, archive_id, name, description, format, mtime, size, created, tree_hash, labels, note, "
    "listed, unlisted"
)
_NULLABLE = ("size", "created", "modified", "tree_hash")  # the other columns are never null
MOST_WORDS = 100
"""Words of a text to find; databases limit the depth of a condition."""
_LARGEST = 1 << 62  # both databases take 63 bits; one row more is requested than the limit


@dataclass(frozen=True, kw_only=True)
class Query:
    """The parameters of a query: see :meth:`.archives.Archives.query`."""

    glob: str | None = None
    where: str | None = None
    sort: str | Sequence[str] | None = None
    limit: int | None = None
    offset: int = 0
    as_of: int | None = None
    states: Sequence[str] | None = None
    text: str | None = None


@dataclass(frozen=True)
class Page(Generic[Record]):
    """One page of a result; ``more`` is true if rows follow.

    ``as_of`` is the date, in milliseconds, of the inventory that the result is based on, if any.
    """

    records: tuple[Record, ...]
    offset: int
    more: bool
    as_of: int | None


@dataclass(frozen=True)
class Statement:
    """A SELECT with its values, and its parts, from which other statements are made.

    ``where`` has the conditions without the vault, ``bound`` their values; ``condition`` begins with
    the vault.  ``few`` is true if they match no more than :attr:`.Limits.few_rows` rows.
    """

    sql: str
    state: str
    values: tuple[Any, ...]
    as_of: int | None
    vault_id: int
    condition: str
    where: str
    bound: tuple[Any, ...]
    order: str
    few: bool


class _Plan:
    """The statement for a query, built one condition at a time."""

    def __init__(
        self, database: Database, scope: Scope, vault: str, known: identity.KnownVault, query: Query
    ) -> None:
        self._database, self._known, self._query = database, known, query
        self._few_rows = database.limits.few_rows
        inventories = whole_inventories(database, scope, vault)
        if query.as_of is None:
            self._ordinal, self._as_of = known.current, inventories[-1]["made"] if inventories else None
            self._state = states.expression(known.current)
        else:
            found = inventory_at(inventories, query.as_of, vault)
            self._ordinal, self._as_of, self._state = found["ordinal"], found["made"], "'present'"
        self._conditions: list[str] = []
        self._values: list[Any] = []
        self._few, self._vault_id = False, "vault_id"

    # Conditions

    def _add(self, sql: str, *values: Any) -> None:
        self._conditions.append(sql)
        self._values += values

    def _add_presence(self) -> None:
        wanted = self._query.states
        if self._query.as_of is not None:
            if wanted is not None:
                raise InputError(
                    "States are those of now, not of a date",
                    cure="Leave out the date, or the states: what an inventory listed was present.",
                )
            self._add(states.listed_by(self._ordinal))
        elif wanted is None:
            self._add(states.in_vault(self._ordinal))
        else:
            names = states.parse_states([wanted] if isinstance(wanted, str) else wanted)
            marks = ",".join("?" * len(names)) or "NULL"  # no state at all: nothing matches
            self._add(f"{self._state} IN ({marks})", *names)
            self._add(states.visible(self._ordinal))  # "gone" would include rows of an incomplete inventory

    def _add_glob(self, glob: str) -> None:
        glob = archive_pattern(glob)
        if identity.ARCHIVE_ID.fullmatch(glob):
            glob = f"id:{glob}"
        if glob.startswith("name:"):
            self._add_name(glob.removeprefix("name:"))
        elif glob.startswith("id:"):
            prefix = glob.removeprefix("id:")
            self._add("id_key BETWEEN ? AND ?", *identity.span(prefix))
            self._add("archive_id>=? AND archive_id<?", prefix, prefix + "\x7f")  # id_key has five characters
            self._few = True
        elif {"*", "?"} & set(glob) and not ("[" in glob and self._is_name(glob)):
            self._add_pattern(glob)
        elif glob.endswith(tuple(SEPARATORS)):
            self._add_pattern(f"{literal(glob)}*")
        elif self._is_name(glob):  # a[1].txt, which as a pattern does not match itself
            self._add_name(glob)
        else:
            folder = "[" not in glob or any(self._begun(glob + end) for end in SEPARATORS)
            self._add_pattern(f"{literal(glob)}[/\\]*" if folder else glob)

    def _add_name(self, name: str) -> None:
        sql, values = self._database.equal("name", name)
        self._add(sql, *values)
        self._few = True

    def _is_name(self, text: str) -> bool:
        return self._there(*self._database.equal("name", text))

    def _there(self, condition: str, values: Sequence[Any]) -> bool:
        row = self._database.row(
            f"SELECT 1 FROM archive_rows WHERE vault_id=? AND {condition} LIMIT 1", (self._known.id, *values)
        )
        return row is not None

    def _begun(self, text: str) -> list[str]:
        """Return the spellings of a text with which names begin."""
        return [each for each in spellings(text) if self._there("name>=? AND name<?", (each, each + END))]

    def _add_pattern(self, pattern: str) -> None:
        if pattern == "*":  # no condition: the index gives the order
            return
        pattern = composed(where.pattern(pattern))
        prefix, *others = literals(pattern)
        if prefix:  # one range, for the order of the index; mostly names have one spelling
            begun = self._begun(prefix) or [prefix]
            bounds = min(begun), max(begun) + END
            self._few = self._few_between(*bounds)
            name = "name" if self._few or self._by_name else self._database.unindexed("name")
            self._add(f"{name}>=? AND {name}<?", *bounds)
        if not self._few:
            self._add_candidates([run for text in (prefix, *others) for run in fixed_runs(text)])
        # Checked last: the prefix and the candidates narrow the rows.
        sql, values = self._database.glob(self._database.unindexed("name"), pattern)
        self._add(sql, *values)

    def _few_between(self, low: str, high: str) -> bool:
        found = self._database.number(
            "SELECT count(*) FROM (SELECT 1 FROM archive_rows "
            "WHERE vault_id=? AND name>=? AND name<? LIMIT ?) AS first_ones",
            (self._known.id, low, high, self._few_rows + 1),
        )
        return found <= self._few_rows

    def _add_candidates(self, texts: Sequence[str]) -> None:
        ids = self._database.candidates(texts, self._few_rows)  # None: all names are read
        if ids is not None:
            self._add_few(f"id IN ({','.join(map(str, ids)) or 'NULL'})")

    def _add_few(self, sql: str, *values: Any) -> None:
        """Add a condition that matches few rows, so that the database begins with these."""
        self._few, self._vault_id = True, self._database.unindexed("vault_id")
        self._add(sql, *values)

    def _add_where(self, text: str) -> None:
        condition = where.parse(storable_text(text, "A condition"), self._database, self._state)
        self._add(condition.sql, *condition.values)
        for sql, values in () if self._few else condition.ranges:  # the first that matches few will do
            some = f"SELECT id FROM archive_rows WHERE vault_id=? AND {sql}"
            found = self._database.number(
                f"SELECT count(*) FROM ({some} LIMIT ?) AS first_ones",
                (self._known.id, *values, self._few_rows + 1),
            )
            if found <= self._few_rows:
                self._add_few(f"id IN ({some})", self._known.id, *values)
                return

    def _add_text(self, text: str) -> None:
        words = list(dict.fromkeys(folded(storable_text(text, "What a name holds")).split()))
        if not words:
            raise InputError("An empty text is part of every name", cure="Give a part of a name.")
        if len(words) > MOST_WORDS:
            raise InputError(f"At most {MOST_WORDS} words are looked for, not {len(words):,}")
        self._add_candidates([run for word in words for run in plain_runs(word)])
        for word in words:
            sql, values = self._database.contains("name", word)
            self._add(sql, *values)

    # The statement

    @property
    def _order(self) -> list[tuple[str, bool]]:
        """The columns to sort by, each with whether it is descending."""
        given = self._query.sort
        keys = given.split(",") if isinstance(given, str) else list(given or ())
        found = []
        for key in map(str.strip, keys):
            name, down = key.removeprefix("-"), key.startswith("-")
            if name not in where.FIELDS:
                raise InputError(
                    f"There is no column {name!r:.80} to sort by",
                    cure=f"Sort by {', '.join(where.FIELDS)}; -size is largest first.",
                )
            found.append((name, down))
        return found or [("name", False), ("created", False)]

    @property
    def _by_name(self) -> bool:
        return self._order[0][0] == "name"

    def statement(self) -> Statement:
        """Return the finished statement."""
        query = self._query
        self._add_presence()
        if query.glob is not None:
            self._add_glob(query.glob)
        if query.text is not None:
            self._add_text(query.text)
        if query.where is not None:
            self._add_where(query.where)
        conditions = " AND ".join(f"({c})" for c in self._conditions)
        condition = f"{self._vault_id}=? AND {conditions}"
        sql = (
            f"SELECT {COLUMNS}, {self._state} AS state FROM archive_rows WHERE {condition} "
            f"ORDER BY {self._ordering()}"
        )
        bound = (self._known.id, *self._values)
        limit, values = _limit(query), bound
        if limit is not None or query.offset:
            sql += " LIMIT ? OFFSET ?"
            # One row more than the limit shows whether rows follow.
            values = (*bound, _LARGEST if limit is None else limit + 1, query.offset)
        return Statement(
            sql,
            self._state,
            values,
            self._as_of,
            vault_id=self._known.id,
            condition=condition,
            where=conditions,
            bound=tuple(self._values),
            order=self._ordering(),
            few=self._few,
        )

    def _ordering(self) -> str:
        terms = []
        for place, (name, down) in enumerate(self._order):
            column = where.COLUMNS[name]
            if place == 0 and self._few and name not in ("state", "description"):
                column = self._database.unindexed(column)  # no index: the few rows are sorted
            # The order of the indexes in both databases.
            nulls = (" NULLS LAST" if down else " NULLS FIRST") if name in _NULLABLE else ""
            terms.append(f"{column}{' DESC' if down else ''}{nulls}")
        # Ties have one order: pages do not overlap.
        return ", ".join([*terms, f"id{' DESC' if self._order[0][1] else ''}"])


def scanned(database: Database, scope: Scope, vault: str) -> str:
    """Return the column for the vault in a condition that most of its rows meet.

    If much of the table is this vault's, the table is scanned in the order of the disk, which takes a
    tenth of the time of following an index.
    """
    much = folders.fills_table(database, scope, vault)
    return database.unindexed("vault_id") if much else "vault_id"


def whole_inventories(database: Database, scope: Scope, vault: str) -> list[Any]:
    """Return ordinal, date, archives and bytes of the dated whole inventories of a vault, oldest first."""
    return database.rows(
        "SELECT ordinal, made, archives, bytes FROM inventories WHERE account=? AND region=? AND vault=? "
        "AND ordinal IS NOT NULL AND made IS NOT NULL AND whole=1 ORDER BY made, ordinal",
        (scope.account, scope.region, vault),
    )


def inventory_at(inventories: Sequence[Any], as_of: int, vault: str) -> Any:
    """Return the last of *inventories*, oldest first, that was made by *as_of*.

    :raises InputError: all are later.
    """
    until = [row for row in inventories if row["made"] <= as_of]
    if not until:
        first = from_ms(inventories[0]["made"]) if inventories else None
        raise InputError(
            f"No inventory of {vault!r} {'is that old' if first else 'was read yet'}",
            cure=f"The first one is of {first:%Y-%m-%d %H:%M} UTC."
            if first
            else f"{step('inventory')} reads one.",
        )
    return until[-1]


def _limit(query: Query) -> int | None:
    for number in (query.limit, query.offset):
        # isinstance() would accept True.
        if number is not None and (type(number) is not int or number < 0):
            raise InputError("A limit and an offset are whole numbers from 0 on")
    if query.offset >= _LARGEST:
        raise InputError(f"There is no row {query.offset}")
    return None if query.limit is None or query.limit >= _LARGEST else query.limit


def storable_text(text: str, what: str) -> str:
    """Return a text in the form in which names are stored: bytes that are not UTF-8 are escaped.

    :param what: its name in the error.
    :raises InputError: it is not a text, or has a character that no name can have.
    """
    if not isinstance(text, str):
        raise InputError(f"{what} is a text, not {type(text).__name__}")
    try:
        return storable(text)
    except UnicodeEncodeError:
        raise InputError(f"{what} has half a character in it: {text!a:.80}") from None


def archive_pattern(word: str) -> str:
    """Return a word that selects archives by name or id, as :func:`storable_text` does.

    :raises InputError: it is blank: an unset variable of a shell must not select every archive.
    """
    word = storable_text(word, "A name pattern")
    if re.fullmatch(r"(name:|id:)?\s*", word):
        raise InputError(
            f"{word!r} names no archive",
            cure="* means all of them; those without a name are found with --where \"name = ''\".",
        )
    return word


def statement(database: Database, scope: Scope, vault: str, query: Query) -> Statement | None:
    """Return the statement for a query; None for a vault that the catalogue does not know."""
    known = identity.find_vault(database, scope, vault)
    if known is None:
        if query.as_of is not None:
            inventory_at([], query.as_of, vault)
        return None
    return _Plan(database, scope, vault, known, query).statement()


def page(database: Database, scope: Scope, vault: str, query: Query) -> Page[Any]:
    """Return the rows of one page."""
    made = statement(database, scope, vault, query)
    if made is None:
        return Page((), query.offset, False, None)
    rows = database.rows(made.sql, made.values)
    more = query.limit is not None and len(rows) > query.limit
    return Page(tuple(rows[: query.limit] if more else rows), query.offset, more, made.as_of)


def left_out(database: Database, scope: Scope, vault: str, query: Query, made: Statement) -> int:
    """Return how many rows a limit left out, :attr:`.Limits.counted_rows` at most."""
    limit = _limit(query)
    if limit is None:
        return 0
    shown = limit + query.offset
    # No condition: the total is known.
    if replace(query, limit=None, offset=0, sort=None) in (Query(), Query(glob="*")):
        return min(max(0, folders.count(database, scope, vault) - shown), database.limits.counted_rows)
    return database.number(
        f"SELECT count(*) FROM (SELECT 1 FROM archive_rows WHERE {made.condition} "
        "LIMIT ? OFFSET ?) AS first_ones",
        (made.vault_id, *made.bound, database.limits.counted_rows, shown),
    )
