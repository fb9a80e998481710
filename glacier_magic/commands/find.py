"""Archives by a text in their name."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .age import as_of
from .console import Console
from .grammar import Parser, Verb
from .options import limit_option, vault_option


def _configure(parser: Parser) -> None:
    parser.add_argument("text", metavar="TEXT", help="a text to find anywhere in the name")
    limit_option(parser)
    vault_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    table = console.vault(args.vault).find(args.text, limit=args.limit)
    console.face.note(as_of(console, table))  # as old as the catalogue: the service has no search
    return table


VERB = Verb(
    name="find",
    summary="find archives by a text anywhere in the name",
    run=_run,
    configure=_configure,
    examples=(("find beach", ""),),
    details=("ASCII letters match in either case; no character is a wildcard."),
)
