"""The emulator on this computer: its status, clock, faults and data."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from .. import emulator
from ..base.facts import facts_html, facts_lines
from ..base.paths import emulator_folder
from ..base.rendering import Rendered
from ..base.units import human_bytes, parse_duration
from ..errors import EmulatorFailed, InputError
from ..errors.steps import step
from ..service.object_store import ObjectStore
from .console import Console
from .grammar import Parser, Verb
from .last_connection import last_connection

ACTIONS = ["status", "start", "stop", "advance", "speed", "pause", "resume", "fault", "seed", "bucket"]
ACTIONS += ["credentials"]
VALUES = {
    "advance": ("TIME", 1, "4h"),
    "speed": ("X", 1, "1440"),
    "fault": ("KIND|clear", 1, "500 --operation UploadArchive --times 2"),
    "seed": ("VAULT COUNT", 2, "photos 100000"),
    "bucket": ("NAME", 1, "archive-2026"),
}
"""The values of an action: their metavar, their number, an example."""


class EmulatorStatus(Rendered):
    """The status that an emulator reports."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status
        self._facts = [
            ("folder", str(status["folder"])),
            ("endpoint", str(status["url"])),
            ("process", str(status["pid"])),
            ("time", str(status["time"])),
            ("speed", "paused" if status["paused"] else f"{status['speed']:g} times real time"),
            ("vaults", f"{status['vaults']:,}"),
            ("archives", f"{status['archives']:,}, {human_bytes(status['bytes'])}"),
            ("jobs in progress", f"{status['jobs_in_progress']:,}"),
        ]
        if status.get("buckets"):
            self._facts.append(("buckets", f"{status['buckets']:,}, {status['objects']:,} objects"))
        self._facts += [("fault", _fault_text(fault)) for fault in status.get("faults", [])]

    def _repr_text(self) -> str:
        return "\n".join(facts_lines(self._facts))

    def _repr_html(self) -> str:
        return facts_html(self._facts)


class TemporaryKeysText(Rendered):
    """Temporary keys as lines for a shell, or as the JSON of a ``credential_process``."""

    def __init__(self, keys: dict[str, Any], *, as_json: bool) -> None:
        self.keys = keys
        self._as_json = as_json

    def _repr_text(self) -> str:
        if self._as_json:
            return json.dumps(self.keys)
        names = {
            "AWS_ACCESS_KEY_ID": "AccessKeyId",
            "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
            "AWS_SESSION_TOKEN": "SessionToken",
        }
        lines = [f"export {variable}={self.keys[name]}" for variable, name in names.items()]
        return "\n".join([*lines, f"# until {self.keys['Expiration']}"])


def _fault_text(fault: dict[str, Any]) -> str:
    where = "every operation" if fault["operation"] == "*" else fault["operation"]
    odds = fault.get("probability")
    often = f"{fault.get('times')} times" if odds is None else f"with probability {odds:g}"
    return f"{fault['kind']} on {where}, {often}, hit {fault.get('struck', 0)} times"


_LIFE_HELP = "the life of the keys in the emulator's time, from 1 s to 36 h (1h)"


def _configure(parser: Parser) -> None:
    add = parser.add_argument
    add("action", nargs="?", choices=ACTIONS, default="status", metavar="ACTION", help=", ".join(ACTIONS))
    add("values", nargs="*", metavar="VALUE", help="TIME, X, KIND, NAME, or VAULT and COUNT")
    add("--data", metavar="DIR", help="the emulator's folder")
    add("--operation", metavar="NAME", help="the operation that the fault hits (all)")
    add("--times", type=int, metavar="N", help="how often the fault hits (once)")
    add("--probability", type=float, metavar="P", help="the probability of a hit, 0 to 1")
    add("--seed", type=int, metavar="S", help="the seed of random hits, to repeat them")
    add("--rate", type=int, metavar="R", help="bytes per second, with the fault trickle")
    add("--for", dest="life", type=parse_duration, default=3600.0, metavar="TIME", help=_LIFE_HELP)
    add("--json", action="store_true", help="print the keys as a credential_process does")
    add("--after", type=parse_duration, metavar="TIME", help="when an expired job vanishes")


def _folder(console: Console, given: str | None) -> Path:
    if given is not None:
        return emulator_folder(Path(given))
    # The emulator in use, else that of the last connect.
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
        return _stop(console, folder)  # no status follows, which would need a running emulator
    if args.action == "credentials":
        return TemporaryKeysText(emulator.credentials(folder, args.life), as_json=args.json)
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
    elif args.action == "bucket":
        _bucket(console, folder, args.values[0])
    elif args.action in ("pause", "resume"):
        {"pause": emulator.pause, "resume": emulator.resume}[args.action](folder)
    status = EmulatorStatus(dict(emulator.status(folder)))
    _sync(console)  # the session's clock runs by the emulator's, which may have jumped
    return status


def _fault(args: Namespace, folder: Path) -> None:
    if args.values[0] == "clear":
        emulator.clear_faults(folder)
        return
    names = ("times", "probability", "seed", "rate", "after")
    more = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    # What is not given is left to the emulator.
    emulator.add_fault(folder, args.values[0], args.operation or "*", **more)


def _bucket(console: Console, folder: Path, name: str) -> None:
    session = console.session
    if session.connection.emulator != str(folder):  # never in an account
        raise InputError("The session is connected elsewhere", cure=f"{step('connect', '--emulator')}.")
    ObjectStore(session.service, session.region).create_bucket(name)


def _region(console: Console) -> dict[str, str]:
    session = console.connected
    # Vaults belong to a region, which the session shows alone.
    return {} if session is None else {"region": session.region}


def _sync(console: Console) -> None:
    """Read the emulator's clock again, and check the jobs at once."""
    session = console.connected
    if session is not None and session.connection.emulator is not None:
        session.service.account()
        session.tracker.wake()  # an advance may have completed jobs


def _stop(console: Console, folder: Path) -> str:
    session = console.connected
    if session is not None and session.connection.emulator == str(folder):
        console.close()  # before it stops: the tracker would find no service
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
        ("emulator bucket archive-2026", "an empty bucket, to move archives to"),
        ("emulator credentials --for 15m", "temporary keys, as a login gives them"),
    ),
    details=(
        "speed 3600 makes an hour of a second, and advance 4h skips four hours. Time stops while the "
        "emulator is stopped. A fault makes operations fail, to test clients; fault clear ends all "
        "faults. The endpoint answers S3, too. credentials issues temporary keys with a session token, "
        "which expires when its life has passed on the emulator's clock. In a shell, glacier-magic "
        "emulator [--port N] [--data DIR] runs the emulator in the foreground."
    ),
)
