"""How words become a request: one parser a verb, no exit, no traceback, ids that start with -."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ..base.rendering import Rendered
from ..errors import InputError

if TYPE_CHECKING:
    from .console import Console
    from .setting_values import Settings

_ID = re.compile(r"-[A-Za-z0-9_-]{23,}")
_SHIELD = "\x00"
"""Put before a word that begins with ``-`` and is an id, so that it is taken for a value."""


class Help(Rendered):
    """A help text, shown and returned like any other result."""

    def __init__(self, text: str) -> None:
        self.text = text.rstrip()

    def _repr_text(self) -> str:
        return self.text


class HelpAsked(Exception):
    """``--help`` was among the words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class _HelpAction(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise HelpAsked(parser.format_help())


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of printing and leaving."""

    def __init__(self, prog: str, summary: str, details: str = "") -> None:
        super().__init__(
            prog=prog,
            description=summary,
            epilog=details,
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("-h", "--help", action=_HelpAction, nargs=0, help="show this text")

    def error(self, message: str) -> NoReturn:
        """Raise an :class:`InputError` that names the verb's help."""
        raise InputError(f"{self.prog}: {unshield(message)}", cure=f"{self.prog} --help says more.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Raise too: nothing here ends the process."""
        self.error(message or f"left with status {status}")


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One thing a user can ask for, the same in a notebook, a terminal and a script."""

    name: str
    summary: str
    run: Callable[[Console, argparse.Namespace], Any]
    configure: Callable[[Parser], None] = lambda _: None
    details: str = ""
    signed: tuple[str, ...] = ()
    """Options whose value may begin with ``-``."""
    interrupted: str = ""
    """What to do after an interrupt; "" where the same words go on from there."""
    once: tuple[str, ...] = ()
    """Options that begin anew, so that they do not belong in words that go on."""

    def parser(self, program: str) -> Parser:
        """Return the parser of this verb's words."""
        details = self.details.replace("%glacier", program or "%glacier")
        parser = Parser(f"{program} {self.name}".strip(), self.summary, details)
        self.configure(parser)
        return parser

    def parse(
        self, program: str, words: Sequence[str], settings: Settings | None = None
    ) -> argparse.Namespace:
        """Return the request that *words* make, with what is set once where they say nothing.

        :raises InputError: they make none, or a setting is none.
        :raises HelpAsked: ``--help`` is among them.
        """
        parser = self.parser(program)
        if settings is not None and not {"-h", "--help"} & set(words):
            settings.apply(parser)
        parsed = parser.parse_args(shield(words, self.signed))
        for key, value in vars(parsed).items():
            setattr(parsed, key, _bare(value))
        return parsed


def after_interrupt(verbs: Mapping[str, Verb], words: Sequence[str], called: str) -> str:
    """Return what to do after *words* were interrupted.

    :param called: what the words are to the user: a line, a command.
    """
    verb = verbs.get(words[0]) if words else None
    if verb is not None and verb.interrupted:
        return f"What was done is kept; {verb.interrupted}"
    anew = [option for option in verb.once if option in words] if verb is not None else []
    without = f" without {' and '.join(anew)}" if anew else ""
    return f"What was done is kept; the same {called}{without} goes on from here."


def as_value(word: str) -> str:
    """Return *word* marked so that it is a value even if it begins with ``-``."""
    return f"{_SHIELD}{word}" if word.startswith("-") else word


def shield(words: Iterable[str], signed: Container[str] = ()) -> list[str]:
    """Return *words* with ids that begin with ``-`` and what follows *signed* marked as values."""
    shielded, before = [], ""
    for word in words:
        value = _ID.fullmatch(word) or (before in signed and not word.startswith("--"))
        shielded.append(as_value(word) if value else word)
        before = word
    return shielded


def unshield(text: str) -> str:
    """Return *text* without the marks that :func:`shield` set."""
    return text.replace(_SHIELD, "").replace("\\x00", "")


def _bare(value: Any) -> Any:
    if isinstance(value, str):
        return unshield(value)
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value
