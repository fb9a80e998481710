"""Archives by a text in their name."""

from __future__ import annotations

from argparse import Namespace

from ..base.tables import ExactTable
from ..catalogue.archives.query import Query
from .age import listed
from .console import Console
from .grammar import Parser, Verb
from .options import limit_option, vault_option


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "text", nargs="+", metavar="TEXT", help="a text to find anywhere in the name; several must all occur"
    )
    limit_option(parser)
    vault_option(parser)


def _run(console: Console, args: Namespace) -> ExactTable:
    # As old as the catalogue: the service has no search.
    return listed(console.reader(args.vault), Query(text=" ".join(args.text), limit=args.limit))


VERB = Verb(
    name="find",
    summary="find archives by a text anywhere in the name",
    run=_run,
    configure=_configure,
    table=True,
    examples=(("find beach", ""), ("find 2019 beach .jpg", "all three, in any order")),
    details=(
        "Letters match in either case and however they are stored: é is one character, or an e and an "
        "accent as on a Mac. No character is a wildcard."
    ),
)
