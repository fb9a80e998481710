"""Restores, deletions and purchases that were run, each with its estimate and its outcome."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Parser, Verb
from .options import whole

_number = whole(1, 1 << 53, "a number from 1 on")  # fits into an integer of any database


def _configure(parser: Parser) -> None:
    parser.add_argument("id", nargs="?", type=_number, metavar="ID", help="show this plan in full")
    parser.add_argument("--limit", type=_number, metavar="N", default=20, help="the number of plans (20)")


def _run(console: Console, args: Namespace) -> Any:
    if args.id is not None:
        return console.session.past_plan(args.id)
    past = console.session.history(args.limit)
    if not len(past):
        console.face.note("No plan has been run yet.")
    return past.table


VERB = Verb(
    name="history",
    summary="list the plans that were run, with their estimates and outcomes",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("history", ""), ("history 12", "one plan in full")),
)
