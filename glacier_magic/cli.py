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

QUIET_INTERVAL = 10.0  # seconds between progress lines where the output is not a terminal


class TerminalFace:
    """Shows things as text: results on standard output, all else on standard error."""

    program = "glacier-magic"
    lasting = False
    rich = False

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._last = 0.0

    def note(self, text: str) -> None:
        """Say something beside the result."""
        print(text, file=self._err, flush=True)

    def _print(self, text: str) -> None:
        """Write a line of the result.

        :raises LocalError: there is no room for it.
        """
        try:
            print(text, file=self._out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            _let_go()
            raise _no_room(error) from None

    @contextmanager
    def progress(self) -> Iterator[Observer]:
        """Show the progress of a transfer on one line, or a line now and then in a log."""
        yield self._observe
        if self._err.isatty():
            self._err.write("\n")

    def _observe(self, report: Report) -> None:
        self._line(str(report), final=report.finished)

    def _line(self, text: str, *, final: bool = False) -> None:
        if self._err.isatty():
            self._err.write(f"\r\x1b[K{text[:200]}")
            self._err.flush()
        elif final or time.monotonic() - self._last > QUIET_INTERVAL:
            self._last = time.monotonic()
            print(text, file=self._err, flush=True)

    def variable(self, name: str) -> Any:
        """Return None: a shell has no variables of ours."""

    def offer(self, plan: Plan[Any]) -> Any:
        """Print a plan and ask; run it after a yes, else return None."""
        self._print(repr(plan))
        if plan.empty:
            return None
        name = plan.confirmation
        if not sys.stdin.isatty():
            option = f"--confirm {name}" if name else "--yes"
            raise InputError("Nothing was done", cure=f"Add {option} to carry the plan out.")
        answer = _ask(f"{plan.button}? [y/N] " if not name else f"{plan.button}? Type {name}: ")
        if answer != name if name else answer.lower() not in ("y", "yes"):
            self.note("Nothing was done.")
            return None
        from .commands.console import run_confirmed

        return run_confirmed(self, plan, answer if name else None)

    def follow(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch while it is waited for."""

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
        if hasattr(value, "to_string"):
            for text in _plain(value):
                self._print(text)
            return
        self._print(value if isinstance(value, str) else repr(value))


def _ask(question: str) -> str:
    """Return what the user types; nothing where the input ends."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


WIDE = ("description", "format", "mtime", "tree_hash", "vault")
"""Columns of a table of archives that a terminal has no room for; Python has them."""


LINES = 10_000
"""Rows of a table that are spelled out at a time."""


def _plain(table: pd.DataFrame) -> Iterator[str]:
    """Yield a table as text, its lines by the thousand."""
    if not len(table):
        yield "nothing"
        return
    narrow = table.drop(columns=[c for c in WIDE if c in table and "archive_id" in table])
    widths = _widths(narrow) if len(narrow) > LINES else None
    for start in range(0, len(narrow), LINES):
        piece = _spelled(narrow.iloc[start : start + LINES].copy())
        yield piece.to_string(index=False, header=start == 0, col_space=widths, na_rep="")


def _widths(table: pd.DataFrame) -> dict[Hashable, int]:
    """Return how wide each column is, so that all pieces of a table are alike."""
    return {
        name: max(len(str(name)), 20 if column.dtype.kind == "M" else _longest(column))
        for name, column in table.items()
    }


def _longest(column: pd.Series[Any]) -> int:
    if column.dtype.kind in "iuf":
        return len(str(column.max()))
    return int(column.astype("str").str.len().max() or 0)


def _spelled(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns as they are shown: no escape sequence of a stranger's goes through."""
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

    :param words: those after the name of the program; None for those of the process.
    :param sessions: opens the session of a connection; None for the usual sessions.
    """
    whole = words is None  # the process is ours, and ends with this
    words = sys.argv[1:] if words is None else list(words)
    try:
        _spell_out_what_the_terminal_cannot_show()
        code = _answer(words, sessions)
        sys.stdout.flush()  # what does not fit is heard of here, not when the interpreter ends
    except KeyboardInterrupt:
        code = _stopped(words)
    except BrokenPipeError:
        _let_go()
        code = 141
    except OSError as error:
        _let_go()
        code = _unwritten(error)
    if whole:
        with suppress(ValueError):  # in a thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to stop
    return code


def _answer(words: Sequence[str], sessions: Callable[[Connection], Session] | None) -> int:
    if words[:1] == ["emulator"] and _means_to_serve(words[1:]):
        return _serve(words[1:])
    if words == ["--version"]:
        print(f"glacier-magic {__version__}")
        return 0
    from .commands import VERBS, Console, run

    face = TerminalFace()
    console = Console(face) if sessions is None else Console(face, sessions=sessions)
    try:
        face.show(run(console, VERBS, words))
    except GlacierError as error:
        written = error.__cause__ if isinstance(error, Unexpected) else None
        if isinstance(written, BrokenPipeError):
            raise written from None
        face.note(f"{type(error).__name__}: {error}")
        return error.exit_code
    finally:
        console.close()
    return 0


def _spell_out_what_the_terminal_cannot_show() -> None:
    """Write characters that the streams' encoding does not have as ``\\u00e9``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _stopped(words: Sequence[str]) -> int:
    """Say how to go on after an interrupt; another one meanwhile changes nothing."""
    with suppress(KeyboardInterrupt, OSError):
        print(f"Stopped. {_how_to_go_on(words)}", file=sys.stderr, flush=True)
    return 130


def _how_to_go_on(words: Sequence[str]) -> str:
    try:
        from .commands import VERBS
        from .commands.grammar import after_interrupt
    except (ImportError, KeyboardInterrupt):  # a module that was stopped half way
        return "Nothing was done."
    return after_interrupt(VERBS, words, "command", TerminalFace.program)


def _let_go() -> None:
    """Drop what standard output does not take, lest the interpreter tries again at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _unwritten(error: OSError) -> int:
    told = _no_room(error)
    with suppress(OSError):
        print(f"{type(told).__name__}: {told}", file=sys.stderr, flush=True)
    return told.exit_code


def _no_room(error: OSError) -> LocalError:
    return LocalError(
        f"The output cannot be written: {error.strerror or error}",
        cure="What was asked for may have been done; give the output another place.",
    )


def _means_to_serve(words: Sequence[str]) -> bool:
    asks_for_help = {"-h", "--help"} & set(words)
    return not asks_for_help and all(word.startswith("-") for word in words[:1])


def _serve(words: Sequence[str]) -> int:
    """Run the emulator in the foreground."""
    from .base.paths import emulator_folder
    from .emulator.__main__ import main as serve

    given = any(word == "--data" or word.startswith("--data=") for word in words)
    try:
        return serve([*words, *([] if given else ["--data", str(emulator_folder())])])
    except SystemExit as left:  # its own parser has said why
        return left.code if isinstance(left.code, int) else 2


if __name__ == "__main__":
    sys.exit(main())
