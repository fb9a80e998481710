"""The watcher, which goes on with what is open."""

from __future__ import annotations

import os
import signal
import threading
from argparse import SUPPRESS, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from ..base.rendering import visible
from ..errors import InputError
from ..errors.scrubbing import scrub
from ..errors.steps import SHELL
from .console import Console
from .grammar import Parser, Verb
from .options import yes_option


def _configure(parser: Parser) -> None:
    parser.add_argument("--forever", action="store_true", help="keep running when nothing is open")
    parser.add_argument(
        "--install", action="store_true", help="write a file that starts it at each login, and show it first"
    )
    parser.add_argument("--uninstall", action="store_true", help="remove that file")
    yes_option(parser)
    # For a process that runs it as its child.
    parser.add_argument("--until-eof", action="store_true", help=SUPPRESS)


def _run(console: Console, args: Namespace) -> Any:
    if args.install and args.uninstall:
        raise InputError("--install and --uninstall are opposites", cure="Leave one of them out.")
    if args.install or args.uninstall:
        from ..watch.service_file import install, uninstall

        return console.settle(uninstall() if args.uninstall else install(), yes=args.yes)
    if console.face.lasting:
        raise InputError(
            "The watcher would block this kernel, which watches by itself while it runs",
            cure=f"Run {SHELL} watch in a terminal.",
        )
    from ..watch.watcher import Watcher

    stop = threading.Event()
    by = "server" if args.until_eof else "watch"
    if args.until_eof:
        parent = os.dup(0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a login that asks for a code fails at once
        threading.Thread(
            target=_end_with_parent, args=(parent, stop), name="glacier-parent", daemon=True
        ).start()

    def say(words: str) -> None:
        with suppress(OSError):  # the disk of the log is full: the work goes on
            console.face.note(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {visible(scrub(words))}")

    with _ended_by_signals(stop):
        Watcher(say, by=by, for_ever=args.forever, stop=stop).run()
    return None


def _end_with_parent(pipe: int, stop: threading.Event) -> None:
    """Stop when a pipe ends, as it does with the parent, even if that is killed."""
    with suppress(OSError):
        while os.read(pipe, 1024):  # not a file: its lock, held by this thread, would abort the exit
            pass
    stop.set()


@contextmanager
def _ended_by_signals(stop: threading.Event) -> Iterator[None]:
    """End cleanly on SIGTERM and Ctrl-C; a second one ends at once."""

    def end(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, before[number])

    numbers = (signal.SIGTERM, signal.SIGINT)
    before: dict[int, Any] = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            signal.signal(number, end)
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])


VERB = Verb(
    name="watch",
    summary="continue what is open when the notebook is closed",
    run=_run,
    configure=_configure,
    examples=(
        ("watch", "until nothing is open"),
        ("watch --forever", ""),
        ("watch --install", "at each login, as a service of your own"),
    ),
    details=(
        "In a shell: downloads outputs as they become ready, sends scheduled requests, continues drops and "
        "confirmed deletions, and stores the packs of interrupted backups. It does so in all catalogues "
        "that you have used, with the profile and region of their last connection, and prints a line for "
        "each event. It sends requests only when something is due. One watcher is enough: a second one "
        "names the process that watches and ends, or with --forever waits for its end. Ctrl-C or SIGTERM "
        "ends the watcher; what is open stays recorded, and the next watcher or notebook continues it."
    ),
    interrupted="what is open stays recorded; `%glacier watch` goes on.",
)
