"""The lines of a ``%%glacier`` cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InputError

_ASSIGNED = re.compile(r"([^\W\d]\w*)\s*=\s*(.*)", re.DOTALL)
_MAGIC = re.compile(r"%glacier(?:\s+|$)")


@dataclass(frozen=True)
class ScriptLine:
    """One verb of a cell: where it begins, the name that its result gets, and its words."""

    number: int
    target: str | None
    line: str


def statements(first: str, cell: str) -> list[ScriptLine]:
    """Return what the lines of a cell ask for, all of it read before any is run.

    A line is a verb with its words, or ``name = verb ...``; ``%glacier`` before it does not
    matter, a backslash at its end joins the next one, and lines that begin with ``#`` are left out.

    :param first: what stands behind ``%%glacier``, where nothing belongs.
    :raises InputError: something stands there.
    """
    if first.strip():
        raise InputError(
            f"Nothing belongs on the line of %%glacier itself: {first.strip()!r}",
            cure="Put each verb on a line of its own below it.",
        )
    return list(_read(cell))


def _read(cell: str) -> Iterator[ScriptLine]:
    joined, start = "", 0
    for number, raw in enumerate(cell.split("\n"), 1):
        if not joined and (not raw.strip() or raw.lstrip().startswith("#")):
            continue
        start = start if joined else number
        joined += raw.removesuffix("\\") if raw.endswith("\\") else raw
        if not raw.endswith("\\"):
            yield _statement(start, joined.strip())
            joined = ""
    if joined.strip():
        yield _statement(start, joined.strip())


def _statement(number: int, text: str) -> ScriptLine:
    assigned = _ASSIGNED.fullmatch(text)
    target, line = (assigned[1], assigned[2]) if assigned else (None, text)
    return ScriptLine(number, target, _MAGIC.sub("", line, count=1) if line[:1] == "%" else line)
