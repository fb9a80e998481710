"""The options of several verbs, and the types of their values."""

from __future__ import annotations

import argparse
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..base.units import parse_duration, parse_rate, parse_size
from ..catalogue.archives.labels import checked_label
from .grammar import Parser

if TYPE_CHECKING:
    from .console import Console

T = TypeVar("T")


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
        help="names (* matches / too; a folder is all below it, for rm with its slash), or id: and an "
        "archive id",
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
    """Return a word, which must not be blank: an unset variable would mean the whole vault, or a default."""
    if not text.strip():
        raise ArgumentTypeError(f"{text!r} is blank: leave it out, or check the variable")
    return text


duration = value(parse_duration)
"""Seconds."""
size = value(parse_size)
"""Bytes."""
rate = value(parse_rate)
"""Bytes per second; None for no limit."""
label = value(checked_label)
"""A label as it is stored."""


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


def set_rate(console: Console, args: Namespace) -> None:
    """Limit the session's bandwidth if ``--max-rate`` is given."""
    if hasattr(args, "max_rate"):
        console.session.engine.budget.max_rate = args.max_rate  # of running transfers, too


def waiting_options(parser: Parser) -> None:
    """Add ``--wait`` and ``--timeout``."""
    parser.add_argument("--wait", action="store_true", help="wait until it is done")
    parser.add_argument("--timeout", metavar="TIME", type=duration, help="wait at most 90s, 15m, 6h ...")
