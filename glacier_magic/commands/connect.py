"""Connecting to the service or to the emulator."""

from __future__ import annotations

from argparse import Namespace

from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb
from .options import account_option, filled
from .status import Status


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "--profile", type=filled, metavar="PROFILE", help="a profile of your AWS configuration"
    )
    parser.add_argument("--region", type=filled, metavar="REGION", help="a region, such as eu-west-1")
    parser.add_argument(
        "--account",
        type=filled,
        metavar="ID",
        help="the owner of the vaults, if their policies allow your requests",
    )
    parser.add_argument("--endpoint-url", type=filled, metavar="URL", help="another address of the service")
    parser.add_argument(
        "--emulator", action="store_true", help="the emulator on this computer: no account, no bill"
    )
    parser.add_argument(
        "--data", type=filled, metavar="DIR", help="the emulator's folder (~/glacier-emulator)"
    )
    parser.add_argument("--speed", type=float, metavar="X", help="the emulator's clock, in times real time")
    parser.add_argument(
        "--keep", action="store_true", help="after a connect that failed: stay connected as before"
    )
    account_option(parser)


def _run(console: Console, args: Namespace) -> Status:
    if args.keep:
        if args.typed != {"keep"}:
            raise InputError("--keep stays connected as before", cure="Leave out the other options.")
        status = Status(console, show_account=False)
        console.keep()
        return status
    emulated = args.emulator or args.data is not None  # only the emulator has a folder
    if args.speed is not None and not emulated:
        raise InputError("Only the emulator has a speed", cure="Add --emulator.")
    # A profile is for the real service.
    if emulated and (args.profile or args.endpoint_url):
        raise InputError("The emulator takes neither --profile nor --endpoint-url", cure="")
    given = {name: getattr(args, name) for name in ("profile", "region", "endpoint_url")}
    if not emulated:  # settings are for the real service
        settings = console.connection_settings()
        given = {name: value or settings[name] for name, value in given.items()}
    console.connect(**given, emulator=args.data or args.emulator, speed=args.speed, account=args.account)
    return Status(console, show_account=args.show_account)


VERB = Verb(
    name="connect",
    summary="connect to an account and region, or to the emulator",
    run=_run,
    configure=_configure,
    examples=(
        ("connect --profile archive --region eu-west-1", "an account of your AWS configuration"),
        ("connect --emulator", "no account, no bill"),
        ("connect --account 123456789012", "vaults of another account, whose policies allow it"),
    ),
    details=(
        "Credentials come from boto3's default chain: environment, profile, SSO, instance. The next "
        "session connects as this one: --profile comes before AWS_PROFILE, unless that is set later. If "
        "connect fails, the previous connection stays in use. After that, or if a later session finds "
        "another account than last time, what costs or deletes is refused, unless its plan is shown "
        "first, until connect succeeds or connect --keep confirms the connection."
    ),
)
