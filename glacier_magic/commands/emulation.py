"""The emulator on this computer: its state, its clock, its end."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from .. import emulator
from ..errors import EmulatorFailed, InputError
from ..paths import emulator_folder
from ..rendering import Rendered, escape
from ..units import human_bytes, parse_duration
from .console import Console, last_connection
from .grammar import Parser, Verb

ACTIONS = ("status", "start", "stop", "advance", "speed", "pause", "resume")


class EmulatorStatus(Rendered):
    """What the emulator says of itself."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self._facts = [
            ("folder", str(told["folder"])),
            ("endpoint", str(told["url"])),
            ("process", str(told["pid"])),
            ("time", str(told["time"])),
            ("speed", "paused" if told["paused"] else f"{told['speed']:g} seconds a second"),
            ("vaults", f"{told['vaults']:,}"),
            ("archives", f"{told['archives']:,}, {human_bytes(told['bytes'])}"),
            ("jobs in progress", f"{told['jobs_in_progress']:,}"),
        ]

    def _repr_text(self) -> str:
        width = max(len(label) for label, _ in self._facts)
        return "\n".join(f"{label.rjust(width)}: {words}" for label, words in self._facts)

    def _repr_html(self) -> str:
        rows = "".join(
            f"<tr><th scope='row'>{escape(label)}</th><td>{escape(words)}</td></tr>"
            for label, words in self._facts
        )
        return f"<table class='glacier-table'>{rows}</table>"


def _configure(parser: Parser) -> None:
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="status", metavar="ACTION",
                        help=", ".join(ACTIONS))  # fmt: skip
    parser.add_argument("value", nargs="?", metavar="VALUE", help="TIME for advance, X for speed")
    parser.add_argument("--data", metavar="DIR", help="the emulator's folder")


def _folder(console: Console, given: str | None) -> Path:
    if given is not None:
        return emulator_folder(Path(given))
    current = console.connected.connection if console.connected else last_connection()
    if current is not None and current.emulator is not None:
        return Path(current.emulator)
    return emulator_folder()


def _emulator(console: Console, args: Namespace) -> Any:
    folder = _folder(console, args.data)
    if (args.action in ("advance", "speed")) != (args.value is not None):
        example = "advance 4h, or speed 1440" if args.value is None else args.action
        raise InputError(
            f"{args.action} {'needs' if args.value is None else 'takes no'} value",
            cure=f"For example: %glacier emulator {example}",
        )
    try:
        return _act(console, args, folder)
    except emulator.EmulatorError as error:
        raise EmulatorFailed(str(error), cure="%glacier emulator start") from None


def _act(console: Console, args: Namespace, folder: Path) -> Any:
    if args.action == "stop":
        return _stop(console, folder)
    if args.action == "start":
        emulator.start(folder)
    elif args.action == "advance":
        emulator.advance(folder, _seconds(args.value))
    elif args.action == "speed":
        emulator.set_speed(folder, _number(args.value))
    elif args.action in ("pause", "resume"):
        {"pause": emulator.pause, "resume": emulator.resume}[args.action](folder)
    status = EmulatorStatus(dict(emulator.status(folder)))
    if console.connected is not None:
        _hear(console)
    return status


def _hear(console: Console) -> None:
    """Let the session know that the clock was turned: read it, and look at the jobs now."""
    session = console.connected
    if session is not None and session.connection.emulator is not None:
        session.service.account()
        session.tracker.wake()


def _stop(console: Console, folder: Path) -> str:
    session = console.connected
    if session is not None and session.connection.emulator == str(folder):
        console.close()
    stopped = emulator.stop(folder)
    state = "is stopped; its data stays" if stopped else "was not running"
    return f"The emulator in {folder} {state}."


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InputError(str(error), cure="") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"Not a number: {text!r}", cure="") from None


VERBS = (
    Verb(
        name="emulator",
        summary="the emulator: status, stop, advance TIME, speed X, pause, resume",
        run=_emulator,
        configure=_configure,
        details="Virtual hours pass as fast as the speed says; advance 4h jumps over them. Time "
        "stands still\nwhile the emulator is stopped.",
    ),
)
