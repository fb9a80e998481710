r"""Values converted between PostgreSQL and Python as SQLite converts them, and their placeholders.

PostgreSQL's text cannot contain NUL or half a surrogate pair.  They are stored as ``\x01`` and further
characters, so that the order of texts is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.types.string import StrDumperUnknown

_ODD = re.compile("[\0\x01\ud800-\udfff]")
_ESCAPED = re.compile("\x01(?:([\x01\x02])|\x03([0-9a-f]{4}))")

_LONGEST = 4_000
"""Characters of the longest statement that is cached: longer ones list ids and are used once."""

_MARK = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")|(?P<comment>--[^\n]*)
    |(?P<mark>\?)|(?<![:\w]):(?P<key>[a-z_]\w*)|(?P<percent>%)""",
    re.VERBOSE,
)


def marked(sql: str) -> str:
    """Return a statement with the placeholders of psycopg.

    >>> marked("SELECT 100 % size FROM jobs WHERE job_id=? AND tier=:tier AND status<>'?'")
    "SELECT 100 %% size FROM jobs WHERE job_id=%s AND tier=%(tier)s AND status<>'?'"
    """
    return _cached_marked(sql) if len(sql) <= _LONGEST else _MARK.sub(_mark, sql)


@lru_cache(1_000)
def _cached_marked(sql: str) -> str:
    return _MARK.sub(_mark, sql)


def _mark(found: re.Match[str]) -> str:
    if found["mark"]:
        return "%s"
    if found["key"]:
        return f"%({found['key']})s"
    return found[0].replace("%", "%%")  # psycopg reads a single % as a placeholder


def escape(text: str) -> str:
    """Return *text* in a form that PostgreSQL can store."""
    if text.isascii() and "\0" not in text and "\x01" not in text:  # nearly always, and faster
        return text
    return _ODD.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\x01{chr(code + 1)}" if code <= 1 else f"\x01\x03{code:04x}"


def unescape(text: str) -> str:
    """Return the text that :func:`escape` converted."""
    if "\x01" not in text:
        return text
    return _ESCAPED.sub(lambda m: chr(ord(m[1]) - 1) if m[1] else chr(int(m[2], 16)), text)


class _Text(StrDumperUnknown):
    def dump(self, obj: str) -> Buffer | None:
        return super().dump(escape(obj))


class _Bool(Dumper):
    """Writes booleans as 0 and 1, as SQLite does."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> Buffer | None:
        return b"1" if obj else b"0"


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        return unescape(str(data, "utf-8"))


class _NumberLoader(Loader):
    """Reads the type numeric, which sums of integers have."""

    def load(self, data: Buffer) -> int | float:
        text = str(data, "ascii")
        return int(text) if text.lstrip("-").isdigit() else float(text)  # SQLite has no decimals


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Make a connection convert values as SQLite does."""
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(bool, _Bool)
    for name in ("text", "varchar"):
        connection.adapters.register_loader(name, _TextLoader)
    connection.adapters.register_loader("numeric", _NumberLoader)


class Row:
    """A row of a result, indexed by position or by column name, as ``sqlite3.Row``."""

    __slots__ = ("_places", "_values")

    def __init__(self, values: Sequence[Any], places: dict[str, int]) -> None:
        self._values, self._places = values, places

    def __getitem__(self, key: int | str) -> Any:
        return self._values[self._places[key] if isinstance(key, str) else key]

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._places)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def row_factory(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """Return the function that creates the rows of a cursor's result."""
    columns = cursor.description or ()
    places = {column.name: place for place, column in enumerate(columns)}
    return lambda values: Row(values, places)
