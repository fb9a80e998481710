"""``glacier-magic``: the verbs on the command line."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

from .base.version import __version__
from .errors import GlacierError, InputError, LocalError, Unexpected

if TYPE_CHECKING:
    from .client.session import Session
    from .commands.output import TextOutput
    from .jobs import Batch
    from .plans import Plan
    from .service import Connection
    from .transfer.progress import Observer


ROWS = 10
"""Rows of a plan that a terminal shows before it asks."""


class TerminalFace:
    """Shows results on standard output, and all else on standard error."""

    program = "glacier-magic"
    lasting = False
    rich = False
    quiet = False

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        # Read now: a test or an embedding program may replace them.
        self._out, self._err = out or sys.stdout, err or sys.stderr

    def note(self, text: str) -> None:
        """Show a note in addition to the result."""
        if self.quiet:
            return
        from .commands.terminal import say_on

        say_on(self._err, text)

    def _print(self, text: str, *, flush: bool = True) -> None:
        """Write a line of the result.

        :raises LocalError: the output cannot be written.
        """
        try:
            print(text, file=self._out, flush=flush)
        except BrokenPipeError:
            raise
        except OSError as error:
            _discard_output()
            raise _no_room(error) from None

    def progress(self, label: str) -> AbstractContextManager[Observer]:
        """Show the progress of a transfer during the block."""
        from .commands.terminal import progress_on

        return progress_on(self._err, label)

    def variable(self, name: str) -> Any:
        """Return None: a shell has no Python variables."""

    def offer(self, plan: Plan[Any]) -> Any:
        """Print a plan and ask; run it if the user confirms, else return None."""
        from .base.rendering import visible

        refused, asked = plan.refused, sys.stdin.isatty()
        # The price must be in sight of the question.
        self._print(plan.as_text(ROWS) if asked and not (plan.empty or refused) else repr(plan))
        if plan.empty:  # there is nothing to ask
            return None
        if refused is not None:  # a yes could not run it
            raise refused
        name = plan.confirmation
        if not asked:  # a script must not confirm by what happens to be in its input
            option = f"--confirm {name}" if name else "--yes"
            raise InputError("Nothing was done", cure=f"Add {option} to run the plan.")
        how = f"Type {name}: " if name else "[y/N] "
        answer = _ask(f"{visible(plan.headline)}\n{plan.button}? {how}")
        # The name exactly as it is: no case is ignored.
        if answer != name if name else answer.lower() not in ("y", "yes"):
            self.note("Nothing was done.")
            return None
        from .commands.console import run_confirmed

        return run_confirmed(self, plan, answer if name else None)

    def wait(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch until all its jobs have ended."""
        from .commands.waiting import wait_on

        return wait_on(self._err, batch, timeout)

    def show(self, value: Any) -> None:
        """Print a result."""
        if value is None:
            return
        from .commands.output import OutputLines, TextOutput, is_table, table_of

        if is_table(value) and (table := table_of(value)) is not None:
            value = TextOutput(table)
        if isinstance(value, TextOutput):
            self._show_table(value)
            return
        if isinstance(value, OutputLines):
            for line in value:
                self._print(line, flush=False)
            return
        self._print(value if isinstance(value, str) else repr(value))

    def _show_table(self, output: TextOutput) -> None:
        from .base.table_text import TextTable

        table = output.table
        terminal = self._out.isatty()
        lines = TextTable(
            table,
            width=shutil.get_terminal_size().columns if terminal and not output.long else None,
            heading=not output.quiet,
            whole=output.long,
            style=_coloured if terminal and not os.environ.get("NO_COLOR") else None,
        )
        for line in lines:
            self._print(line, flush=False)
        if not (lines.count or output.quiet):
            self._print("nothing")
        self._out.flush()
        if output.quiet:
            return
        if lines.dropped:
            self.note(f"The terminal is too narrow for {', '.join(lines.dropped)}; --long shows all columns.")
        if note := table.note(table.attrs, lines.count):
            self.note(note)


def _ask(question: str) -> str:
    """Return the user's answer; ``""`` if the input has ended."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


_BOLD = "\x1b[1m{}\x1b[0m"
_COLOURS = {"failed": 31, "expired": 31, "gone": 33, "deleted here": 33, "verified": 32, "present": 32}
"""Colours of states, in addition to their words."""


def _coloured(column: str, text: str) -> str:
    """Return a padded text of a table in colour; the heading, of column ``""``, is bold."""
    if not column:
        return _BOLD.format(text)
    colour = _COLOURS.get(text.strip()) if column == "state" else None
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def main(
    words: Sequence[str] | None = None, *, sessions: Callable[[Connection], Session] | None = None
) -> int:
    """Run one verb; return the exit code: 0, or the ``exit_code`` of the error.

    :param words: the arguments after the program's name; None for those of the process.
    :param sessions: opens the session of a connection; None for the usual sessions.
    """
    whole = words is None  # called as the program, so that the process ends after this
    if whole:
        _name_files_in_utf8()
        with suppress(ValueError):  # raised in a thread
            # A service that stops must leave no command of a backup running, nor half a file.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
    words = sys.argv[1:] if words is None else list(words)
    try:
        _escape_unencodable()
        code = _run(words, sessions)
        sys.stdout.flush()  # a full disk shows here, not when the interpreter ends
    except KeyboardInterrupt:
        code = _interrupted(words)
    except BrokenPipeError:
        _discard_output()
        code = 141  # as a shell reports SIGPIPE: 128 + 13
    except OSError as error:
        _discard_output()
        code = _unwritten(error)
    if whole:
        with suppress(ValueError):  # raised in a thread
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at exit would print a traceback
    return code


def _run(words: Sequence[str], sessions: Callable[[Connection], Session] | None) -> int:
    # Before the verbs are imported, as the emulator needs none of them.
    if words[:1] == ["emulator"] and _is_foreground(words[1:]):
        return _serve(words[1:])
    if words == ["--version"]:  # alone: among other words it is a mistake
        print(f"glacier-magic {__version__}")
        return 0
    from .commands import VERBS, Console, run

    face = TerminalFace()
    console = Console(face) if sessions is None else Console(face, sessions=sessions)
    try:
        face.show(run(console, VERBS, words))
    except GlacierError as error:
        cause = error.__cause__ if isinstance(error, Unexpected) else None
        if isinstance(cause, BrokenPipeError):  # the reader, such as head, has enough
            raise cause from None  # main() ends without a message, as other programs do
        face.note(f"{type(error).__name__}: {error}")
        return error.exit_code
    finally:
        console.close()  # also after an interrupt: it ends the threads, then closes the catalogue
    return console.exit_code


def _name_files_in_utf8() -> None:
    """Start again in Python's UTF-8 mode if the locale has another encoding, which the streams keep."""
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get("PYTHONUTF8") == "1":
        return
    streams = f"{getattr(sys.stdout, 'encoding', None) or 'ascii'}:backslashreplace"
    changed = {"PYTHONIOENCODING": streams, **os.environ, "PYTHONUTF8": "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], changed)  # noqa: S606 - itself


def _escape_unencodable() -> None:
    """Write characters that the encoding of a stream does not have as ``\\u00e9``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that cannot be shown must not end the verb halfway.
            stream.reconfigure(errors="backslashreplace")


def _interrupted(words: Sequence[str]) -> int:
    """Print how to resume after an interrupt; a second interrupt is ignored."""
    with suppress(KeyboardInterrupt, OSError):
        print(f"Interrupted. {_how_to_resume(words)}", file=sys.stderr, flush=True)
    return 130  # as a shell reports SIGINT: 128 + 2


def _how_to_resume(words: Sequence[str]) -> str:
    try:
        from .commands import VERBS
        from .commands.grammar import after_interrupt
    except (ImportError, KeyboardInterrupt):  # the interrupt came during an import
        return "Nothing was done."
    return after_interrupt(VERBS, words, "command", TerminalFace.program)


def _discard_output() -> None:
    """Drop what standard output does not take, lest the interpreter tries again at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _unwritten(error: OSError) -> int:
    failure = _no_room(error)
    with suppress(OSError):
        print(f"{type(failure).__name__}: {failure}", file=sys.stderr, flush=True)
    return failure.exit_code


def _no_room(error: OSError) -> LocalError:
    return LocalError(
        f"The output cannot be written: {error.strerror or error}",
        cure="The verb may have been carried out; write the output elsewhere.",
    )


def _is_foreground(words: Sequence[str]) -> bool:
    """Return whether ``emulator`` has options of the server, and no action."""
    return not {"-h", "--help"} & set(words) and all(word.startswith("-") for word in words[:1])


def _serve(words: Sequence[str]) -> int:
    """Run the emulator in the foreground."""
    from .base.paths import emulator_folder
    from .emulator.__main__ import main as serve

    # The server alone has no default folder; the verb and connect share one.
    given = any(word == "--data" or word.startswith("--data=") for word in words)
    try:
        return serve([*words, *([] if given else ["--data", str(emulator_folder())])])
    except SystemExit as left:  # its parser has printed the reason
        return left.code if isinstance(left.code, int) else 2


if __name__ == "__main__":
    sys.exit(main())
