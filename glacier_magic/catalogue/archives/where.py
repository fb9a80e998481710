"""Conditions such as ``size > 1GB and created < '2016'``, translated into SQL with parameters.

    condition   comparisons joined by and, or, not and parentheses
    comparison  field < <= > >= = == != <> value; also value < field < value
                field [not] in (value, ...); field [not] like 'with % and _';
                field [not] glob 'with * ? [a-z]'; field is [not] null
    field       name, size, created, modified, format, state, description, archive_id, tree_hash,
                labels, note
    value       a number, also with a unit (1e9, 500kB, 16MiB); a text in quotes; a time (2016,
                2016-05, 2016-05-17, 2016-05-17T12:30Z) with or without quotes

A time is a span: ``created = '2016'`` is true during the whole year (UTC), and ``created > '2016'``
after its end.  A comparison with a missing value, such as the time when a file was modified that its
description does not have, is false, and its ``not`` is true.  ``like`` ignores the case of ASCII letters.
A name or description equals or matches a text however its characters are composed.  ``labels = 'db'`` is
true of an archive that has this label among others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ...base.units import parse_size, to_ms
from ...errors import InputError
from ..storage.database import Database
from . import states
from .identity import pack_hash
from .labels import has_label

TEXT = ("name", "format", "state", "description", "archive_id", "tree_hash", "labels", "note")
TIMES = ("created", "modified")
FIELDS = ("name", "size", *TIMES, *TEXT[1:])
COLUMNS = {name: name for name in FIELDS} | {
    "modified": "mtime",
    "description": "COALESCE(description, name)",
}
"""The SQL expression of each field; of the state, see :mod:`.states`."""

_DEEPEST = 100
"""The largest number of nested parentheses and nots."""
MOST = 10_000  # databases limit the parameters of a statement
"""The largest number of values in a condition."""
LONGEST = 10_000  # SQLite takes 50,000
"""The largest number of bytes in a pattern with wildcards."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<time>\d{4}-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?)?)?(?![\w.-]))
    | (?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?\s?(?:[kKmMgGtT]i?[bB]?|[bB])?(?![\w.]))
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign><=|>=|==|!=|<>|[<>=(),])
    )""",
    re.VERBOSE,
)
_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_SAME = {"==": "=", "!=": "<>"}


class WhereError(InputError):
    """A condition that is not understood; the message shows the place."""


class Token(NamedTuple):
    """A token of the condition, and the position at which it begins."""

    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class Condition:
    """SQL with a question mark for each of its values."""

    sql: str
    values: tuple[Any, ...] = ()
    ranges: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """Necessary comparisons that an index answers."""


def parse(text: str, database: Database, state: str) -> Condition:
    """Return the condition that *text* describes.

    :param state: the SQL expression of the state.
    :raises WhereError: it is not understood.
    """
    return _Parser(text, database, state).parse()


class _Parser:
    def __init__(self, text: str, database: Database, state: str) -> None:
        self._text, self._database = text, database
        self._columns = COLUMNS | {"state": f"({state})"}
        self._tokens = self._read()
        self._next = self._depth = 0

    def _read(self) -> list[Token]:
        tokens, place = [], 0
        while self._text[place:].strip():
            found = _TOKEN.match(self._text, place)
            if found is None:
                while self._text[place].isspace():
                    place += 1
                raise self._error(f"{self._text[place]!r} is not understood", place)
            kind = found.lastgroup or ""
            tokens.append(Token(kind, found[kind], found.start(kind)))
            place = found.end()
        return [*tokens, Token("end", "", len(self._text))]

    def _error(self, what: str, place: int) -> WhereError:
        before, after = self._text[:place][-80:], self._text[place:][:80]
        shown = f"{before}⟨here⟩{after}"
        return WhereError(
            f"The condition is not understood: {what}, at {shown!r}",
            cure=f"Write it like: size > 1GB and created < '2016'. Fields are {', '.join(FIELDS)}.",
        )

    # Tokens

    @property
    def _current(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *words: str) -> Token | None:
        token = self._current
        if token.kind in ("word", "sign") and token.text.lower() in words:
            self._next += 1
            return token
        return None

    def _need(self, *words: str) -> Token:
        token = self._take(*words)
        if token is None:
            raise self._error(f"{' or '.join(words)} is missing", self._current.place)
        return token

    # Grammar

    def parse(self) -> Condition:
        found = self._or()
        if self._current.kind != "end":
            raise self._error("and or or is missing", self._current.place)
        if len(found.values) > MOST:
            raise WhereError(f"The condition has {len(found.values):,} values", cure=f"At most {MOST:,} go.")
        return found

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        return _combined(" OR ", parts)

    def _and(self) -> Condition:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return _combined(" AND ", parts)

    def _not(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:  # Python limits recursion
            raise self._error("it is nested too deeply", self._current.place)
        if self._take("not"):
            found = _negated(self._not())
        elif self._take("("):
            found = self._or()
            self._need(")")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Condition:
        first = self._operand()
        if first.kind == "word":
            unlike = self._take("not")
            if self._take("in"):
                return self._signed(unlike, self._in_list(first))
            word = self._take("like", "glob")
            if word is not None:
                return self._signed(unlike, self._pattern(first, word.text.lower()))
            if unlike is not None:
                raise self._error("in, like or glob is missing", self._current.place)
            if self._take("is"):
                return self._is_null(first)
        parts = []
        while sign := self._take("<", "<=", ">", ">=", "=", "==", "!=", "<>"):
            second = self._operand()
            parts.append(self._compare(first, _SAME.get(sign.text, sign.text), second))
            first = second
        if not parts:
            raise self._error("a comparison is missing", self._current.place)
        return _combined(" AND ", parts)

    def _operand(self) -> Token:
        token = self._current
        if token.kind not in ("word", "number", "text", "time"):
            raise self._error("a field or a value is missing", token.place)
        if token.kind == "word":
            if token.text.lower() not in FIELDS:
                raise self._error(f"there is no field {token.text!r}", token.place)
            token = token._replace(text=token.text.lower())
        self._next += 1
        return token

    @staticmethod
    def _signed(unlike: Token | None, condition: Condition) -> Condition:
        return condition if unlike is None else _negated(condition)

    # Meaning

    def _compare(self, first: Token, sign: str, second: Token) -> Condition:
        if first.kind != "word":
            first, sign, second = second, _FLIP[sign], first
        if first.kind != "word" or second.kind == "word":
            raise self._error("a field and a value are compared", second.place)
        column = self._columns[first.text]
        if first.text in TIMES:
            return self._time(column, sign, *self._span(second))
        if first.text in ("name", "description") and sign in ("=", "<>"):
            sql, values = self._database.equal(column, _text(second))
            return _range(first.text, sql if sign == "=" else f"NOT {sql}", *values, indexed=sign == "=")
        if first.text == "labels" and sign in ("=", "<>"):
            sql, values = has_label(self._database, _text(second))
            has = Condition(sql, tuple(values), ((sql, tuple(values)),))
            return has if sign == "=" else _negated(has)
        # <> excludes few rows: an index does not help.
        return _range(first.text, f"{column}{sign}?", self._value(first.text, second), indexed=sign != "<>")

    @staticmethod
    def _time(column: str, sign: str, start: int, end: int) -> Condition:
        """Compare a column with a span of time; its end is not included."""
        if sign == "=":
            return _range(column, f"({column}>=? AND {column}<?)", start, end)
        if sign == "<>":
            return Condition(f"({column}<? OR {column}>=?)", (start, end))
        bound, sql = {"<": (start, "<"), "<=": (end, "<"), ">": (end, ">="), ">=": (start, ">=")}[sign]
        return _range(column, f"{column}{sql}?", bound)

    def _value(self, field: str, token: Token) -> Any:
        if field == "size":
            return self._bytes(token)
        if field == "state":
            return self._state(token)
        text = _text(token)
        return pack_hash(text.lower()) if field == "tree_hash" else text  # tree hashes are stored as bytes

    def _state(self, token: Token) -> str:
        try:
            return states.parse_states([_text(token)])[0]
        except InputError as error:
            raise self._error(f"{error.message}: {error.cure}", token.place) from None

    def _bytes(self, token: Token) -> int | float:
        text = _text(token)
        plain = text.replace("_", "").strip()
        try:
            number = float(plain)
            whole = int(number) if number == int(number) else number
        except OverflowError:
            raise self._error("the number is too large", token.place) from None
        except ValueError:
            try:
                whole = parse_size(plain)
            except (ValueError, OverflowError):
                raise self._error(f"{text!r} is not a number of bytes", token.place) from None
        return whole if abs(whole) < 1 << 62 else float(whole)  # databases take 63 bits

    def _span(self, token: Token) -> tuple[int, int]:
        text = _text(token)
        try:
            return time_span(text)
        except ValueError:
            raise self._error(f"{text!r} is not a time such as 2016 or 2016-05-17", token.place) from None

    def _in_list(self, field: Token) -> Condition:
        self._need("(")
        parts = []
        while True:
            parts.append(self._compare(field, "=", self._operand()))
            if self._take(")"):
                return _combined(" OR ", parts)
            self._need(",")

    def _pattern(self, field: Token, word: str) -> Condition:
        token = self._current
        if token.kind != "text":
            raise self._error(f"a text in quotes is missing after {word}", token.place)
        if field.text not in TEXT or field.text == "tree_hash":
            raise self._error(f"{word} does not go with {field.text}", field.place)
        self._next += 1
        make = self._database.glob if word == "glob" else self._database.like
        sql, values = make(self._columns[field.text], pattern(_text(token)))
        return Condition(sql, tuple(values))

    def _is_null(self, field: Token) -> Condition:
        unlike = self._take("not")
        self._need("null", "none")
        return Condition(f"{self._columns[field.text]} IS {'NOT ' if unlike else ''}NULL")


def pattern(text: str) -> str:
    """Return a pattern with wildcards.

    :raises InputError: no database takes it.
    """
    if "\0" in text:
        raise InputError("A pattern has no NUL in it")
    if len(text.encode()) > LONGEST:
        raise InputError(f"A pattern has {LONGEST:,} bytes at most")
    return text


def time_span(text: str) -> tuple[int, int]:
    """Return the first millisecond of a year, month, day, minute, second or instant, and its end.

    :raises ValueError: the text is not a time.
    """
    found = re.fullmatch(
        r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?Z?)?)?)?", text.strip()
    )
    if found is None:
        raise ValueError(text)
    parts = [int(part) for part in found.groups()[:6] if part is not None]
    year, month, day, hour, minute, second = parts + [0, 1, 1, 0, 0, 0][len(parts) :]
    begin = to_ms(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    if len(parts) <= 2:  # months and years have different lengths
        years, months = divmod(year * 12 + month - 1 + (12 if len(parts) == 1 else 1), 12)
        if years > 9999:  # datetime ends there
            return begin, begin + (366 if len(parts) == 1 else 31) * 86_400_000
        return begin, to_ms(datetime(years, months + 1, 1, tzinfo=UTC))
    if found[7] is not None:
        begin += int(found[7].ljust(3, "0")[:3])
        return begin, begin + 1
    return begin, begin + {3: 86_400_000, 5: 60_000, 6: 1_000}[len(parts)]


def _text(token: Token) -> str:
    """Return the text of a token without quotes."""
    if token.kind != "text":
        return token.text
    quote = token.text[0]
    return token.text[1:-1].replace(quote * 2, quote)


def _range(field: str, sql: str, *values: Any, indexed: bool = True) -> Condition:
    indexed = indexed and field in ("name", "size", "created")
    return Condition(sql, values, ((sql, values),) if indexed else ())


def _combined(word: str, parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    sql = _balanced(word, [part.sql for part in parts])
    # No side of an OR is necessary.
    ranges = tuple(r for part in parts for r in part.ranges) if word == " AND " else ()
    values = tuple(value for part in parts for value in part.values)
    return Condition(f"({sql})", values, ranges)


def _balanced(word: str, parts: list[str]) -> str:
    """Join many by halves: databases limit the depth of an expression, and a chain is as deep as long."""
    if len(parts) <= 8:
        return word.join(parts)
    middle = len(parts) // 2
    return f"({_balanced(word, parts[:middle])}){word}({_balanced(word, parts[middle:])})"


def _negated(condition: Condition) -> Condition:
    # NOT NULL would be NULL, which is not true.
    return Condition(f"NOT COALESCE({condition.sql}, FALSE)", condition.values)
