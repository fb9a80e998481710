"""Where am I: connecting, and the vaults of a region."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..base.rendering import Rendered, escape, html_table, snapshot_text, summary, text_table
from ..base.units import human_bytes, local_time, plural
from ..errors import InputError
from ..service.regions import checked_regions
from .console import Console, where
from .failure import Failure
from .grammar import Parser, Verb

if TYPE_CHECKING:
    import pandas as pd

    from ..administration import VaultsEverywhere


class Status(Rendered):
    """Where the user is: account, region, endpoint, vaults, jobs, and what to type next."""

    def __init__(self, console: Console, *, show_account: bool) -> None:
        session = console.session
        account = session.account if show_account else f"********{session.account[-4:]}"
        self.vaults = session.vaults()
        jobs = session.jobs()
        self.jobs = jobs.snapshot
        self.in_use = console.vault_in_use
        self.facts = [
            ("account", account),
            ("region", session.region),
            ("service", where(session)),
            ("endpoint", session.service.endpoint),
            ("catalogue", session.catalogue.place),
            ("vault in use", self.in_use or "none"),
        ]
        unfinished = session.catalogue.deletions.unfinished()
        if unfinished:
            what = plural(len(unfinished), "unfinished deletion")
            self.facts.append(("deletions", f"{what}: {console.face.program} deletions"))
        if self.jobs.virtual:
            speed = session.service.clock.speed
            self.facts.append(
                ("emulator time", f"{self.jobs.now:%Y-%m-%d %H:%M} UTC, {speed:g} times as fast")
            )
        self.next = _next_step(console.face.program, self)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                row["vault"],
                f"{row['archives']:,}",
                human_bytes(row["size"]),
                self._when(row["inventory"]),
            )
            for row in self.vaults.to_dict("records")
        ]

    def _when(self, made: pd.Timestamp) -> str:
        import pandas as pd  # noqa: PLC0415

        return "never" if pd.isna(made) else local_time(made.to_pydatetime(), self.jobs.now)

    def _repr_text(self) -> str:
        width = max(len(label) for label, _ in self.facts)
        lines = [f"{label.rjust(width)}: {words}" for label, words in self.facts]
        if len(self.vaults):
            lines += ["", text_table(_HEAD, self._rows(), numbers=(1, 2))]
        if self.jobs.rows:
            open_ones = replace(self.jobs, rows=tuple(r for r in self.jobs.rows if not r.ended))
            lines += ["", snapshot_text(open_ones) if open_ones.rows else summary(self.jobs)]
        return "\n".join([*lines, "", f"Next: {self.next}"])

    def _repr_html(self) -> str:
        facts = "".join(
            f"<tr><th scope='row'>{escape(label)}</th><td>{escape(words)}</td></tr>"
            for label, words in self.facts
        )
        vaults = html_table(_HEAD, self._rows(), numbers=(1, 2)) if len(self.vaults) else ""
        return (
            f"<table class='glacier-table'>{facts}</table>{vaults}"
            f"<p>{escape(summary(self.jobs))}</p><p>Next: <code>{escape(self.next)}</code></p>"
        )


_HEAD = ("vault", "archives", "size", "last inventory")


def _next_step(program: str, status: Status) -> str:
    if not len(status.vaults):
        return f"{program} create NAME"
    if status.in_use is None and len(status.vaults) > 1:
        return f"{program} use {status.vaults['vault'].iloc[0]}"
    if status.jobs.count("in progress", "ready", "downloading", "requested", "scheduled"):
        return f"{program} jobs"
    if (status.vaults["archives"] == 0).all():
        return f"{program} upload FILE"
    return f"{program} inventory, then {program} ls and {program} restore NAME"


def _configure_status(parser: Parser) -> None:
    parser.add_argument("--show-account", action="store_true", help="show the whole account id")


def _status(console: Console, args: Namespace) -> Status:
    return Status(console, show_account=args.show_account)


def _configure_connect(parser: Parser) -> None:
    parser.add_argument("--profile", metavar="P", help="a profile of your AWS configuration")
    parser.add_argument("--region", metavar="R", help="such as eu-west-1")
    parser.add_argument(
        "--account", metavar="ID", help="the owner of the vaults, where their policies let you in"
    )
    parser.add_argument("--endpoint-url", metavar="U", help="another address of the service")
    parser.add_argument(
        "--emulator", action="store_true", help="the emulator on this computer: no account, no bill"
    )
    parser.add_argument("--data", metavar="DIR", help="the emulator's folder (~/glacier-emulator)")
    parser.add_argument(
        "--speed", type=float, metavar="X", help="emulator seconds that pass in one second"
    )
    _configure_status(parser)


def _connect(console: Console, args: Namespace) -> Status:
    emulated = args.emulator or args.data is not None
    if args.speed is not None and not emulated:
        raise InputError("Only the emulator has a speed", cure="Add --emulator.")
    if emulated and (args.profile or args.endpoint_url):
        raise InputError("The emulator needs neither profile nor endpoint", cure="")
    given = {name: getattr(args, name) for name in ("profile", "region", "endpoint_url")}
    if not emulated:  # what is set is for the real service
        settings = console.connection_settings()
        given = {name: value or settings[name] for name, value in given.items()}
    console.connect(
        **given, emulator=args.data or args.emulator, speed=args.speed, account=args.account
    )
    return Status(console, show_account=args.show_account)


def _why(console: Console, _: Namespace) -> Failure | str:
    return console.failure or Failure.last() or "Nothing has gone wrong."


def _configure_vaults(parser: Parser) -> None:
    parser.add_argument(
        "--all-regions", action="store_true", help="of every region, with cost and idleness"
    )
    parser.add_argument("--regions", metavar="R,R", help="of these regions")


def _vaults(console: Console, args: Namespace) -> pd.DataFrame | VaultsEverywhere:
    if args.regions is not None:
        regions = [name for name in args.regions.replace(",", " ").split() if name]
        if not regions:
            raise InputError("No region is named", cure="Write --regions eu-west-1,us-east-1.")
        checked_regions(regions, [console.session.region])
        return console.session.vaults_everywhere(regions)
    if args.all_regions:
        return console.session.vaults_everywhere()
    return console.session.vaults()


def vault_name(parser: Parser) -> None:
    """Add the word that names a vault."""
    parser.add_argument("name", metavar="NAME", help="1-255 of letters, digits, . - _")


def _create(console: Console, args: Namespace) -> Any:
    vault = console.session.create_vault(args.name)
    console.use(args.name)
    return vault


def _use(console: Console, args: Namespace) -> Any:
    return console.use(args.name)


VERBS = (
    Verb(name="", summary="Where am I?", run=_status, configure=_configure_status),
    Verb(
        name="connect",
        summary="connect to an account and region, or to the emulator",
        run=_connect,
        configure=_configure_connect,
        details="Credentials come from boto3's own chain: environment, profile, SSO, instance.",
    ),
    Verb(
        name="why", summary="what went wrong last, in full", run=_why,
        details="What the error means, what to do, the service's code and request id, and where in "
        "this program\nit came from: what to send along when you report it.",
    ),
    Verb(
        name="vaults", summary="list the vaults of the region, or of all regions", run=_vaults,
        configure=_configure_vaults,
    ),
    Verb(name="create", summary="make a vault and use it", run=_create, configure=vault_name),
    Verb(
        name="use", summary="use a vault for what follows", run=_use, configure=vault_name
    ),
)  # fmt: skip
