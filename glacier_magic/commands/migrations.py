"""What was moved to S3, and what is on its way."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Parser, Verb
from .options import vault_option


def _configure(parser: Parser) -> None:
    vault_option(parser)
    parser.add_argument("--manifest", metavar="FILE", help="write all of it to a new .parquet or .csv file")


def _run(console: Console, args: Namespace) -> Any:
    found = console.vault(args.vault).migrations()
    if args.manifest is None:
        return found
    return f"{len(found):,} rows written to {found.save(args.manifest)}."


VERB = Verb(
    name="migrations",
    summary="list the moves of archives to S3",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("migrations", ""),
        ("migrations --manifest moved.parquet", "archive, object, checksums, proof"),
    ),
    details=(
        "The proof is none, sent (S3 accepted all bytes, each range of which had the tree hash of the "
        "vault), or stored (asked afterwards, S3 records the same size, parts and checksums). Sources are "
        "deleted only with the last."
    ),
)
