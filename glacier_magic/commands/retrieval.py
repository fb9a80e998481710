"""Getting archives back: the plan, the board, the wait."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from ..jobs import Batch
from ..plans import Plan
from .archives import (
    archive_words,
    duration,
    rate_option,
    set_rate,
    vault_option,
    waiting_options,
)
from .console import Console
from .grammar import Parser, Verb


def _configure_restore(parser: Parser) -> None:
    archive_words(parser, count="*")
    vault_option(parser)
    parser.add_argument(
        "--tier", type=str.lower, choices=("standard", "bulk", "expedited"),
        help="standard 3-5 hours (default), bulk 5-12 hours, expedited 1-5 minutes",
    )  # fmt: skip
    parser.add_argument("--to", metavar="DIR", help="folder for the files (./restored)")
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--expired",
        action="store_true",
        help="what was not fetched within its 24 hours, again, into the same folders",
    )
    again.add_argument(
        "--extend", action="store_true",
        help="keep outputs longer that go within 5 hours, or are not fetched in time",
    )  # fmt: skip
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--spread", metavar="TIME", help="ask evenly over so many days: 10d")
    pace.add_argument("--daily", metavar="SIZE", help="ask for at most so much a day: 200GB")
    parser.add_argument("--yes", action="store_true", help="start at once, without asking")
    rate_option(parser)
    waiting_options(parser)


def _restore(console: Console, args: Namespace) -> Any:
    set_rate(console, args)
    outcome = console.settle(_plan(console, args), yes=args.yes)
    if isinstance(outcome, Batch) and args.wait:
        return console.face.follow(outcome, args.timeout)
    return outcome


def _plan(console: Console, args: Namespace) -> Plan[Batch]:
    if args.expired or args.extend:
        return _again(console, args)
    if not args.archives:
        raise InputError(
            "Which archives?",
            cure="Name some, or use --expired or --extend; %glacier restore --help says more.",
        )
    return console.vault(args.vault).restore(
        *args.archives, tier=args.tier or "standard", to=args.to or "restored",
        spread=args.spread, daily=args.daily,
    )  # fmt: skip


def _again(console: Console, args: Namespace) -> Plan[Batch]:
    if args.to is not None:
        raise InputError("The folders are those of the first time", cure="Leave out --to.")
    vault = console.vault(args.vault).name if args.archives else args.vault
    if args.expired:
        return console.session.restore_expired(
            *args.archives, vault=vault, tier=args.tier, spread=args.spread, daily=args.daily
        )
    if args.tier or args.spread or args.daily:
        raise InputError(
            "Outputs are kept longer at once, in the tier they had",
            cure="Leave out --tier, --spread and --daily.",
        )
    return console.session.extend(*args.archives, vault=vault)


def _jobs(console: Console, _: Namespace) -> Batch:
    return console.session.jobs()


def _configure_wait(parser: Parser) -> None:
    parser.add_argument(
        "--timeout", metavar="TIME", type=duration, help="wait at most 90s, 15m, 6h ..."
    )
    rate_option(parser)


def _wait(console: Console, args: Namespace) -> Batch:
    set_rate(console, args)
    return console.face.follow(console.session.pending(), args.timeout)


VERBS = (
    Verb(
        name="restore",
        summary="get archives back, verified",
        run=_restore,
        configure=_configure_restore,
        details="Shows the plan first; nothing is asked of the service before it is started. An\n"
        "archive that has a job already, here or started elsewhere, is not asked for twice.",
    ),
    Verb(
        name="jobs",
        summary="the job board: downloads start by themselves when a job is ready",
        run=_jobs,
    ),
    Verb(
        name="wait",
        summary="wait until all that was asked for is there",
        run=_wait,
        configure=_configure_wait,
        details="Exit codes of the command line: 0 all verified, 75 not ready yet, 3 failed, "
        "4 expired.",
    ),
)
