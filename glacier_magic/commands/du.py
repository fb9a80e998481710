"""Folders with their sizes and monthly costs."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ..base.units import human_bytes, plural
from ..catalogue.archives.no_match import no_match
from ..errors import NameNotKnown
from ..steps import step
from .age import as_of
from .console import Console
from .grammar import Parser, Verb
from .options import filled, vault_option, whole

if TYPE_CHECKING:
    import pandas as pd


def _configure(parser: Parser) -> None:
    parser.add_argument("path", nargs="?", type=filled, metavar="FOLDER", help="the folder (the whole vault)")
    parser.add_argument(
        "--depth",
        metavar="N",
        type=whole(0, 100, "a number of folder levels"),
        default=1,
        help="the levels below it (1)",
    )
    vault_option(parser)


def _run(console: Console, args: Namespace) -> pd.DataFrame:
    vault = console.vault(args.vault)
    table = vault.du(args.path or "", args.depth)
    if not len(table) and args.path:  # an empty vault is no mistake; a folder exists by its archives only
        catalogue = console.session.catalogue
        raise NameNotKnown(
            f"There is no folder {args.path!r} in {vault.name!r}",
            cure=no_match(catalogue.database, catalogue.scope, vault.name, args.path)[1]
            or f"{step('du')} shows the folders at the top; {step('find', 'TEXT')} searches names.",
        )
    console.face.note(as_of(console, table, _sums(table)))
    # The region has one price, so that one row tells for all.
    if len(table) and table["month_usd"].iloc[0] is None:
        console.face.note(
            f"The price of storage in {console.session.region} is unknown: "
            f"{step('cost', '--refresh')} reads it from AWS."
        )
    return table


def _sums(table: pd.DataFrame) -> str:
    """Return a phrase with the totals of the first folder of a table, which contains the others."""
    if not len(table):
        return ""
    whole = table.iloc[0]  # largest first: the folder itself
    where = f" in {whole['path']}" if whole["path"] else ""
    count, size = plural(int(whole["archives"]), "archive"), human_bytes(int(whole["size"]))
    return f"{count}{where}, {size}, {whole['month']} a month"


VERB = Verb(
    name="du",
    summary="show folders with their archives, bytes, age and monthly cost",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("du", ""), ("du scans --depth 2", "")),
)
