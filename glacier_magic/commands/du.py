"""Folders with their sizes and monthly costs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from ..base.bucket_names import is_bucket
from ..base.tables import ExactTable
from ..base.units import human_bytes, plural
from ..catalogue.archives.no_match import no_match
from ..errors import NameNotKnown
from ..errors.steps import step
from ..prices.storage_costs import folder_table
from .age import aged
from .console import Console
from .grammar import Parser, Verb
from .options import filled, vault_option, whole


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


def _run(console: Console, args: Namespace) -> ExactTable:
    reader = console.reader(args.vault)
    table = folder_table(reader, args.path or "", args.depth)
    folders = table.records()
    if not folders and args.path:  # an empty vault is no mistake; a folder exists by its archives only
        raise NameNotKnown(
            f"There is no folder {args.path!r} in {reader.vault!r}",
            cure=no_match(reader.database, reader.scope, reader.vault, args.path)[1]
            or f"{step('du')} shows the folders at the top; {step('find', 'TEXT')} searches names.",
        )
    console.face.note(aged(reader, table.attrs, len(folders), _sums(folders)))
    # The region has one price, so that one row tells for all.
    if folders and folders[0]["month_usd"] is None and not is_bucket(reader.vault):
        console.face.note(
            f"The price of storage in {reader.scope.region} is unknown: "
            f"{step('cost', '--refresh')} reads it from AWS."
        )
    return table


def _sums(folders: Sequence[Mapping[str, Any]]) -> str:
    """Return a phrase with the totals of the first folder, which contains the others."""
    if not folders:
        return ""
    whole = folders[0]  # largest first: the folder itself
    where = f" in {whole['path']}" if whole["path"] else ""
    count, size = plural(whole["archives"], "archive"), human_bytes(whole["size"])
    month = "" if is_bucket(whole["vault"]) else f", {whole['month']} a month"
    return f"{count}{where}, {size}{month}"


VERB = Verb(
    name="du",
    summary="show folders with their archives, bytes, age and monthly cost",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("du", ""), ("du scans --depth 2", "")),
)
