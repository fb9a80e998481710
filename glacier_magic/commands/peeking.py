"""What is inside a zip or tar in a vault, without getting it back."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from decimal import Decimal
from typing import Any

from ..base.rendering import visible
from ..plans import PeekPlan
from ..prices import parse_money
from .archives import size, vault_option, waiting_options
from .console import Console
from .grammar import Parser, Verb
from .retrieval import destination_option


def _dollars(text: str) -> Decimal:
    try:
        return parse_money(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _rounds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise ArgumentTypeError(f"not a number of rounds, 1 to 1000: {text!r}")
    return int(text)


def _configure(parser: Parser) -> None:
    parser.add_argument("archive", metavar="NAME|id:ID", help="a zip, tar or tar.gz")
    vault_option(parser)
    parser.add_argument(
        "--as", dest="kind", choices=("zip", "tar", "tar.gz"),
        help="what it is, where its name does not tell",
    )  # fmt: skip
    parser.add_argument(
        "--tier", type=str.lower, choices=("standard", "bulk", "expedited"), default="standard",
        help="standard 3-5 hours (default), bulk 5-12 hours, expedited 1-5 minutes",
    )  # fmt: skip
    parser.add_argument(
        "--max-bytes", metavar="SIZE", type=size, default=64 << 20,
        help="of the archive, all requests together (64MiB)",
    )  # fmt: skip
    parser.add_argument(
        "--rounds", metavar="N", type=_rounds, default=4,
        help="requests that wait for one another, hours each, at most (4)",
    )  # fmt: skip
    parser.add_argument(
        "--max-cost", metavar="USD", type=_dollars,
        help="refuse what may cost more, at worst, or whose price is not known",
    )  # fmt: skip
    destination_option(parser)
    parser.add_argument("--yes", action="store_true", help="ask for what it takes")
    waiting_options(parser)


def _peek(console: Console, args: Namespace) -> Any:
    while True:
        plan = _plan(console, args)
        if plan.empty:
            return _told(console, plan)
        if not args.yes and plan.asking:
            return console.settle(plan, yes=False)
        batch = plan.run()
        if not args.wait:
            return batch
        console.face.follow(batch, args.timeout)


def _plan(console: Console, args: Namespace) -> PeekPlan:
    plan = console.vault(args.vault).peek(
        args.archive, kind=args.kind, tier=args.tier, max_bytes=args.max_bytes, rounds=args.rounds,
        destination=args.destination,
    )  # fmt: skip
    return plan if args.max_cost is None else plan.limit_to(args.max_cost)


def _told(console: Console, plan: PeekPlan) -> Any:
    table = plan.members
    for note in table.attrs["notes"] if table is not None else ():
        console.face.note(visible(note))
    return table


VERBS = (
    Verb(
        name="peek",
        summary="the members of a zip or tar, from a few MiB of it",
        run=_peek,
        configure=_configure,
        details="A zip is read from its end, a tar from its start, header after header; of a\n"
        "tar.gz only what unpacks from its first bytes is seen. Shows first what will be fetched\n"
        "and what it costs; the same line goes on when that is ready, hours later, and nothing is\n"
        "paid for twice. With --yes --wait it asks for all that follows, too, within --max-bytes,\n"
        "--rounds and --max-cost. What is known once is answered at once.",
    ),
)
