"""Options that several verbs have, and the types of their values."""

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
from .console import Console
from .grammar import Parser

T = TypeVar("T")


def vault_option(parser: Parser) -> None:
    """Add ``--vault``."""
    parser.add_argument("--vault", metavar="VAULT", help="a vault other than the one in use")


def account_option(parser: Parser) -> None:
    """Add ``--show-account``."""
    parser.add_argument("--show-account", action="store_true", help="show the whole account id")


def archive_words(parser: Parser, count: str = "+") -> None:
    """Add the words that choose archives."""
    parser.add_argument(
        "archives",
        nargs=count,
        metavar="GLOB|id:ID",
        help="names (* matches / too; folder/ is all below it), or id: and an archive id",
    )


def value(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return *parse* as the type of an option, which says what is wrong with a value."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return parsed


def whole(least: int, most: int, what: str) -> Callable[[str], int]:
    """Return the type of an option whose value is a whole number from *least* to *most*.

    :param what: the number in words, for the message: "a number of rows".
    """

    def parsed(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text[:20]) <= most:
            raise ArgumentTypeError(f"not {what}: {text[:30]!r}")
        return int(text)

    return parsed


def filled(text: str) -> str:
    """Return a word that narrows a choice, unless it is blank, as an unset variable is."""
    if not text.strip():
        raise ArgumentTypeError(f"{text!r} is blank; leave it out for the whole vault")
    return text


duration = value(parse_duration)
"""Seconds."""
size = value(parse_size)
"""Bytes."""
rate = value(parse_rate)
"""Bytes a second; None for no limit."""
money = value(parse_money)
"""US dollars."""


def rate_option(parser: Parser) -> None:
    """Add ``--max-rate``."""
    parser.add_argument(
        "--max-rate",
        metavar="RATE",
        type=rate,
        default=argparse.SUPPRESS,
        help="bandwidth of all transfers of this session: 10MB/s, 500k, none",
    )


def set_rate(console: Console, args: Namespace) -> None:
    """Limit the session's bandwidth where the words asked for it."""
    if hasattr(args, "max_rate"):
        console.session.engine.budget.max_rate = args.max_rate


def waiting_options(parser: Parser) -> None:
    """Add ``--wait`` and ``--timeout``."""
    parser.add_argument("--wait", action="store_true", help="wait until it is there")
    parser.add_argument("--timeout", metavar="TIME", type=duration, help="wait at most 90s, 15m, 6h ...")


def tier_option(parser: Parser, *, default: str | None, name: str = "tier") -> None:
    """Add ``--tier``, kept as *name*."""
    parser.add_argument(
        "--tier",
        dest=name,
        type=str.lower,
        choices=("standard", "bulk", "expedited"),
        default=default,
        help="standard 3-5 hours (default), bulk 5-12 hours, expedited 1-5 minutes",
    )


def destination_option(parser: Parser) -> None:
    """Add ``--destination``."""
    parser.add_argument(
        "--destination",
        choices=list(DESTINATIONS),
        help="where this computer is, for the price of the transfer: here, in the region of the "
        "vault; region, in another; internet (default, or GLACIER_MAGIC_DESTINATION)",
    )


def running_options(parser: Parser) -> None:
    """Add what a restore is run with: where to, within which cost, whether at once."""
    parser.add_argument("--to", metavar="DIR", default="restored", help="folder for the files (./restored)")
    destination_option(parser)
    parser.add_argument(
        "--max-cost",
        metavar="USD",
        type=money,
        help="refuse to run if it costs more, or if that is not known for sure",
    )
    parser.add_argument(
        "--accept-unconfirmed", action="store_true", help="count unconfirmed prices towards the budget"
    )
    parser.add_argument("--yes", action="store_true", help="start at once, without asking")
    rate_option(parser)
    waiting_options(parser)


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


def limit_option(parser: Parser) -> None:
    """Add ``--limit``."""
    parser.add_argument(
        "--limit", metavar="N", type=whole(0, 10**18, "a number of rows"), help="rows at most"
    )


def vault_word(parser: Parser) -> None:
    """Add the word that names a vault."""
    parser.add_argument("name", metavar="VAULT", help="the vault's name")


def guard_options(parser: Parser) -> None:
    """Add ``--yes``, ``--confirm`` and ``--max-fee``."""
    parser.add_argument("--yes", action="store_true", help="without asking; one archive only")
    parser.add_argument(
        "--confirm", metavar="VAULT", help="the vault's name: for more than one archive, no --yes"
    )
    parser.add_argument("--max-fee", metavar="USD", type=money, help="refuse if early deletion costs more")


def yes_option(parser: Parser) -> None:
    """Add ``--yes``."""
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def save_option(parser: Parser) -> None:
    """Add ``--save``."""
    parser.add_argument("--save", metavar="FILE", help="write the policy there as it is, account ids and all")


def check_option(parser: Parser) -> None:
    """Add ``--check``."""
    parser.add_argument("--check", action="store_true", help="fail (exit code 5) unless all are the same")
