"""Plans that were run, and plans that others have saved."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from ..plans.history import PastPlan
from .archives import set_rate
from .console import Console
from .grammar import Parser, Verb
from .retrieval import running_options, settled, tier_option

if TYPE_CHECKING:
    import pandas as pd


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1 << 53:
        raise ArgumentTypeError(f"not a number from 1 on: {text!r}")
    return int(text)


def _configure_history(parser: Parser) -> None:
    parser.add_argument("id", nargs="?", type=_number, metavar="ID", help="one plan in full")
    parser.add_argument("--limit", type=_number, metavar="N", default=20, help="how many (20)")


def _history(console: Console, args: Namespace) -> PastPlan | pd.DataFrame:
    if args.id is not None:
        return console.session.past_plan(args.id)
    past = console.session.history(args.limit)
    if not len(past):
        console.face.note("No plan has been run yet.")
    return past.table


def _configure_run(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a plan that restore --save wrote")
    tier_option(parser, default=None, name="instead")  # what is set is not meant for the file's
    running_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    plan = console.session.open_plan(
        args.file, to=args.to, destination=args.destination, tier=args.instead
    )
    set_rate(console, args)
    return settled(console, plan, args)


VERBS = (
    Verb(
        name="history",
        summary="the plans that were run: what was promised, what happened",
        run=_history,
        configure=_configure_history,
    ),
    Verb(
        name="run",
        summary="run a plan that a colleague has saved with restore --save",
        run=_run,
        configure=_configure_run,
        details="Shows the plan first, decided anew for this computer and catalogue: what is here, "
        "staged or asked\nfor already is not asked for. Another account's vault: connect --account "
        "ID, where its policy lets\nyours in.",
    ),
)
