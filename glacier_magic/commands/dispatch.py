"""Running a line of words as a verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..base.tables import ExactTable
from ..errors import GlacierError, InputError, NotFound, Unexpected, describe
from . import hints
from .console import Console
from .grammar import Help, HelpAsked, Verb
from .output import shaped
from .verbs import GROUPS, VERBS


def run(console: Console, verbs: Mapping[str, Verb], words: Sequence[str]) -> Any:
    """Run one line of words; return its result.

    :raises GlacierError: the verb failed; other exceptions are wrapped as :class:`Unexpected`.
    """
    try:
        return _run(console, verbs, words)
    except GlacierError as error:
        if "connect" in words[:1]:
            error.cure = f"{console.still_connected()} {error.cure}".strip()  # a cure may end with a command
        console.failed(words, error)
        raise
    except UnicodeEncodeError as error:
        failure: GlacierError = _not_text(error)
        console.failed(words, failure)
        raise failure from error
    except Exception as error:
        failure = Unexpected(describe(error))
        failure.__cause__ = error  # "raise from" below is too late for why, which failed() writes
        console.failed(words, failure)
        raise failure from error


def _run(console: Console, verbs: Mapping[str, Verb], words: Sequence[str]) -> Any:
    program = console.face.program
    # Options alone belong to the status, whose name is "".
    name = words[0] if words and not words[0].startswith("-") else ""
    rest = words[1:] if name else words
    if name == "help":
        name, rest = (rest[0] if rest else ""), ["--help"]
    verb = verbs.get(name)
    if verb is None:
        meant = hints.verb_meant(name, verbs)
        hint = "" if meant is None else f"Did you mean {program} {meant}".rstrip() + "? "
        raise InputError(f"{program} has no verb {name!r}", cure=f"{hint}{program} --help lists them.")
    try:
        # First: mistakes and --help need no emulator.
        request = verb.parse(program, rest, console.settings)
    except HelpAsked as asked:
        return Help(asked.text if name else overview(program))
    if verb.name not in ("connect", "emulator"):  # these start or stop the emulator themselves
        console.check()
    console.face.quiet = verb.table and request.quiet

    def explain() -> str:
        return hints.of_request(console, verb.parser(program), request)

    try:
        found = verb.run(console, request)
        return shaped(console.face, _with_hint(found, explain), request) if verb.table else found
    except (InputError, NotFound) as error:
        error.cure = f"{explain()} {error.cure}".strip()
        raise
    finally:
        console.face.quiet = False  # errors are always shown


def _with_hint(found: Any, hint: Callable[[], str]) -> Any:
    """Return a table whose note has a hint if no row is found."""
    if not isinstance(found, ExactTable):
        return found
    return replace(found, note=lambda attrs, n: f"{found.note(attrs, n)} {'' if n else hint()}".strip())


def _not_text(error: UnicodeEncodeError) -> GlacierError:
    """Return the error for a word with undecodable bytes, which arrive as surrogates."""
    # Other text that cannot be encoded is a defect of this program.
    if not any("\ud800" <= c <= "\udfff" for c in error.object[error.start : error.end]):
        return Unexpected(describe(error))
    return InputError(
        "A word has bytes that are not characters in this locale",
        cure="Use a UTF-8 locale, such as LC_ALL=C.UTF-8, or name the archive by id: or a glob.",
    )


def overview(program: str) -> str:
    """Return the help text that lists all verbs, in their groups."""
    width = max(len(name) for name in VERBS)
    lines: list[str] = []
    for title, verbs in GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {name.ljust(width)}  {VERBS[name].summary}" for name in verbs if name]
    return "\n".join(
        [
            f"usage: {program} VERB ...    {program} VERB --help",
            "",
            "The archive console for Amazon Glacier vaults.",
            *lines,
            "",
            f"{program} alone shows the status and the next step.",
        ]
    )
