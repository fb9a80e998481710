"""Tab completion of verbs, options, vaults, archive names and paths; no request is sent."""

from __future__ import annotations

import glob
import os
import re
from argparse import Action
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue.storage.letters import composed, spellings
from .words import split

if TYPE_CHECKING:
    from ..catalogue.archives.archives import Archives
    from .magics import GlacierMagics

_LINE = re.compile(r"\s*(?:[\w, ]+=\s*)?%glacier\s+(.*)$")
_CELL = re.compile(r"\s*%%glacier\b")
# A line of a cell may assign its result, and may omit the magic.
_TARGET = re.compile(r"\s*(?:[^\W\d]\w*\s*=\s*)?(?:%glacier\s+)?")
# Does not begin with "-", as options do; has no quote, space, $ or {.
_PLAIN = re.compile(r"(?:~/)?[\w./@%+:,][\w./@%+:,=~-]*|~/")
_IN_QUOTES = {"'": (), '"': ('\\"', "\\\\")}
"""What a backslash escapes in a quotation."""
MOST = 50
"""The most names that are offered at once."""


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
                # IPython adds Python names to an empty list: the word itself changes nothing.
                "completions": [SimpleCompletion(text=c, type="param") for c in choices or [fragment]],
                "matched_fragment": fragment,
                "suppress": True,
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
        given, last, typed = _cut(match[1])
        choices = [str(c) for c in self._choices(given, last)]
        # As it is read: the word may be quoted in another way than a choice, or composed.
        return last, [c for c in choices if composed(_cut(c)[2]).startswith(composed(typed))]

    def _choices(self, given: list[str], last: str) -> Iterable[str]:
        from ..commands import VERBS

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
        kind = str(expected.metavar)
        if "VAULT" in kind:
            return [*re.findall("[a-z]+", kind), *self._vaults()]  # notify takes words beside a vault
        match kind:
            case "PATH" | "FILE" | "DIR":
                return _paths(last)
            case "PROFILE":
                return _profiles()
            case "REGION" | "REGIONS" | "COLUMNS" | "STATES":
                return _listed(kind, last)
            case "CONDITION":
                return _conditions(last)
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
        vault = console.vault_name(named) if console and session else None
        if session is None or vault is None:
            return []
        archives, typed = session.catalogue.archives, spellings(_cut(prefix)[2])
        names = [name for each in typed for name in archives.folder_names(vault, each)]
        if not only_folders:
            names += [name for each in typed for name in _names_at_level(archives, vault, each)]
        return [quoted(name, prefix) for name in names if name.isprintable()]


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


def _names_at_level(archives: Archives, vault: str, prefix: str) -> list[str]:
    """Return the first names that begin with *prefix* and are in no folder below the one it names."""
    folder, found, start = prefix[: prefix.rfind("/") + 1], list[str](), ""
    for _ in range(MOST):
        deeper = None
        for name in archives.names_with_prefix(vault, prefix, MOST, start):
            below, slash, _ = name[len(folder) :].partition("/")
            if slash:
                deeper = below
                break
            found.append(name)
        if deeper is None or len(found) >= MOST:
            return found
        start = f"{folder}{deeper}0"  # "0" follows "/": the whole folder is skipped, however large
    return found


def _listed(kind: str, typed: str) -> list[str]:
    """Return the completions of a comma-separated list of regions, columns or states."""
    from ..catalogue.archives.states import STATES
    from ..catalogue.archives.where import FIELDS

    before, comma, _ = typed.rpartition(",")
    if kind.startswith("REGION"):
        from ..service.regions import known_regions

        words = list(known_regions())
    elif kind == "STATES":
        words = [state.replace(" ", "-") for state in STATES]
    else:
        words = [sign + name for sign in ("", "-") for name in FIELDS]
    return [before + comma + word for word in words]


def _conditions(typed: str) -> list[str]:
    """Return a condition with each column in the place of its last word."""
    from ..catalogue.archives.where import FIELDS

    before = re.sub(r"\w*$", "", typed) or '"'  # a condition has spaces: it needs the quotation
    return [before + name for name in FIELDS]


_PROFILE = re.compile(r"^\s*\[\s*(?:(default)|profile\s+(.+?))\s*\]", re.MULTILINE)


def _profiles() -> list[str]:
    """Return the names of the profiles in the AWS configuration file; no value is read from it."""
    file = Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    try:
        found = _PROFILE.findall(file.read_text("utf-8"))
        return sorted((default or name).strip("\"'") for default, name in found)
    except (OSError, ValueError):  # there is none, or it is not text
        return []


def quoted(name: str, typed: str = "") -> str:
    """Return a name, quoted if needed, as one word of a line.

    The line will be run, and names are written by others: no character of one may end the
    quotation, be expanded, or begin an option.

    :param typed: its beginning, with the quotation mark or the backslashes that the user prefers.
    """
    quote = typed[:1]
    if quote not in ("'", '"') and _PLAIN.fullmatch(name):
        return name
    if quote not in ("'", '"') and "\\" in typed and os.name != "nt":
        return re.sub(r"(^-|[^\w./@%+:,=~-])", r"\\\1", name)
    if quote == '"' and not set(name) & set('"\\${'):
        return f'"{name}"'
    # A quotation cannot contain its quote: it ends, \' follows, and it begins again.
    return "'" + name.replace("'", "'\\''") + "'"


def _cut(text: str) -> tuple[list[str], str, str]:
    """Return the words before the one at the cursor, that one as typed, and its text so far."""
    start, quote, plain, escaped = 0, "", "", False
    for place, c in enumerate(text):
        if escaped:
            plain, escaped = plain + c, False
        elif c == "\\" and os.name != "nt" and (not quote or text[place : place + 2] in _IN_QUOTES[quote]):
            escaped = True
        elif c == quote:
            quote = ""
        elif c in "'\"" and not quote:
            quote = c
        elif c == " " and not quote:
            start, plain = place + 1, ""
        else:
            plain += c
    return [word.text for word in split(text[:start])], text[start:], plain


def _paths(typed: str) -> list[str]:
    """Return the folders, then the files, whose paths begin with what is typed; ``~`` stays as it is."""
    start = _cut(typed)[2]
    home = f"{Path.home()}/" if start.startswith("~/") else ""
    begun = spellings(home + start.removeprefix("~/") if home else start)
    matched = dict.fromkeys(path for each in begun for path in glob.glob(f"{glob.escape(each)}*"))  # noqa: PTH207 - a pattern, not a path
    found = [f"{path}/" if os.path.isdir(path) else path for path in matched]  # noqa: PTH112 - Path raises errors
    found.sort(key=lambda path: (not path.endswith("/"), path))
    shown = [f"~/{path[len(home) :]}" if home else path for path in found]
    return [quoted(path, typed) for path in shown if path.isprintable()]
