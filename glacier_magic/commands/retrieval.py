"""Getting archives back: the plan, the board, the wait."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..jobs import Batch
from ..plans import RangedPlan, RestorePlan
from ..ranges import Asked
from .archives import (
    archive_words,
    duration,
    rate_option,
    set_rate,
    size,
    vault_option,
    waiting_options,
)
from .console import Console
from .grammar import Parser, Verb


def _configure_restore(parser: Parser) -> None:
    archive_words(parser)
    vault_option(parser)
    parser.add_argument(
        "--tier", type=str.lower, choices=("standard", "bulk", "expedited"), default="standard",
        help="standard 3-5 hours (default), bulk 5-12 hours, expedited 1-5 minutes",
    )  # fmt: skip
    parser.add_argument(
        "--to", metavar="DIR", default="restored", help="folder for the files (./restored)"
    )
    _part_options(parser)
    parser.add_argument("--yes", action="store_true", help="start at once, without asking")
    rate_option(parser)
    waiting_options(parser)


def _part_options(parser: Parser) -> None:
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


def _restore(console: Console, args: Namespace) -> Any:
    set_rate(console, args)
    vault, part = console.vault(args.vault), _part(args)
    plan: RestorePlan | RangedPlan
    if part is None:
        plan = vault.restore(*args.archives, tier=args.tier, to=args.to)
    else:
        plan = vault.restore(*args.archives, tier=args.tier, to=args.to, byte_range=part)
    outcome = console.settle(plan, yes=args.yes)
    if isinstance(outcome, Batch) and args.wait:
        return console.face.follow(outcome, args.timeout)
    return outcome


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
