"""Getting archives back: the plan, the board, the wait."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ..base.ranges import Asked
from ..base.rendering import near
from ..catalogue import ArchiveRecord
from ..client.vault import Vault
from ..errors import InputError
from ..jobs import Batch
from ..plans import Plan, RestorePlan
from ..plans.restore.quoting import DESTINATIONS
from ..prices import parse_money
from .archives import (
    archive_words,
    duration,
    rate_option,
    set_rate,
    size,
    vault_option,
    waiting_options,
)
from .choosing import archives_of, table_option
from .console import Console
from .grammar import Parser, Verb


def money(text: str) -> Decimal:
    """Return the US dollars that an option's value means."""
    try:
        return parse_money(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def tier_option(parser: Parser, *, default: str | None, name: str = "tier") -> None:
    """Add ``--tier``, kept as *name*."""
    parser.add_argument(
        "--tier", dest=name, type=str.lower, choices=("standard", "bulk", "expedited"),
        default=default,
        help="standard 3-5 hours (default), bulk 5-12 hours, expedited 1-5 minutes",
    )  # fmt: skip


def destination_option(parser: Parser) -> None:
    """Add ``--destination``."""
    parser.add_argument(
        "--destination", choices=list(DESTINATIONS),
        help="where this machine is, for the price of the way out: here, in the region of the "
        "vault; region, in another; internet (default, or GLACIER_MAGIC_DESTINATION)",
    )  # fmt: skip


def running_options(parser: Parser) -> None:
    """Add what a restore is run with: where to, within which cost, whether at once."""
    parser.add_argument(
        "--to", metavar="DIR", default="restored", help="folder for the files (./restored)"
    )
    destination_option(parser)
    parser.add_argument(
        "--max-cost", metavar="USD", type=money,
        help="refuse to run if it costs more, or if that is not known for sure",
    )  # fmt: skip
    parser.add_argument(
        "--accept-unconfirmed", action="store_true",
        help="let --max-cost rely on prices that nobody has confirmed",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="start at once, without asking")
    rate_option(parser)
    waiting_options(parser)


def part_options(parser: Parser) -> None:
    """Add ``--head``, ``--tail`` and ``--range``."""
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--head", metavar="SIZE", type=size, help="the first 1MB, say, alone")
    part.add_argument("--tail", metavar="SIZE", type=size, help="the last 1MB, say, alone")
    part.add_argument("--range", metavar="A-B", dest="part", help="these bytes alone: see below")


def _part(args: Namespace) -> Asked | None:
    if args.head is not None:
        return Asked.head(args.head)
    if args.tail is not None:
        return Asked.tail(args.tail)
    return None if args.part is None else Asked.parse(args.part)


def settled(console: Console, plan: Plan[Batch], args: Namespace) -> Any:
    """Put a plan before the user within its limit, or run it; wait for it if asked to."""
    if args.max_cost is not None:
        plan.limit_to(args.max_cost, accept_unconfirmed=args.accept_unconfirmed)
    elif args.accept_unconfirmed:
        raise InputError("--accept-unconfirmed is about a limit", cure="Add --max-cost USD.")
    outcome = console.settle(plan, yes=args.yes)
    if isinstance(outcome, Batch) and args.wait:
        return console.face.follow(outcome, args.timeout)
    return outcome


def _configure_restore(parser: Parser) -> None:
    archive_words(parser, count="*")
    vault_option(parser)
    tier_option(parser, default=None)
    parser.add_argument(
        "--save", metavar="FILE", help="write the plan for a colleague to run, and ask for nothing"
    )
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
    again.add_argument(
        "--stop", action="store_true",
        help="take back what is scheduled and not asked for yet, all of it or these archives",
    )  # fmt: skip
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--spread", metavar="TIME", help="ask evenly over so many days: 10d")
    pace.add_argument("--daily", metavar="SIZE", help="ask for at most so much a day: 200GB")
    table_option(parser)
    part_options(parser)
    running_options(parser)
    parser.set_defaults(to=None)  # with --expired it is where it was


def _restore(console: Console, args: Namespace) -> Any:
    if args.stop:
        return _stopped(console, args)
    set_rate(console, args)
    plan = _plan(console, args)
    if args.save is not None:
        return _saved(console, plan, args)
    return settled(console, plan, args)


def _stopped(console: Console, args: Namespace) -> str:
    given = (args.table, args.tier, args.spread, args.daily, args.save, args.to, _part(args))
    if any(value is not None for value in given):
        raise InputError(
            "What is scheduled is stopped by the names of archives",
            cure="Leave all out but names and --vault.",
        )
    vault = console.vault(args.vault).name if args.archives else args.vault
    return console.session.stop_restores(*args.archives, vault=vault)


def _plan(console: Console, args: Namespace) -> Plan[Batch]:
    if args.expired or args.extend:
        return _again(console, args)
    vault, archives = _chosen(console, args)
    part = _part(args)
    tier, to = args.tier or "standard", args.to or "restored"
    if part is not None and (args.spread or args.daily):
        raise InputError("Parts of archives are not paced", cure="Leave out --spread and --daily.")
    if part is not None:
        return vault.restore(
            *archives, tier=tier, to=to, byte_range=part, destination=args.destination
        )
    return vault.restore(
        *archives, tier=tier, to=to, destination=args.destination,
        spread=args.spread, daily=args.daily,
    )  # fmt: skip


def _chosen(console: Console, args: Namespace) -> tuple[Vault, Sequence[str | ArchiveRecord]]:
    """Return the vault, and the archives that words or a table choose."""
    if args.table and args.archives:
        raise InputError("Archives come from words or from a table", cure="Leave out one of them.")
    if args.table:
        return archives_of(console, args.table, args.vault)
    if not args.archives:
        raise InputError(
            "Which archives?",
            cure="Name some, or use --from, --expired or --extend; %glacier restore --help says "
            "more.",
        )
    return console.vault(args.vault), args.archives


def _again(console: Console, args: Namespace) -> Plan[Batch]:
    if args.table:
        raise InputError("What to ask for again is on record", cure="Leave out --from.")
    if _part(args) is not None:
        raise InputError("Parts are asked for by name", cure="Leave out --expired and --extend.")
    if args.to is not None:
        raise InputError("The folders are those of the first time", cure="Leave out --to.")
    vault = console.vault(args.vault).name if args.archives else args.vault
    if args.expired:
        return console.session.restore_expired(
            *args.archives, vault=vault, tier=args.tier, destination=args.destination,
            spread=args.spread, daily=args.daily,
        )  # fmt: skip
    if args.tier or args.spread or args.daily:
        raise InputError(
            "Outputs are kept longer at once, in the tier they had",
            cure="Leave out --tier, --spread and --daily.",
        )
    return console.session.extend(*args.archives, vault=vault)


def _saved(console: Console, plan: Plan[Batch], args: Namespace) -> str:
    if args.yes or args.wait:
        raise InputError("--save asks for nothing", cure="Leave out --yes and --wait.")
    if not isinstance(plan, RestorePlan) or args.spread or args.daily:
        raise InputError(
            "A file keeps whole archives and a tier, no more",
            cure="Leave out --spread, --daily and parts, and --expired of several folders.",
        )
    path = plan.save(args.save)
    return (
        f"{plan.title}: saved in {near(str(path))}. As of now it costs: {plan.quote.words()}. "
        f"Nothing was asked for; {console.face.program} run {near(str(path))} does."
    )


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
        "archive that has a job already, here or started elsewhere, is not asked for twice.\n\n"
        "A part (--head, --tail, --range) becomes a file whose name says which bytes it has. In a\n"
        "range, plain numbers are positions, both included: 0-1048575; numbers with a unit are\n"
        "borders: 10MiB-20MiB is 10 MiB; 10MiB- goes to the end. Charged is what must be\n"
        "retrieved for it, which the plan shows.",
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
