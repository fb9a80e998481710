"""What is inside a zip or tar in a vault, without getting it back."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..base.rendering import visible
from ..plans import PeekPlan
from .console import Console
from .grammar import Parser, Verb
from .options import destination_option, money, size, vault_option, waiting_options, whole


def _configure(parser: Parser) -> None:
    parser.add_argument("archive", metavar="NAME|id:ID", help="a zip, tar or tar.gz")
    vault_option(parser)
    parser.add_argument(
        "--as", dest="kind", choices=("zip", "tar", "tar.gz"), help="what it is, where its name does not tell"
    )
    parser.add_argument(
        "--tier",
        type=str.lower,
        choices=("standard", "bulk", "expedited"),
        default="standard",
        help="standard 3-5 hours (default), bulk 5-12 hours, expedited 1-5 minutes",
    )
    parser.add_argument(
        "--max-bytes",
        metavar="SIZE",
        type=size,
        default=64 << 20,
        help="of the archive, all requests together (64MiB)",
    )
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=whole(1, 1000, "a number of rounds, 1 to 1000"),
        default=4,
        help="requests that wait for one another, hours each, at most (4)",
    )
    parser.add_argument(
        "--max-cost",
        metavar="USD",
        type=money,
        help="refuse what may cost more, at worst, or whose price is not known",
    )
    destination_option(parser)
    parser.add_argument("--yes", action="store_true", help="ask for what it takes")
    waiting_options(parser)


def _run(console: Console, args: Namespace) -> Any:
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
        args.archive,
        kind=args.kind,
        tier=args.tier,
        max_bytes=args.max_bytes,
        rounds=args.rounds,
        destination=args.destination,
    )
    return plan if args.max_cost is None else plan.limit_to(args.max_cost)


def _told(console: Console, plan: PeekPlan) -> Any:
    table = plan.members
    for note in table.attrs["notes"] if table is not None else ():
        console.face.note(visible(note))
    return table


VERB = Verb(
    name="peek",
    summary="list the members of a zip or tar from a few MiB of it",
    run=_run,
    configure=_configure,
    examples=(("peek backup-2019.zip --max-cost 0.10", ""), ("peek id:ID --as tar.gz", "")),
    details=(
        "A zip is read from its end, a tar from its start, header after header; of a tar.gz only "
        "what unpacks from its first bytes is seen. The plan shows what is fetched and what it "
        "costs. Repeat the same line when that is ready, hours later; nothing is paid for twice. "
        "With --yes --wait all further rounds are requested, too, within --max-bytes, --rounds "
        "and --max-cost."
    ),
)
