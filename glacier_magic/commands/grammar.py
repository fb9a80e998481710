"""How words become a request: one parser a verb, no exit, no traceback, ids that start with -."""

from __future__ import annotations

import argparse
import re
import textwrap
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


WIDTH = 92
"""Columns of a help text."""


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=WIDTH)


class _HelpAction(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise HelpAsked(parser.format_help())


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of printing and leaving.

    The metavar of a word or option says what it is, and so what completes it: see
    :meth:`expected`.
    """

    def __init__(self, prog: str, summary: str, details: str = "") -> None:
        super().__init__(
            prog=prog,
            description=summary,
            epilog="\n\n".join(textwrap.fill(part, WIDTH) for part in details.split("\n\n")),
            add_help=False,
            allow_abbrev=False,
            formatter_class=_formatter,
        )
        self.add_argument("-h", "--help", action=_HelpAction, nargs=0, help="show this text")

    def format_help(self) -> str:
        """Return the help text: what the verb does, examples, then words and options."""
        formatter = self._get_formatter()
        formatter.add_text(self.description)
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    @property
    def words(self) -> list[argparse.Action]:
        """The words that are not options, in their order."""
        return [action for action in self._actions if not action.option_strings]

    @property
    def options(self) -> dict[str, argparse.Action]:
        """The options, by each of their spellings."""
        return {spelling: a for a in self._actions for spelling in a.option_strings}

    def expected(self, given: Sequence[str]) -> argparse.Action | None:
        """Return the word, or the option whose value, comes after the *given* words; or None."""
        options, words, waiting = self.options, list(self.words), None
        for word in given:
            if waiting is not None:
                waiting = None
            elif word in options:
                waiting = options[word] if options[word].nargs != 0 else None
            elif words and not word.startswith("--") and words[0].nargs not in ("*", "+"):
                words.pop(0)
        return waiting or (words[0] if words else None)

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
    examples: tuple[tuple[str, str], ...] = ()
    """Lines without the program's name, each with what it does, or "" where that is plain."""
    signed: tuple[str, ...] = ()
    """Options whose value may begin with ``-``."""
    interrupted: str = ""
    """What to do after an interrupt; "" where the same words go on from there."""
    once: tuple[str, ...] = ()
    """Options that begin anew, so that they do not belong in words that go on."""

    def parser(self, program: str) -> Parser:
        """Return the parser of this verb's words."""
        details = self.details.replace("%glacier", program or "%glacier")
        lines = [f"  {program} {line}{_beside(what)}" for line, what in self.examples]
        summary = f"{self.summary[:1].upper()}{self.summary[1:]}."
        shown = "\n".join([summary, *(["", "examples:", *lines] if lines else [])])
        parser = Parser(f"{program} {self.name}".strip(), shown, details)
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


def _beside(what: str) -> str:
    return f"\n      {what}" if what else ""


def after_interrupt(verbs: Mapping[str, Verb], words: Sequence[str], called: str, program: str) -> str:
    """Return what to do after *words* were interrupted.

    :param called: what the words are to the user: a line, a command.
    :param program: what the user types before a verb.
    """
    verb = verbs.get(words[0]) if words else None
    if verb is not None and verb.interrupted:
        return f"What was done is kept; {verb.interrupted.replace('%glacier', program)}"
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
