"""Texts as people read them: without their case, or however their characters are composed."""

from __future__ import annotations

import re
import unicodedata
from itertools import product

_MIXED = 6
"""Parts of a text in two spellings, of which all mixtures are made."""


def ascii_lower(text: str) -> str:
    """Return *text* with ASCII letters in lower case, as SQLite's lower() does."""
    return "".join(c.lower() if c.isascii() else c for c in text)


def folded(text: str) -> str:
    """Return *text* without its case and with composed characters: what reads the same is equal.

    >>> folded("STRASSE") == folded("straße"), folded("E\N{COMBINING ACUTE ACCENT}") == "é"
    (True, True)
    """
    if text.isascii():
        return text.lower()
    # Composed at the end: "e" is not a part of "é", however a name spells that.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def composed(text: str) -> str:
    """Return *text* with composed characters, as all but Macs write them.

    >>> composed("E\N{COMBINING ACUTE ACCENT}") == "É"
    True
    """
    return unicodedata.normalize("NFC", text)


def spellings(text: str) -> list[str]:
    """Return *text*, and what reads the same: composed, decomposed, and mixtures of a few parts.

    >>> spellings("é.txt") == ["é.txt", "e\N{COMBINING ACUTE ACCENT}.txt"]
    True
    """
    if text.isascii():
        return [text]
    whole = composed(text)
    for parts in (list(whole), re.split(r"(?<=[/\\])", whole), [whole]):
        forms = [list(dict.fromkeys((part, unicodedata.normalize("NFD", part)))) for part in parts]
        if sum(len(form) > 1 for form in forms) <= _MIXED:
            break
    return list(dict.fromkeys([text, *map("".join, product(*forms))]))


def fixed_runs(text: str) -> list[str]:
    """Return the parts of a composed text that each of its spellings has."""
    fixed = (unicodedata.is_normalized("NFD", char) and not unicodedata.combining(char) for char in text)
    return "".join(char if same else "\0" for char, same in zip(text, fixed, strict=True)).split("\0")


def differs_composed(pattern: str, one: str) -> bool:
    """Return whether a composed pattern may match a name and not its other spelling.

    :param one: the characters that begin what stands for one character; "*" and "%" stand for any number.
    """
    # A mark that follows one of these characters may compose with it.
    return not pattern.isascii() or re.search(rf"[{re.escape(one)}]|[A-Za-z<=>][*%]", pattern) is not None


def plain_runs(text: str) -> list[str]:
    """Return the ASCII parts of a folded text that every name with it has, but for their case.

    An s may be half of ß, and an i the folded İ without its dot.
    """
    return [run for run in re.split(r"i?[^\x01-\x7f]+|ss+|^s|[is]$", text) if run]
