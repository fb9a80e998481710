"""The lines of a ``%%glacier`` cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InputError

# \w: as in Python, a name may have letters of any script.
_ASSIGNED = re.compile(r"([^\W\d]\w*)\s*=\s*(.*)", re.DOTALL)
_MAGIC = re.compile(r"%glacier(?:\s+|$)")


@dataclass(frozen=True)
class ScriptLine:
    """One verb of a cell: its line number, the variable for its result, and its words."""

    number: int
    target: str | None
    line: str


def statements(first: str, cell: str) -> list[ScriptLine]:
    """Return the verbs of a cell; all lines are read before any verb runs.

    A line is a verb with its words, or ``name = verb ...``, with or without ``%glacier``.  A
    backslash at its end joins the next line; lines that begin with ``#`` are skipped.

    :param first: the rest of the line of ``%%glacier``, which must be empty.
    :raises InputError: *first* is not empty.
    """
    if first.strip():
        raise InputError(
            f"The line of %%glacier itself takes no words: {first.strip()!r}",
            cure="Put each verb on a line of its own below it.",
        )
    return list(_read(cell))


def _read(cell: str) -> Iterator[ScriptLine]:
    joined, start = "", 0
    # Not splitlines(): a name may contain other separators.
    for number, raw in enumerate(cell.split("\n"), 1):
        # A joined line may be blank or begin with "#".
        if not joined and (not raw.strip() or raw.lstrip().startswith("#")):
            continue
        start = start if joined else number  # an error names the first of the joined lines
        joined += raw.removesuffix("\\") if raw.endswith("\\") else raw
        if not raw.endswith("\\"):
            yield _statement(start, joined.strip())
            joined = ""
    if joined.strip():  # the last line ended in a backslash
        yield _statement(start, joined.strip())


def _statement(number: int, text: str) -> ScriptLine:
    assigned = _ASSIGNED.fullmatch(text)
    target, line = (assigned[1], assigned[2]) if assigned else (None, text)
    return ScriptLine(number, target, _MAGIC.sub("", line, count=1) if line[:1] == "%" else line)
