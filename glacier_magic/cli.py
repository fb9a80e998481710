"""``glacier-magic``: the verbs on the command line."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

from ._version import __version__
from .errors import GlacierError, InputError, LocalError, Unexpected

if TYPE_CHECKING:
    import pandas as pd

    from .client.session import Session
    from .jobs import Batch, BoardSnapshot
    from .plans import Plan
    from .service import Connection
    from .transfer.progress import Observer, Report

QUIET_INTERVAL = 10.0  # seconds between progress lines if the output is not a terminal


class TerminalFace:
    """Shows results on standard output, and all else on standard error."""

    program = "glacier-magic"
    lasting = False
    rich = False

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        # Read now: a test or an embedding program may replace them.
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._last = 0.0

    def note(self, text: str) -> None:
        """Show a note in addition to the result."""
        print(text, file=self._err, flush=True)

    def _print(self, text: str) -> None:
        """Write a line of the result.

        :raises LocalError: the output cannot be written.
        """
        try:
            print(text, file=self._out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            _discard_output()
            raise _no_room(error) from None

    @contextmanager
    def progress(self) -> Iterator[Observer]:
        """Show the progress of a transfer on one line, or as occasional lines in a log."""
        yield self._observe
        if self._err.isatty():
            self._err.write("\n")

    def _observe(self, report: Report) -> None:
        self._line(str(report), final=report.finished)

    def _line(self, text: str, *, final: bool = False) -> None:
        if self._err.isatty():
            self._err.write(f"\r\x1b[K{text[:200]}")  # returns to the start of the line and clears it
            self._err.flush()
        elif final or time.monotonic() - self._last > QUIET_INTERVAL:
            self._last = time.monotonic()
            print(text, file=self._err, flush=True)

    def variable(self, name: str) -> Any:
        """Return None: a shell has no Python variables."""

    def offer(self, plan: Plan[Any]) -> Any:
        """Print a plan and ask; run it if the user confirms, else return None."""
        self._print(repr(plan))
        if plan.empty:  # there is nothing to ask
            return None
        name = plan.confirmation
        if not sys.stdin.isatty():  # a script must not confirm by what happens to be in its input
            option = f"--confirm {name}" if name else "--yes"
            raise InputError("Nothing was done", cure=f"Add {option} to run the plan.")
        answer = _ask(f"{plan.button}? [y/N] " if not name else f"{plan.button}? Type {name}: ")
        # The name exactly as it is: no case is ignored.
        if answer != name if name else answer.lower() not in ("y", "yes"):
            self.note("Nothing was done.")
            return None
        from .commands.console import run_confirmed

        return run_confirmed(self, plan, answer if name else None)

    def wait(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch until all its jobs have ended."""

        def show(snapshot: BoardSnapshot) -> None:
            from .base.rendering import summary, visible

            self._line(visible(summary(snapshot)))

        try:
            return batch.wait(timeout, progress=show)
        finally:
            if self._err.isatty():
                self._err.write("\n")

    def show(self, value: Any) -> None:
        """Print a result."""
        if value is None:
            return
        if hasattr(value, "to_string"):  # a DataFrame, without importing pandas
            for text in _plain(value):
                self._print(text)
            return
        self._print(value if isinstance(value, str) else repr(value))


def _ask(question: str) -> str:
    """Return the user's answer; ``""`` if the input has ended."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


WIDE = ("description", "format", "mtime", "tree_hash", "vault")
"""Columns of a table of archives that are too wide for a terminal."""

LINES = 10_000
"""Rows of a table that are formatted at a time, to bound the memory."""


def _plain(table: pd.DataFrame) -> Iterator[str]:
    """Yield a table as text, :data:`LINES` rows at a time."""
    if not len(table):
        yield "nothing"
        return
    # Not of other tables, whose columns of these names matter.
    narrow = table.drop(columns=[c for c in WIDE if c in table and "archive_id" in table])
    widths = _widths(narrow) if len(narrow) > LINES else None  # one piece aligns itself
    for start in range(0, len(narrow), LINES):
        # A copy: _formatted() writes into it, and the table is the caller's.
        piece = _formatted(narrow.iloc[start : start + LINES].copy())
        yield piece.to_string(index=False, header=start == 0, col_space=widths, na_rep="")


def _widths(table: pd.DataFrame) -> dict[Hashable, int]:
    """Return the width of each column, which all pieces of a table share."""
    return {
        name: max(len(str(name)), 20 if column.dtype.kind == "M" else _longest(column))
        for name, column in table.items()
    }


def _longest(column: pd.Series[Any]) -> int:
    if column.dtype.kind in "iuf":
        return len(str(column.max()))
    return int(column.astype("str").str.len().max() or 0)


def _formatted(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text; escape sequences in archive names are made visible."""
    from .base.rendering import visible

    times = list(table.select_dtypes("datetimetz"))
    for name in times:
        table[name] = table[name].dt.strftime("%Y-%m-%d %H:%M UTC").fillna("never")
    for name in table.columns.difference(times):
        table[name] = [visible(v) if isinstance(v, str) else v for v in table[name]]
    return table


def main(
    words: Sequence[str] | None = None, *, sessions: Callable[[Connection], Session] | None = None
) -> int:
    """Run one verb; return the exit code: 0, or the ``exit_code`` of the error.

    :param words: the arguments after the program's name; None for those of the process.
    :param sessions: opens the session of a connection; None for the usual sessions.
    """
    whole = words is None  # called as the program, so that the process ends after this
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
    return 0


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
