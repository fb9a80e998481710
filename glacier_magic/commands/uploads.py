"""Unfinished uploads: listing, resuming and aborting them."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..plans.abort_plan import AbortPlan
from .console import Console
from .grammar import Parser, Verb
from .options import rate_option, set_rate, vault_option


def _configure(parser: Parser) -> None:
    vault_option(parser)
    parser.add_argument(
        "--resume", nargs="*", metavar="ID", help="resume all, or those whose ids begin with ID"
    )
    parser.add_argument("--abort", nargs="+", metavar="ID", help="abort uploads, which deletes their parts")
    parser.add_argument("--yes", action="store_true", help="abort without asking")
    rate_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    leftovers = console.vault(args.vault).uploads()
    if args.abort:
        # A plan: parts that were sent for hours are deleted.
        return console.settle(AbortPlan(leftovers, args.abort), yes=args.yes)
    if args.resume is None:  # []: --resume without ids, for all
        return leftovers
    console.check_place()
    set_rate(console, args)
    with console.face.progress("Resuming the uploads") as observer:
        return leftovers.resume(args.resume, progress=observer)


VERB = Verb(
    name="uploads",
    summary="list, resume or abort unfinished uploads",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("uploads", ""), ("uploads --resume", ""), ("uploads --abort ID", "")),
    details=("Parts that the service has with the right tree hash are not sent again."),
)
