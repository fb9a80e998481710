"""Creating a vault."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Parser, Verb


def _configure(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="1-255 of letters, digits, . - _")


def _run(console: Console, args: Namespace) -> Any:
    # The service answers the same if the vault exists already.
    vault = console.session.create_vault(args.name)
    console.use(args.name)
    return vault


VERB = Verb(
    name="create",
    summary="create a vault and use it",
    run=_run,
    configure=_configure,
    examples=(("create photos", ""),),
)
