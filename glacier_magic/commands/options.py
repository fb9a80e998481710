"""The options of several verbs, and the types of their values."""

from __future__ import annotations

import argparse
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any, TypeVar

from ..base.units import parse_duration, parse_rate, parse_size
from ..errors import InputError
from ..jobs import Batch
from ..plans import Plan
from ..plans.restore.quoting import DESTINATIONS
from ..prices import parse_money
from ..prices.built_in import regions
from .console import Console
from .grammar import Parser

T = TypeVar("T")
P = TypeVar("P", bound=Plan[Any])


def option(*names: str, **details: Any) -> Callable[[Parser], None]:
    """Return the function that adds an option, or a word, to a parser."""

    def add(parser: Parser) -> None:
        parser.add_argument(*names, **details)

    return add


def archive_words(parser: Parser, count: str = "+") -> None:
    """Add the words that select archives."""
    parser.add_argument(
        "archives",
        nargs=count,
        metavar="GLOB|id:ID",
        help="names (* matches / too; folder/ is all below it), or id: and an archive id",
    )


def value(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return *parse* as the type of an option, whose error is the parser's message."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None  # argparse drops the text of a ValueError

    return parsed


def whole(least: int, most: int, what: str) -> Callable[[str], int]:
    """Return the type of an option that is an integer from *least* to *most*.

    :param what: a description for the message: "a number of rows".
    """

    def parsed(text: str) -> int:
        if (
            not text.isascii() or not text.isdecimal() or not least <= int(text[:20]) <= most
        ):  # int() refuses 4,300 digits
            raise ArgumentTypeError(f"not {what}: {text[:30]!r}")
        return int(text)

    return parsed


def filled(text: str) -> str:
    """Return a word, which must not be blank: an unset variable would select the whole vault."""
    if not text.strip():
        raise ArgumentTypeError(f"{text!r} is blank; leave it out to use the whole vault")
    return text


duration = value(parse_duration)
"""Seconds."""
size = value(parse_size)
"""Bytes."""
rate = value(parse_rate)
"""Bytes per second; None for no limit."""
money = value(parse_money)
"""US dollars."""


vault_word = option("name", metavar="VAULT", help="the vault's name")
vault_option = option("--vault", metavar="VAULT", help="a vault other than the one in use")
account_option = option("--show-account", action="store_true", help="show the whole account id")
yes_option = option("--yes", action="store_true", help="do it without asking")
# Databases take 64 bits.
limit_option = option(
    "--limit", metavar="N", type=whole(0, 10**18, "a number of rows"), help="the maximum number of rows"
)
save_option = option("--save", metavar="FILE", help="write the policy to this file, with whole account ids")
check_option = option("--check", action="store_true", help="fail (exit code 5) unless all files are the same")
rate_option = option(
    "--max-rate",
    metavar="RATE",
    type=rate,
    default=argparse.SUPPRESS,  # absent from the namespace: None is the rate "none"
    help="bandwidth of all transfers of this session: 10MB/s, 500k, none",
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


def set_rate(console: Console, args: Namespace) -> None:
    """Limit the session's bandwidth if ``--max-rate`` is given."""
    if hasattr(args, "max_rate"):
        console.session.engine.budget.max_rate = args.max_rate  # of running transfers, too


def waiting_options(parser: Parser) -> None:
    """Add ``--wait`` and ``--timeout``."""
    parser.add_argument("--wait", action="store_true", help="wait until it is done")
    parser.add_argument("--timeout", metavar="TIME", type=duration, help="wait at most 90s, 15m, 6h ...")


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


def running_options(parser: Parser) -> None:
    """Add the options for running a restore plan."""
    parser.add_argument("--to", metavar="DIR", default="restored", help="folder for the files (./restored)")
    destination_option(parser)
    limit_options(parser)
    yes_option(parser)
    rate_option(parser)
    waiting_options(parser)


def settled(console: Console, plan: Plan[Batch], args: Namespace) -> Any:
    """Show a plan with its limit to the user, or run it; wait for it with ``--wait``."""
    outcome = console.settle(limited(plan, args), yes=args.yes)
    if isinstance(outcome, Batch) and args.wait:
        return console.face.wait(outcome, args.timeout)
    return outcome


def guard_options(parser: Parser) -> None:
    """Add ``--yes``, ``--confirm`` and the options of the limit, which ``--max-fee`` spells as well."""
    parser.add_argument("--yes", action="store_true", help="do it without asking; for one archive only")
    parser.add_argument(
        "--confirm", metavar="VAULT", help="the vault's name, to confirm more than one archive without asking"
    )
    limit_options(parser, "--max-fee")  # what a deletion costs is the fee of early deletion
