"""Asking for archives: what was asked, to one statement that reads no more rows than it must.

A page comes from an index in the wanted order where many rows match, and from the few that match
where there are few: whether there are few is found out first, by looking at no more than
:attr:`.Limits.few_rows` of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ...base.units import from_ms, storable
from ...errors import InputError
from ...steps import step
from ..storage.database import Database, Scope
from . import identity, states, vault_table, where

Record = TypeVar("Record")

COLUMNS = "id, archive_id, name, description, format, mtime, size, created, tree_hash, listed, unlisted"
SORTABLE = ("name", "size", "created", "mtime", "format", "state", "description", "archive_id", "tree_hash")
_NULLABLE = ("size", "created", "mtime", "tree_hash")
_END = "\U0010ffff"

_LARGEST = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked for: see :meth:`.archives.Archives.query`."""

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
    """Some of what was asked for: ``more`` where there are further ones behind.

    ``as_of`` is the date, in milliseconds, of the inventory that it was told by, if any.
    """

    records: tuple[Record, ...]
    offset: int
    more: bool
    as_of: int | None


@dataclass(frozen=True)
class Statement:
    """A SELECT with its values, and what it is made of for those who ask for other columns.

    ``where`` are its conditions but for the vault, ``bound`` their values; ``condition`` has the
    vault before them.  ``few``: they find no more than :attr:`.Limits.few_rows` rows by themselves.
    """

    sql: str
    values: tuple[Any, ...]
    as_of: int | None
    vault_id: int
    condition: str
    where: str
    bound: tuple[Any, ...]
    order: str
    few: bool


def literal(text: str) -> str:
    """Return the pattern that matches *text* alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def literals(pattern: str) -> list[str]:
    """Return the texts that every match of *pattern* holds; the first is what it begins with."""
    found, place = [""], 0
    while place < len(pattern):
        char = pattern[place]
        closed = pattern.find("]", place + 2 + (pattern[place + 1 : place + 2] == "^"))
        if char == "[" and closed == place + 2 and pattern[place + 1] != "^":
            found[-1] += pattern[place + 1]  # one character in brackets is itself
            place = closed
        elif char == "[" and closed > 0:
            found.append("")
            place = closed
        elif char in "*?[":
            found.append("")
        else:
            found[-1] += char
        place += 1
    return found


class _Plan:
    def __init__(
        self, database: Database, scope: Scope, vault: str, known: vault_table.KnownVault, asked: Query
    ) -> None:
        self._database, self._scope, self._vault = database, scope, vault
        self._known, self._asked = known, asked
        self._ordinal, self._as_of = self._moment()
        self._state = states.expression(known.current) if asked.as_of is None else "'present'"
        self._conditions: list[str] = []
        self._values: list[Any] = []
        self._few, self._vault_id = False, "vault_id"

    def _moment(self) -> tuple[int, int | None]:
        key = (self._scope.account, self._scope.region, self._vault)
        rows = self._database.rows(
            "SELECT ordinal, made FROM inventories WHERE account=? AND region=? AND vault=? "
            "AND ordinal IS NOT NULL AND made IS NOT NULL AND whole=1 ORDER BY made, ordinal",
            key,
        )
        if self._asked.as_of is None:
            return self._known.current, rows[-1]["made"] if rows else None
        return moment(rows, self._asked.as_of, self._vault)

    # Conditions

    def _add(self, sql: str, *values: Any) -> None:
        self._conditions.append(sql)
        self._values += values

    def _add_presence(self) -> None:
        wanted = self._asked.states
        if self._asked.as_of is not None:
            if wanted is not None:
                raise InputError(
                    "States are those of now, not of a date",
                    cure="Leave out the date, or the states: what an inventory listed was present.",
                )
            self._add(states.at(self._ordinal))
        elif wanted is None:
            self._add(states.there(self._ordinal))
        else:
            names = states.named([wanted] if isinstance(wanted, str) else wanted)
            marks = ",".join("?" * len(names)) or "NULL"
            self._add(f"{self._state} IN ({marks})", *names)
            self._add(states.visible(self._ordinal))

    def _add_glob(self, glob: str) -> None:
        glob = chosen(glob)
        if glob.startswith("name:"):
            self._add("name=?", glob.removeprefix("name:"))
            self._few = True
        elif glob.startswith("id:"):
            prefix = glob.removeprefix("id:")
            self._add("id_key BETWEEN ? AND ?", *identity.span(prefix))
            self._add("archive_id>=? AND archive_id<?", prefix, prefix + "\x7f")
            self._few = True
        elif not {"*", "?"} & set(glob) and not glob.endswith("/") and self._is_name(glob):
            self._add("name=?", glob)
            self._few = True
        else:
            self._add_pattern(f"{literal(glob)}*" if glob.endswith("/") else glob)

    def _is_name(self, text: str) -> bool:
        row = self._database.row(
            "SELECT 1 FROM archive_rows WHERE vault_id=? AND name=? LIMIT 1", (self._known.id, text)
        )
        return row is not None

    def _add_pattern(self, pattern: str) -> None:
        if pattern == "*":
            return
        pattern = where.pattern(pattern)
        prefix, *others = literals(pattern)
        sql, values = self._database.glob("name", pattern)
        if prefix:
            self._few = self._few_with_prefix(prefix)
            name = "name" if self._few or self._by_name else self._database.unindexed("name")
            self._add(f"{name}>=? AND {name}<?", prefix, prefix + _END)
        if not self._few:
            self._add_candidates([prefix, *others])
        self._add(sql.replace("name", self._database.unindexed("name"), 1), *values)

    def _few_with_prefix(self, prefix: str) -> bool:
        row = self._database.row(
            "SELECT count(*) AS n FROM (SELECT 1 FROM archive_rows "
            "WHERE vault_id=? AND name>=? AND name<? LIMIT ?) AS first_ones",
            (self._known.id, prefix, prefix + _END, self._database.limits.few_rows + 1),
        )
        return row is not None and row["n"] <= self._database.limits.few_rows

    def _add_candidates(self, texts: Sequence[str]) -> None:
        ids = self._database.candidates(texts, self._database.limits.few_rows)
        if ids is not None:
            self._add_few(f"id IN ({','.join(map(str, ids)) or 'NULL'})")

    def _add_few(self, sql: str, *values: Any) -> None:
        """Begin with the few rows of this condition, whatever else there is."""
        self._few, self._vault_id = True, self._database.unindexed("vault_id")
        self._add(sql, *values)

    def _add_where(self, text: str) -> None:
        condition = where.parse(plain(text, "A condition"), self._database, self._state)
        self._add(condition.sql, *condition.values)
        for sql, values in () if self._few else condition.ranges:
            some = f"SELECT id FROM archive_rows WHERE vault_id=? AND {sql}"
            row = self._database.row(
                f"SELECT count(*) AS n FROM ({some} LIMIT ?) AS first_ones",
                (self._known.id, *values, self._database.limits.few_rows + 1),
            )
            if row is not None and row["n"] <= self._database.limits.few_rows:
                self._add_few(f"id IN ({some})", self._known.id, *values)
                return

    def _add_text(self, text: str) -> None:
        text = plain(text, "What a name holds")
        if not text:
            raise InputError("An empty text is part of every name", cure="Give a part of a name.")
        self._add_candidates([text])
        self._add(*_spread(self._database.contains("name", text)))

    # The statement

    @property
    def _order(self) -> list[tuple[str, bool]]:
        """Return columns and whether the greatest comes first."""
        given = self._asked.sort
        keys = given.split(",") if isinstance(given, str) else list(given or ())
        found = []
        for key in map(str.strip, keys):
            name, down = key.removeprefix("-"), key.startswith("-")
            if name not in SORTABLE:
                raise InputError(
                    f"There is no column {name!r:.80} to sort by",
                    cure=f"Sort by {', '.join(SORTABLE)}; -size is largest first.",
                )
            found.append((name, down))
        return found or [("name", False), ("created", False)]

    @property
    def _by_name(self) -> bool:
        return self._order[0][0] == "name"

    def statement(self) -> Statement:
        asked = self._asked
        self._add_presence()
        if asked.glob is not None:
            self._add_glob(asked.glob)
        if asked.text is not None:
            self._add_text(asked.text)
        if asked.where is not None:
            self._add_where(asked.where)
        conditions = " AND ".join(f"({c})" for c in self._conditions)
        condition = f"{self._vault_id}=? AND {conditions}"
        sql = (
            f"SELECT {COLUMNS}, {self._state} AS state FROM archive_rows WHERE {condition} "
            f"ORDER BY {self._ordering()}"
        )
        bound = (self._known.id, *self._values)
        limit, values = _limit(asked), bound
        if limit is not None or asked.offset:
            sql += " LIMIT ? OFFSET ?"
            # one more tells whether there are more
            values = (*bound, _LARGEST if limit is None else limit + 1, asked.offset)
        return Statement(
            sql,
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
            column = "COALESCE(description, name)" if name == "description" else name
            if place == 0 and self._few and name not in ("state", "description"):
                column = self._database.unindexed(name)
            nulls = (" NULLS LAST" if down else " NULLS FIRST") if name in _NULLABLE else ""
            terms.append(f"{column}{' DESC' if down else ''}{nulls}")
        return ", ".join([*terms, f"id{' DESC' if self._order[0][1] else ''}"])


def moment(rows: Sequence[Any], as_of: int, vault: str) -> tuple[int, int]:
    """Return ordinal and date of the newest of *rows* (inventories, oldest first) until *as_of*.

    :raises InputError: there is none that old.
    """
    until = [row for row in rows if row["made"] <= as_of]
    if not until:
        first = from_ms(rows[0]["made"]) if rows else None
        raise InputError(
            f"No inventory of {vault!r} {'is that old' if first else 'was read yet'}",
            cure=f"The first one is of {first:%Y-%m-%d %H:%M} UTC."
            if first
            else f"{step('inventory')} reads one.",
        )
    return until[-1]["ordinal"], until[-1]["made"]


def _limit(asked: Query) -> int | None:
    for number in (asked.limit, asked.offset):
        if number is not None and (type(number) is not int or number < 0):
            raise InputError("A limit and an offset are whole numbers from 0 on")
    if asked.offset >= _LARGEST:
        raise InputError(f"There is no row {asked.offset}")
    return None if asked.limit is None or asked.limit >= _LARGEST else asked.limit


def plain(text: str, what: str) -> str:
    """Return a text from the user as names are kept: bytes that are not UTF-8 spelled out.

    :raises InputError: it is no text, or has a character that no name can have.
    """
    if not isinstance(text, str):
        raise InputError(f"{what} is a text, not {type(text).__name__}")
    try:
        return storable(text)
    except UnicodeEncodeError:
        raise InputError(f"{what} has half a character in it: {text!a:.80}") from None


def chosen(word: str) -> str:
    """Return a word that chooses archives by name or id, as :func:`plain` does.

    :raises InputError: it is blank, as an unset variable is: that must not choose any.
    """
    word = plain(word, "A name pattern")
    if re.fullmatch(r"(name:|id:)?\s*", word):
        raise InputError(
            f"{word!r} names no archive",
            cure="* means all of them; those without a name are found with --where \"name = ''\".",
        )
    return word


def _spread(pair: tuple[str, list[Any]]) -> tuple[Any, ...]:
    return (pair[0], *pair[1])


def statement(database: Database, scope: Scope, vault: str, asked: Query) -> Statement | None:
    """Return the statement that answers a question; None where the vault is not known."""
    known = vault_table.find(database, scope, vault)
    if known is None:
        if asked.as_of is not None:
            moment([], asked.as_of, vault)
        return None
    return _Plan(database, scope, vault, known, asked).statement()


def pages(database: Database, scope: Scope, vault: str, asked: Query) -> Page[Any]:
    """Return the rows of one page."""
    made = statement(database, scope, vault, asked)
    if made is None:
        return Page((), asked.offset, False, None)
    rows = database.rows(made.sql, made.values)
    more = asked.limit is not None and len(rows) > asked.limit
    return Page(tuple(rows[: asked.limit] if more else rows), asked.offset, more, made.as_of)


def left_out(database: Database, scope: Scope, vault: str, asked: Query, made: Statement) -> int:
    """Return how many rows a limit cut off, :attr:`.Limits.counted_rows` of them at most."""
    limit = _limit(asked)
    if limit is None:
        return 0
    shown = limit + asked.offset
    everything = replace(asked, limit=None, offset=0, sort=None)
    if everything in (Query(), Query(glob="*")):
        return min(max(0, _rolled_up(database, scope, vault) - shown), database.limits.counted_rows)
    row = database.row(
        f"SELECT count(*) AS n FROM (SELECT 1 FROM archive_rows WHERE {made.condition} "
        "LIMIT ? OFFSET ?) AS first_ones",
        (made.vault_id, *made.bound, database.limits.counted_rows, shown),
    )
    return int(row["n"]) if row else 0


def _rolled_up(database: Database, scope: Scope, vault: str) -> int:
    row = database.row(
        "SELECT f.archives AS n FROM folders f JOIN vaults v ON v.id=f.vault_id "
        "WHERE v.account=? AND v.region=? AND v.vault=? AND f.parent='' AND f.name=''",
        (scope.account, scope.region, vault),
    )
    return int(row["n"]) if row else 0


def pieces(database: Database, made: Statement, size: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a long answer as tuples, some at a time."""
    return database.stream(made.sql, made.values, size)
