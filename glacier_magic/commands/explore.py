"""Browsing a vault."""

from __future__ import annotations

from argparse import Namespace

from ..errors import NameNotKnown
from ..explore import Explorer
from .console import Console
from .grammar import Parser, Verb
from .options import filled


def _configure(parser: Parser) -> None:
    parser.add_argument("vault", nargs="?", metavar="VAULT", help="the vault (the one in use)")
    parser.add_argument("--folder", type=filled, metavar="FOLDER", help="start in this folder")
    parser.add_argument(
        "--where", type=filled, metavar="CONDITION", help="such as \"size > 1GB and created < '2016'\""
    )
    parser.add_argument("--sort", default="name", metavar="COLUMNS", help="-size is largest first")


def _run(console: Console, args: Namespace) -> Explorer:
    vault, session = console.vault(args.vault), console.session
    if not session.catalogue.archives.count(vault.name) and vault.name not in session.vault_names():
        session.service.describe_vault(
            vault.name
        )  # reports a misspelt name: the catalogue has no archives of it either
    console.say_place()
    explorer = Explorer(vault)
    found = explorer.du(args.folder or "", 0)  # the path ends in a slash, which need not be typed
    if args.folder and not found:
        explorer.close()  # ends its reading in the background
        largest = ", ".join(branch.path for branch in explorer.folders("", 5)[0])
        raise NameNotKnown(
            f"There is no folder {args.folder!r} in {vault.name!r}",
            cure=f"The largest are: {largest or 'none'}.",
        )
    explorer.look(folder=found[0].path if found else "", where=args.where or "", sort=args.sort)
    return explorer


VERB = Verb(
    name="explore",
    summary="browse a vault: folders, filters, charts and a table",
    run=_run,
    configure=_configure,
    examples=(("explore photos", ""), ('explore --folder scans --where "size > 1GB"', "")),
    signed=("--sort",),
    details=(
        "Reads the catalogue only; no request is sent. In a shell it prints the folders and the "
        "first archives. In a notebook, write explorer = _ in the next cell: .selection and .view "
        "are DataFrames, and .restore(), .delete() and .compare() return plans."
    ),
)
