"""The emulator on this computer: its state, its clock, its faults, its end."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from .. import emulator
from ..base.paths import emulator_folder
from ..base.rendering import Rendered, escape
from ..base.units import human_bytes, parse_duration
from ..errors import EmulatorFailed, InputError
from ..steps import step
from .console import Console, last_connection
from .grammar import Parser, Verb

ACTIONS = ("status", "start", "stop", "advance", "speed", "pause", "resume", "fault", "seed")
VALUES = {
    "advance": ("TIME", 1, "4h"),
    "speed": ("X", 1, "1440"),
    "fault": ("KIND|clear", 1, "500 --operation UploadArchive --times 2"),
    "seed": ("VAULT COUNT", 2, "photos 100000"),
}
"""What an action needs behind it: words for it, how many, an example."""


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
        self._facts += [("fault", _in_words(fault)) for fault in told.get("faults", [])]

    def _repr_text(self) -> str:
        width = max(len(label) for label, _ in self._facts)
        return "\n".join(f"{label.rjust(width)}: {words}" for label, words in self._facts)

    def _repr_html(self) -> str:
        rows = "".join(
            f"<tr><th scope='row'>{escape(label)}</th><td>{escape(words)}</td></tr>"
            for label, words in self._facts
        )
        return f"<table class='glacier-table'>{rows}</table>"


def _in_words(fault: dict[str, Any]) -> str:
    where = "every operation" if fault["operation"] == "*" else fault["operation"]
    odds = fault.get("probability")
    often = f"{fault.get('times')} times" if odds is None else f"with probability {odds:g}"
    return f"{fault['kind']} on {where}, {often}, struck {fault.get('struck', 0)} times"


def _configure(parser: Parser) -> None:
    add = parser.add_argument
    add("action", nargs="?", choices=ACTIONS, default="status", metavar="ACTION", help=", ".join(ACTIONS))
    add("values", nargs="*", metavar="VALUE", help="TIME, X, KIND, or VAULT and COUNT")
    add("--data", metavar="DIR", help="the emulator's folder")
    add("--operation", metavar="NAME", help="the operation a fault hits (default: all)")
    add("--times", type=int, metavar="N", help="how often a fault hits (default: once)")
    add("--probability", type=float, metavar="P", help="hit at random, 0 to 1")
    add("--seed", type=int, metavar="S", help="make the random hits repeatable")
    add("--rate", type=int, metavar="R", help="bytes a second of a trickle")
    add("--after", type=parse_duration, metavar="TIME", help="when an expired job vanishes")


def _folder(console: Console, given: str | None) -> Path:
    if given is not None:
        return emulator_folder(Path(given))
    current = console.connected.connection if console.connected else last_connection()
    if current is not None and current.emulator is not None:
        return Path(current.emulator)
    return emulator_folder()


def _run(console: Console, args: Namespace) -> Any:
    folder = _folder(console, args.data)
    words, count, example = VALUES.get(args.action, ("no value", 0, ""))
    if len(args.values) != count:
        raise InputError(
            f"{step('emulator', f'{args.action}')} takes {words}",
            cure=f"For example: {step('emulator', f'{args.action} {example}')}".rstrip(),
        )
    try:
        return _act(console, args, folder)
    except emulator.EmulatorError as error:
        runs = emulator.find(folder) is not None
        cure = f"{step('emulator', '--help')} says more." if runs else f"{step('emulator', 'start')}"
        raise EmulatorFailed(str(error), cure=cure) from None
    except OSError as error:
        raise EmulatorFailed(f"{folder} cannot be used: {error.strerror or error}") from None


def _act(console: Console, args: Namespace, folder: Path) -> Any:
    if args.action == "stop":
        return _stop(console, folder)
    if args.action == "start":
        emulator.start(folder)
    elif args.action == "advance":
        emulator.advance(folder, _seconds(args.values[0]))
    elif args.action == "speed":
        emulator.set_speed(folder, _number(args.values[0]))
    elif args.action == "fault":
        _fault(args, folder)
    elif args.action == "seed":
        emulator.seed(folder, args.values[0], int(_number(args.values[1])), **_region(console))
    elif args.action in ("pause", "resume"):
        {"pause": emulator.pause, "resume": emulator.resume}[args.action](folder)
    status = EmulatorStatus(dict(emulator.status(folder)))
    _hear(console)
    return status


def _fault(args: Namespace, folder: Path) -> None:
    if args.values[0] == "clear":
        emulator.clear_faults(folder)
        return
    names = ("times", "probability", "seed", "rate", "after")
    more = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    emulator.add_fault(folder, args.values[0], args.operation or "*", **more)


def _region(console: Console) -> dict[str, str]:
    session = console.connected
    return {} if session is None else {"region": session.region}


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


VERB = Verb(
    name="emulator",
    summary="show, start, stop or control the emulator on this computer",
    run=_run,
    configure=_configure,
    examples=(
        ("emulator", ""),
        ("emulator advance 4h", ""),
        ("emulator fault 500 --operation UploadArchive --times 2", ""),
        ("emulator seed photos 1000", ""),
    ),
    details=(
        "Virtual hours pass at the speed that is set; advance 4h skips them. Time stops while the "
        "emulator is stopped. A fault makes operations fail, so that clients can be tested; fault "
        "clear ends all faults. In a shell, glacier-magic emulator [--port N] [--data DIR] serves "
        "in the foreground."
    ),
)
