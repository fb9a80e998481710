"""Running a plan that a file holds."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Parser, Verb
from .options import running_options, set_rate, settled, tier_option


def _configure(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a plan that restore --save wrote")
    tier_option(parser, default=None, name="instead")  # what is set is not meant for the file's
    running_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    plan = console.session.open_plan(args.file, to=args.to, destination=args.destination, tier=args.instead)
    set_rate(console, args)
    return settled(console, plan, args)


VERB = Verb(
    name="run",
    summary="run a plan that restore --save wrote",
    run=_run,
    configure=_configure,
    examples=(("run plan.json --max-cost 5", ""),),
    details=(
        "Shows the plan first, made again for this computer and catalogue: what is here, staged "
        "or requested already is not requested. For another account's vault: connect --account "
        "ID, where its policy lets you in."
    ),
)
