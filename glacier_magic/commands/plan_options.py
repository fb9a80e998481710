"""The options of plans: what they may cost, where the data goes, and whether to ask first."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, TypeVar

from ..errors import InputError
from ..errors.steps import step
from ..jobs import Batch
from ..plans import Plan
from ..plans.restore.quoting import DESTINATIONS
from ..prices import parse_money
from ..prices.built_in import regions
from .console import Console
from .grammar import Parser
from .options import option, rate_option, value, waiting_options, yes_option

P = TypeVar("P", bound=Plan[Any])

money = value(parse_money)
"""US dollars."""
ask_option = option(
    "--ask-above", metavar="USD", type=money, help="show the price and ask first if it is more (0.10)"
)


def destination_option(parser: Parser) -> None:
    """Add ``--destination``."""
    parser.add_argument(
        "--destination",
        metavar="WHERE",
        choices=[*DESTINATIONS, *sorted(regions())],
        help="where this computer is, for the price of data transfer: here (in the vault's region), "
        "the name of another region, region (any other), or internet (default, or GLACIER_MAGIC_DESTINATION)",
    )


def tier_option(parser: Parser, *, default: str | None, name: str = "tier") -> None:
    """Add ``--tier``, stored as *name*."""
    parser.add_argument(
        "--tier",
        dest=name,
        type=str.lower,  # the service writes Standard
        choices=("standard", "bulk", "expedited"),
        default=default,
        help="standard 3-5 hours (default), bulk 5-12 hours, expedited 1-5 minutes",
    )


def limit_options(parser: Parser, *spellings: str) -> None:
    """Add ``--max-cost``, also by other *spellings*, and ``--accept-unconfirmed``."""
    parser.add_argument(
        "--max-cost",
        *spellings,
        metavar="USD",
        type=money,
        help="refuse if it costs more, or a price is unknown or unconfirmed",
    )
    parser.add_argument(
        "--accept-unconfirmed", action="store_true", help="count unconfirmed prices towards the limit"
    )


def limited(plan: P, args: Namespace) -> P:
    """Return a plan with the limit of the line; without one it keeps that of the setting.

    :raises InputError: unconfirmed prices are accepted, and there is no limit.
    """
    if args.max_cost is not None:
        plan.limit_to(args.max_cost)  # part of the plan: it holds for a button in a notebook as well
    if args.accept_unconfirmed and plan.limit is None:  # without a limit all prices are accepted anyway
        raise InputError("--accept-unconfirmed needs a limit", cure="Add --max-cost USD.")
    plan.accepts_unconfirmed = args.accept_unconfirmed
    return plan


def retrieval_options(parser: Parser) -> None:
    """Add the options of a retrieval whose files have their own place: tier, price and waiting."""
    tier_option(parser, default="standard")
    running_options(parser)


def restore_options(parser: Parser) -> None:
    """Add the options for running a restore plan."""
    parser.add_argument("--to", metavar="DIR", default="restored", help="folder for the files (./restored)")
    running_options(parser)


def running_options(parser: Parser) -> None:
    """Add the options for running a plan that retrieves archives."""
    destination_option(parser)
    limit_options(parser)
    yes_option(parser)
    rate_option(parser)
    waiting_options(parser)


def settled(console: Console, plan: Plan[Batch], args: Namespace, *, then: str = "") -> Any:
    """Show a plan with its limit to the user, or run it; wait for it with ``--wait``.

    :param then: what is downloaded, and what is to be done then, if the files are not all.
    """
    outcome = console.settle(limited(plan, args), yes=args.yes)
    if isinstance(outcome, Batch) and args.wait:
        return console.face.wait(outcome, args.timeout)
    if isinstance(outcome, Batch) and (then or not console.face.lasting) and not outcome.snapshot.finished:
        console.face.note(f"{step('wait')} downloads {then or 'the files when their jobs are done'}.")
    return outcome


def guard_options(parser: Parser) -> None:
    """Add ``--yes``, ``--confirm`` and the options of the limit, which ``--max-fee`` spells as well."""
    parser.add_argument("--yes", action="store_true", help="do it without asking; for one archive only")
    parser.add_argument(
        "--confirm", metavar="VAULT", help="the vault's name, to confirm more than one archive without asking"
    )
    limit_options(parser, "--max-fee")  # what a deletion costs is the fee of early deletion
