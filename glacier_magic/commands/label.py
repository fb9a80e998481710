"""Labels and notes on archives and snapshots."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from .console import Console
from .dataframe_option import table_option, words_or_table
from .grammar import Parser, Verb
from .options import archive_words, label, vault_option

if TYPE_CHECKING:
    import pandas as pd


def _configure(parser: Parser) -> None:
    archive_words(parser, "*")
    table_option(parser)
    vault_option(parser)
    for name in ("add", "remove"):
        parser.add_argument(
            f"--{name}",
            metavar="TAG",
            action="append",
            type=label,
            default=[],
            help=f"{name} this label; may be repeated",
        )
    parser.add_argument("--note", metavar="TEXT", help="replace the note; '' removes it")


def _run(console: Console, args: Namespace) -> pd.DataFrame:
    vault, words = words_or_table(console, args, args.archives)
    return vault.label(*words, add=args.add, remove=args.remove, note=args.note)


VERB = Verb(
    name="label",
    summary="show or change labels and notes of archives and snapshots",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("label 'scans/2019/*' --add taxes", "then: ls --label taxes"),
        ("label photos@3 --add moved --note 'with new names'", "a snapshot"),
    ),
    details=(
        "A snapshot is named by its set, @, and its number or date. A label is one word. The service has no "
        "labels for archives, so they are stored in the catalogue; `tags` shows the tags of a vault. ls "
        "--label TAG, and the condition \"labels = 'TAG'\" of ls and rm, select archives by their labels; "
        "prune --keep-label TAG keeps snapshots. Labels of backup --label are also stored in the manifest, "
        "and `adopt` reads them."
    ),
)
