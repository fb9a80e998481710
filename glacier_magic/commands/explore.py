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
    explorer = Explorer(vault)
    # The path of a folder ends in a slash, which need not be typed.
    path = f"{args.folder.rstrip('/')}/" if args.folder else ""
    if path and not explorer.du(path, 0):
        explorer.close()  # ends its reading in the background
        largest = ", ".join(branch.path for branch in explorer.folders("", 5)[0])
        raise NameNotKnown(
            f"There is no folder {path!r} in {vault.name!r}", cure=f"The largest are: {largest or 'none'}."
        )
    explorer.look(folder=path, where=args.where or "", sort=args.sort)
    return explorer


VERB = Verb(
    name="explore",
    summary="browse a vault: folders, facets, charts, a table of any length",
    run=_run,
    configure=_configure,
    examples=(("explore photos", ""), ('explore --folder scans --where "size > 1GB"', "")),
    signed=("--sort",),
    details=(
        "Reads the catalogue only; no request is sent. In a shell it prints the folders and the "
        "first archives. In a notebook, write explorer = _ in the next cell: .selection and .view "
        "are DataFrames, and .restore(), .remove() and .compare() return plans."
    ),
)
