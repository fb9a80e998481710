"""Running a saved plan."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Parser, Verb
from .options import set_rate
from .plan_options import restore_options, settled, tier_option


def _configure(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a plan that restore --save wrote")
    tier_option(parser, default=None, name="instead")  # the tier setting must not override the file's
    restore_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    # The file names no folder: it may come from another computer.
    with console.busy():
        plan = console.session.open_plan(
            args.file, to=args.to, destination=args.destination, tier=args.instead
        )
    set_rate(console, args)
    return settled(console, plan, args)


VERB = Verb(
    name="run",
    summary="run a plan that restore --save wrote",
    run=_run,
    configure=_configure,
    examples=(("run plan.json --max-cost 5", ""),),
    details=(
        "Shows the plan first, updated for this computer and catalogue: archives that exist here, "
        "are staged, or are requested already are left out. For another account's vault, connect "
        "with --account ID."
    ),
)
