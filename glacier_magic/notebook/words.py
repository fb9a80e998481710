"""Splitting a magic's line into words, and expanding ``$name`` and ``{expression}``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..commands.grammar import as_value
from ..errors import InputError, describe


@dataclass
class _Word:
    """A word as pieces: a text, and whether names in it are expanded."""

    pieces: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def split(line: str) -> list[_Word]:
    """Return the words of *line*; a trailing ``;`` is dropped, ``#`` is an ordinary character.

    Text in single quotes is literal; double quotes keep spaces.  A backslash escapes the next
    character, except on Windows, where it is part of paths.

    :raises InputError: a quotation is not closed.
    """
    line = line.strip()
    # The ";" hides the result of a cell, in IPython.
    return _Lexer(line[:-1].rstrip() if line.endswith(";") else line).words()


class _Lexer:
    def __init__(self, line: str) -> None:
        self._line, self._at = line, 0
        self._words: list[_Word] = []
        self._word: _Word | None = None

    def words(self) -> list[_Word]:
        while self._at < len(self._line):
            c = self._next()
            if c.isspace():
                self._word = None
            elif c in "'\"":
                self._quoted(c)
            elif c == "{":
                self._braces()
            elif c == "\\" and os.name != "nt" and self._at < len(self._line):  # on Windows, part of a path
                self._keep(self._next(), plain=True)
            else:
                self._keep(c)
        return self._words

    def _next(self) -> str:
        self._at += 1
        return self._line[self._at - 1]

    def _keep(self, text: str, *, plain: bool = False) -> None:
        if self._word is None:
            self._word = _Word([])
            self._words.append(self._word)
        pieces = self._word.pieces
        if pieces and pieces[-1][1] == (not plain):  # joined, so that $name is not cut at its letters
            pieces[-1] = (pieces[-1][0] + text, not plain)
        else:
            pieces.append((text, not plain))

    def _quoted(self, quote: str) -> None:
        self._keep("", plain=quote == "'")  # an empty quotation is a word as well
        while self._at < len(self._line):
            c = self._next()
            if c == quote:
                return
            # Only these two: "C:\new" keeps its backslash.
            escaped = c == "\\" and quote == '"' and self._line[self._at : self._at + 1] in '"\\'
            self._keep(self._next() if escaped else c, plain=escaped or quote == "'")
        apostrophe = ' A name with an apostrophe goes in double quotes: "it\'s".' if quote == "'" else ""
        raise InputError(
            "A quotation is not closed", cure=f"Add the missing {quote} to the line.{apostrophe}"
        )

    def _braces(self) -> None:
        """Keep a whole ``{expression}``, including spaces and quotes."""
        start, depth = self._at - 1, 1
        while depth and self._at < len(self._line):
            depth += {"{": 1, "}": -1}.get(self._next(), 0)
        if depth:
            raise InputError("A brace is not closed", cure="Add the missing } or quote the word with '.")
        self._keep(self._line[start : self._at])  # quotes in it belong to Python


def expand(words: list[_Word], names: Mapping[str, Any]) -> list[str]:
    """Return the words with ``$name`` and ``{expression}`` expanded from *names*.

    A word that is only the name of a list or tuple becomes one word per item; ``$$`` and ``{{`` are
    a literal ``$`` and ``{``.  The result is a value, never an option, even if it begins with ``-``.

    :raises InputError: a name is unknown, an expression fails, or a list is empty.
    """
    out: list[str] = []
    for word in words:
        several = _several(word, names)  # only a bare name: "x$name" with a list has no obvious meaning
        if several is not None:
            out += [as_value(text) for text in several]
        else:
            text = "".join(_fill(t, names) if open_ else t for t, open_ in word.pieces)
            # A value from a variable is data: "--yes" in a name confirms nothing.
            filled_in = word.text.startswith(("$", "{")) and word.pieces[0][1]
            out.append(as_value(text) if filled_in else text)
    return out


def _several(word: _Word, names: Mapping[str, Any]) -> list[str] | None:
    if len(word.pieces) != 1 or not word.pieces[0][1]:  # a part in single quotes is literal
        return None
    text = word.text
    name = text[1:] if text.startswith("$") else text[1:-1] if text.startswith("{") else ""
    value = names.get(name) if name.isidentifier() else None
    if not isinstance(value, list | tuple):
        return None
    if not value:
        # "rm $names" must not become "rm", with another meaning.
        raise InputError(f"{name} is empty: the verb would run without it", cure="Check the variable.")
    return [str(item) for item in value]


def _fill(text: str, names: Mapping[str, Any]) -> str:
    if "$" not in text and "{" not in text:
        return text
    from IPython.utils.text import DollarFormatter  # noqa: PLC0415 - costs time: imported when used

    try:
        # The rules of IPython for !commands and other magics.
        return str(DollarFormatter().vformat(text, (), dict(names)))
    except Exception as error:  # the user's expression may raise any error
        raise InputError(
            f"{text!r} cannot be expanded: {describe(error)}",
            cure="Put the word in single quotes to use it literally.",
        ) from None
