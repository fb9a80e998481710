"""Tab completion of verbs, options, vaults, archive names and paths, from memory alone."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .magics import GlacierMagics

_LINE = re.compile(r"\s*(?:[\w, ]+=\s*)?%glacier\s+(.*)$")
_CELL = re.compile(r"\s*%%glacier\b")
_TARGET = re.compile(r"\s*(?:[^\W\d]\w*\s*=\s*)?(?:%glacier\s+)?")
_PLAIN = re.compile(r"[\w./@%+:,][\w./@%+:,=~-]*")

_OF_NAMES = ("ls", "restore", "rm", "du", "peek")
_OF_PATHS = ("upload", "import", "run", "hash", "verify")
_OF_VAULTS = (
    "use", "drop", "inventory", "explore", "cost", "tags", "access", "lock", "notify",
)  # fmt: skip
_PATH_OPTIONS = ("--to", "--data", "--save", "--set", "--policy")


class Completer:
    """Knows what can follow on a ``%glacier`` line; never asks the service."""

    def __init__(self, magics: GlacierMagics) -> None:
        self._magics = magics

    def matcher(self) -> Callable[[Any], Any]:
        """Return the function that IPython calls at Tab."""
        from IPython.core.completer import SimpleCompletion, context_matcher  # noqa: PLC0415

        def glacier_matcher(context: Any) -> dict[str, Any]:
            typed = context.line_with_cursor[: context.cursor_position]
            if _CELL.match(context.full_text) and context.cursor_line:
                typed = _as_line(typed)
            found = self.complete(typed)
            if found is None:
                return {"completions": [], "suppress": False}
            fragment, choices = found
            return {
                "completions": [SimpleCompletion(text=c, type="param") for c in choices],
                "matched_fragment": fragment,
                "suppress": bool(choices),
            }

        glacier_matcher.__self__ = self  # type: ignore[attr-defined]  # found again at unload
        made: Callable[[Any], Any] = context_matcher(identifier="glacier_magic", priority=100)(
            glacier_matcher
        )
        return made

    def complete(self, text: str) -> tuple[str, list[str]] | None:
        """Return the word being typed and what it may become; None off a ``%glacier`` line."""
        match = _LINE.match(text)
        if match is None:
            return None
        before, last = _cut(match[1])
        choices = [str(c) for c in self._choices(before.split(" "), last)]
        return last, [c for c in choices if c.startswith((last, f"'{last}"))]

    def _choices(self, before: list[str], last: str) -> Iterable[str]:
        from ..commands import VERBS  # noqa: PLC0415

        given = [word for word in before if word]
        if not given:
            return [name for name in VERBS if name]
        verb = VERBS.get(given[0])
        if verb is None:
            return []
        actions = verb.parser("")._actions
        waiting = next((a for a in actions if given[-1] in a.option_strings and a.nargs != 0), None)
        if waiting is not None:
            return self._values(given[-1], waiting.choices, last)
        if last.startswith("-"):
            return [option for action in actions for option in action.option_strings]
        return self._words(verb.name, given, last)

    def _values(self, option: str, choices: Iterable[Any] | None, last: str) -> Iterable[str]:
        """Return what can follow an option."""
        if choices is not None:
            return [str(choice) for choice in choices]
        if option in ("--sort", "--state"):
            return _listed(option, last)
        if option == "--vault":
            return self._vaults()
        return _paths(last) if option in _PATH_OPTIONS else []

    def _words(self, verb: str, given: list[str], last: str) -> Iterable[str]:
        """Return what can follow a verb that is no option."""
        if verb in _OF_NAMES:
            return self._names(last, _vault_of(given), only_folders=verb == "du")
        if verb in _OF_PATHS:
            return _paths(last)
        if verb in _OF_VAULTS:
            return self._vaults() if len(given) == 1 else []
        return _actions_of(verb, given, last)

    def _vaults(self) -> list[str]:
        console = self._magics.started
        session = console.connected if console else None
        return session.vault_names() if session else []

    def _names(self, prefix: str, named: str | None, *, only_folders: bool) -> list[str]:
        """Return folders of the level that *prefix* is in, and the first names of all below."""
        console = self._magics.started
        session = console.connected if console else None
        vault = (named or console.vault_in_use) if console and session else None
        if session is None or vault is None:
            return []
        bare = prefix.lstrip("'")
        names = session.catalogue.archives.folder_names(vault, bare)
        if not only_folders:
            names = [*names, *session.catalogue.archives.names_with_prefix(vault, bare)]
        return [
            quoted(name, prefix.startswith("'"))
            for name in dict.fromkeys(names)
            if name.isprintable()
        ]


def _actions_of(verb: str, given: list[str], last: str) -> Iterable[str]:
    if verb == "emulator":
        from ..commands.emulation import ACTIONS  # noqa: PLC0415

        return ACTIONS
    if verb == "catalogue":
        from ..commands import cataloguing  # noqa: PLC0415

        if given[-1] in cataloguing.WITH_FILE:
            return _paths(last)
        return cataloguing.ACTIONS if len(given) == 1 else ()
    return ()


def _as_line(text: str) -> str:
    """Return a line of a ``%%glacier`` cell as it would be written outside of one."""
    return f"%glacier {_TARGET.sub('', text, count=1)}"


def _vault_of(given: list[str]) -> str | None:
    """Return the vault that is named on the line, or None."""
    for place, word in enumerate(given):
        if word == "--vault" and place + 1 < len(given):
            return given[place + 1]
        if word.startswith("--vault="):
            return word.removeprefix("--vault=")
    return None


def _listed(option: str, typed: str) -> list[str]:
    """Return what can follow in a list with commas: columns, the last ones first, or states."""
    from ..catalogue.archives.query import SORTABLE  # noqa: PLC0415
    from ..catalogue.archives.states import STATES  # noqa: PLC0415

    before, comma, _ = typed.rpartition(",")
    if option == "--state":
        words = [state.replace(" ", "-") for state in STATES]
    else:
        words = [sign + name for sign in ("", "-") for name in SORTABLE]
    return [before + comma + word for word in words]


def quoted(name: str, always: bool = False) -> str:
    """Return a stranger's name as one word that is taken as it is, whatever it holds.

    A name is completed into a line that will be run: nothing in it may end the quotation, be
    filled in, or begin an option.
    """
    if not always and _PLAIN.fullmatch(name):
        return name
    return "'" + name.replace("'", "'\\''") + "'"


def _cut(text: str) -> tuple[str, str]:
    """Cut what is typed before the word under the cursor, which an open quotation may begin."""
    start = text.rfind("'") if text.count("'") % 2 else text.rfind(" ") + 1
    return text[:start], text[start:]


def _paths(prefix: str) -> list[str]:
    found = sorted(glob.glob(f"{glob.escape(str(Path(prefix).expanduser()))}*"))  # noqa: PTH207
    if prefix.endswith("/"):
        found = sorted(glob.glob(f"{glob.escape(prefix)}*"))  # noqa: PTH207
    if not prefix:
        found = sorted(glob.glob("*"))  # noqa: PTH207
    return [f"{path}/" if Path(path).is_dir() else path for path in found]
