"""Provisioned capacity: showing it, and buying a unit."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb
from .plan_options import limit_options, limited


def _configure(parser: Parser) -> None:
    parser.add_argument("buy", nargs="?", choices=("buy",), help="buy a unit, after showing its price")
    # The service sells an account two units at most.
    parser.add_argument("--units", type=int, choices=(1, 2), default=1, help="the number of units")
    limit_options(parser)
    parser.add_argument("--yes", action="store_true", help="buy without asking")


def _run(console: Console, args: Namespace) -> Any:
    capacity = console.session.capacity()
    if args.buy is None:
        if args.typed:
            raise InputError("All options are for a purchase", cure="Write capacity buy.")
        return capacity
    # A unit is charged at once, and no operation gives it back.
    return console.settle(limited(capacity.buy(args.units), args), yes=args.yes)


VERB = Verb(
    name="capacity",
    summary="show or buy provisioned capacity for expedited retrievals",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("capacity", ""), ("capacity buy --max-cost 110", "")),
    interrupted="%glacier capacity shows what was bought.",
    details=(
        "A unit is charged at once and lasts one month; an account can have two. If the response to "
        "a purchase was lost, the units of the account are checked before another purchase."
    ),
)
