"""Tab completion of verbs, options, vaults, archive names and paths; no request is sent."""

from __future__ import annotations

import glob
import re
from argparse import Action
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .magics import GlacierMagics

_LINE = re.compile(r"\s*(?:[\w, ]+=\s*)?%glacier\s+(.*)$")
_CELL = re.compile(r"\s*%%glacier\b")
# A line of a cell may assign its result, and may omit the magic.
_TARGET = re.compile(r"\s*(?:[^\W\d]\w*\s*=\s*)?(?:%glacier\s+)?")
# Does not begin with "-", as options do; has no quote, space, $ or {.
_PLAIN = re.compile(r"[\w./@%+:,][\w./@%+:,=~-]*")


class Completer:
    """Completes ``%glacier`` lines from the catalogue."""

    def __init__(self, magics: GlacierMagics) -> None:
        self._magics = magics

    def matcher(self) -> Callable[[Any], Any]:
        """Return the function that IPython calls at Tab."""
        from IPython.core.completer import SimpleCompletion, context_matcher

        def glacier_matcher(context: Any) -> dict[str, Any]:
            typed = context.line_with_cursor[: context.cursor_position]
            if _CELL.match(context.full_text) and context.cursor_line:  # line 0 is %%glacier itself
                typed = _as_line(typed)
            found = self.complete(typed)
            if found is None:
                return {"completions": [], "suppress": False}
            fragment, choices = found
            return {
                "completions": [SimpleCompletion(text=c, type="param") for c in choices],
                "matched_fragment": fragment,
                "suppress": bool(choices),  # otherwise IPython adds Python names to the list
            }

        glacier_matcher.__self__ = self  # type: ignore[attr-defined]  # unload() finds it by this
        made: Callable[[Any], Any] = context_matcher(identifier="glacier_magic", priority=100)(
            glacier_matcher
        )
        return made

    def complete(self, text: str) -> tuple[str, list[str]] | None:
        """Return the word being typed and its completions; None if it is not a ``%glacier`` line."""
        match = _LINE.match(text)
        if match is None:
            return None
        before, last = _cut(match[1])
        choices = [str(c) for c in self._choices(before.split(" "), last)]
        return last, [c for c in choices if c.startswith((last, f"'{last}"))]

    def _choices(self, before: list[str], last: str) -> Iterable[str]:
        from ..commands import VERBS

        given = [word for word in before if word]
        if not given:
            return [name for name in VERBS if name]
        verb = VERBS.get(given[0])
        if verb is None:
            return []
        parser = verb.parser("")
        expected = parser.expected(given[1:])  # parsing would fail: the line is not complete
        if last.startswith("-") and (expected is None or not expected.option_strings):
            return list(parser.options)
        return [] if expected is None else self._values(expected, given, last)

    def _values(self, expected: Action, given: list[str], last: str) -> Iterable[str]:
        """Return the possible values of a word or option, by its metavar."""
        if expected.choices is not None:
            return [str(choice) for choice in expected.choices]
        match expected.metavar:
            case "PATH" | "FILE" | "DIR":
                return _paths(last)
            case "VAULT":
                return self._vaults()
            case "COLUMNS" | "STATES" as kind:
                return _listed(kind, last)
            case "GLOB" | "GLOB|id:ID" | "NAME|id:ID":
                return self._names(last, _vault_of(given), only_folders=False)
            case "FOLDER":
                return self._names(last, _vault_of(given), only_folders=True)
        return ()

    def _vaults(self) -> list[str]:
        console = self._magics.started
        session = console.connected if console else None
        return session.vault_names() if session else []  # as last seen: a request at each Tab would be slow

    def _names(self, prefix: str, named: str | None, *, only_folders: bool) -> list[str]:
        """Return the folders at the level of *prefix*, and the first names below it."""
        console = self._magics.started
        session = console.connected if console else None
        vault = (named or console.vault_in_use) if console and session else None
        if session is None or vault is None:
            return []
        bare = prefix.lstrip("'")
        names = session.catalogue.archives.folder_names(vault, bare)
        if not only_folders:
            names = [*names, *session.catalogue.archives.names_with_prefix(vault, bare)]
        return [quoted(name, prefix.startswith("'")) for name in dict.fromkeys(names) if name.isprintable()]


def _as_line(text: str) -> str:
    """Return a line of a ``%%glacier`` cell as a ``%glacier`` line."""
    return f"%glacier {_TARGET.sub('', text, count=1)}"


def _vault_of(given: list[str]) -> str | None:
    """Return the value of ``--vault`` on the line, or None."""
    for place, word in enumerate(given):
        if word == "--vault" and place + 1 < len(given):
            return given[place + 1]
        if word.startswith("--vault="):
            return word.removeprefix("--vault=")
    return None


def _listed(kind: str, typed: str) -> list[str]:
    """Return the completions of a comma-separated list of columns or states."""
    from ..catalogue.archives.query import SORTABLE
    from ..catalogue.archives.states import STATES

    before, comma, _ = typed.rpartition(",")
    if kind == "STATES":
        words = [state.replace(" ", "-") for state in STATES]
    else:
        words = [sign + name for sign in ("", "-") for name in SORTABLE]
    return [before + comma + word for word in words]


def quoted(name: str, always: bool = False) -> str:
    """Return a name, quoted if needed, as one word of a line.

    The line will be run, and names are written by others: no character of one may end the
    quotation, be expanded, or begin an option.
    """
    if not always and _PLAIN.fullmatch(name):
        return name
    # A quotation cannot contain its quote: it ends, \' follows, and it begins again.
    return "'" + name.replace("'", "'\\''") + "'"


def _cut(text: str) -> tuple[str, str]:
    """Split the text before the word at the cursor, which an open quotation may begin."""
    start = text.rfind("'") if text.count("'") % 2 else text.rfind(" ") + 1  # odd: open quotation
    return text[:start], text[start:]


def _paths(prefix: str) -> list[str]:
    # Path() would drop the slash, and the folder itself would be offered again.
    start = prefix if prefix.endswith("/") else str(Path(prefix).expanduser()) if prefix else ""
    found = sorted(glob.glob(f"{glob.escape(start)}*"))  # noqa: PTH207 - a pattern, not a path
    return [f"{path}/" if Path(path).is_dir() else path for path in found]
