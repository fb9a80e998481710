"""Verbs and their parsers, which never exit, and take ids that start with ``-``."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ..base.rendering import Rendered
from ..errors import InputError
from .hints import too_many
from .output import output_options
from .sections import SECTIONS

if TYPE_CHECKING:
    from .console import Console
    from .setting_values import Settings

_ID = re.compile(r"-[A-Za-z0-9_-]{23,}")  # an id of the service: every option is shorter
_SHIELD = "\x00"  # no argument of a process can contain it
"""Precedes a word that begins with ``-`` but is a value, such as an id, while it is parsed."""


class Help(Rendered):
    """A help text, shown and returned like any other result."""

    def __init__(self, text: str) -> None:
        self.text = text.rstrip()

    def _repr_text(self) -> str:
        return self.text


class HelpAsked(Exception):
    """The words contain ``--help``."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


WIDTH = 80
"""Columns of a help text."""

_OPTIONS = argparse.Action([], "options", nargs="?", metavar="options")
"""Stands in the usage for all options: the sections below it list them."""


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_on_hyphens=False)  # an option stays one word


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=WIDTH)


class _HelpAction(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise HelpAsked(parser.format_help())  # argparse's own action would print and exit: a kernel stays


class Parser(argparse.ArgumentParser):
    """An argument parser that raises errors instead of printing and exiting.

    The metavar of a word or option determines its completion: see :meth:`expected`.
    """

    def __init__(self, prog: str, summary: str, details: str = "", examples: str = "") -> None:
        super().__init__(
            prog=prog,
            description=summary,
            epilog="\n\n".join(map(_filled, details.split("\n\n"))),
            add_help=False,
            allow_abbrev=False,  # an option added later must not change what a script means
            formatter_class=_formatter,
        )
        self.add_argument("-h", "--help", action=_HelpAction, nargs=0, help="show this help")
        self._examples = examples

    def format_help(self) -> str:
        """Return the help text: summary, usage and examples first, then words and options."""
        formatter = self._get_formatter()
        formatter.add_text(self.description)
        sections = self.sections()
        several = [_OPTIONS] if set(sections) - {"Words"} else []
        formatter.add_usage(None, [*self.words, *several], [])
        formatter.add_text(self._examples)
        for title, actions in sections.items():
            formatter.start_section(title)
            formatter.add_arguments(actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def sections(self) -> dict[str, list[argparse.Action]]:
        """Return the words and the options, by the titles of their sections; ``--help`` is left out."""
        found: dict[str, list[argparse.Action]] = {"Words": self.words, "Options": []}
        found |= {title: [] for title in SECTIONS}
        for action in dict.fromkeys(self.options.values()):
            names = set(action.option_strings)
            titles = (title for title, listed in SECTIONS.items() if names & set(listed.split()))
            if action.dest != "help":
                found[next(titles, "Options")].append(action)
        return {title: actions for title, actions in found.items() if actions}

    @property
    def words(self) -> list[argparse.Action]:
        """The positional arguments, in order."""
        return [action for action in self._actions if not action.option_strings]

    @property
    def options(self) -> dict[str, argparse.Action]:
        """The options, by each of their spellings."""
        return {spelling: a for a in self._actions for spelling in a.option_strings}

    def expected(self, given: Sequence[str]) -> argparse.Action | None:
        """Return the argument, or the option whose value, follows the *given* words; or None."""
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
        """Raise an :class:`InputError` that refers to the verb's help."""
        # The message may quote a shielded word.
        raise InputError(f"{self.prog}: {unshield(message)}", cure=f"{self.prog} --help says more.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Raise an :class:`InputError`, instead of ending the process."""
        self.error(message or f"exited with status {status}")


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A verb, the same in a notebook, a terminal and a script."""

    name: str
    summary: str
    run: Callable[[Console, argparse.Namespace], Any]
    configure: Callable[[Parser], None] = lambda _: None
    details: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    """Lines without the program's name, each with an explanation or ``""``."""
    signed: tuple[str, ...] = ()
    """Options whose value may begin with ``-``."""
    interrupted: str = ""
    """The next step after an interrupt; ``""`` if the same line resumes the work."""
    table: bool = False
    """Whether the result is a table, which has options for its form."""
    once: tuple[str, ...] = ()
    """Options that start over, and so do not belong into a line that resumes."""

    def parser(self, program: str) -> Parser:
        """Return the parser of this verb's words."""
        details = self.details.replace("%glacier", program or "%glacier")
        lines = [f"  {program} {line}" + (f"\n      {what}" if what else "") for line, what in self.examples]
        summary = f"{self.summary[:1].upper()}{self.summary[1:]}."
        examples = "\n".join(["Examples:", *lines]) if lines else ""
        parser = Parser(f"{program} {self.name}".strip(), summary, details, examples)
        self.configure(parser)
        if self.table:
            output_options(parser)
        return parser

    def parse(
        self, program: str, words: Sequence[str], settings: Settings | None = None
    ) -> argparse.Namespace:
        """Return the parsed words, with the settings as defaults; ``typed`` names the options given.

        :raises InputError: the words or a setting are not valid.
        :raises HelpAsked: the words contain ``--help``.
        """
        parser = self.parser(program)
        # Help must be readable whatever the settings are.
        if settings is not None and not {"-h", "--help"} & set(words):
            settings.apply(parser)
        # Argparse takes a word that begins with "-" for an option.
        parsed, left = parser.parse_known_args(shield(words, self.signed))
        for key, value in vars(parsed).items():
            setattr(parsed, key, _bare(value))
        if left:
            message, cure = too_many(parser, parsed, _bare(left))
            raise InputError(message, cure=cure)
        found = (parser.options.get(word.partition("=")[0]) for word in words)
        parsed.typed = {action.dest for action in found if action is not None}  # not by a setting
        return parsed


def after_interrupt(verbs: Mapping[str, Verb], words: Sequence[str], called: str, program: str) -> str:
    """Return the next step after an interrupt of *words*.

    :param called: the user's term for the words: line or command.
    :param program: the text before a verb.
    """
    verb = verbs.get(words[0]) if words else None
    if verb is not None and verb.interrupted:
        return f"Completed work is saved; {verb.interrupted.replace('%glacier', program)}"
    once = [option for option in verb.once if option in words] if verb is not None else []
    without = f" without {' and '.join(once)}" if once else ""
    return f"Completed work is saved; to resume, run the same {called} again{without}."


def as_value(word: str) -> str:
    """Return *word* marked as a value, in case it begins with ``-``."""
    return f"{_SHIELD}{word}" if word.startswith("-") else word


def shield(words: Iterable[str], signed: Container[str] = ()) -> list[str]:
    """Return *words* with ids, and the words after options in *signed*, marked as values."""
    shielded, before = [], ""
    for word in words:
        # An id may begin with "-": one in 64 does.
        value = _ID.fullmatch(word) or (before in signed and not word.startswith("--"))
        shielded.append(as_value(word) if value else word)
        before = word
    return shielded


def unshield(text: str) -> str:
    """Return *text* without the marks of :func:`shield`."""
    return text.replace(_SHIELD, "").replace("\\x00", "")  # argparse quotes words with repr()


def _bare(value: Any) -> Any:
    if isinstance(value, str):
        return unshield(value)
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value
