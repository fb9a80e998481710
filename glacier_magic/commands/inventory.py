"""Inventories: reading the newest, requesting one."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..base.units import human_bytes, plural
from ..errors.steps import step
from ..jobs import InventoryJob
from .age import as_of
from .console import Console
from .grammar import Parser, Verb
from .options import waiting_options


def _configure(parser: Parser) -> None:
    parser.add_argument("vault", nargs="?", metavar="VAULT", help="the vault (the one in use)")
    parser.add_argument("--fresh", action="store_true", help="request a new one even if one is available")
    waiting_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    # A job takes hours: one that is in progress or readable is used.
    with console.busy(f"Reading the inventory of {vault.name}") as observer:
        found = vault.refresh_inventory() if args.fresh else vault.inventory(progress=observer)
    if isinstance(found, InventoryJob):
        if not args.wait:
            return found
        console.face.wait(found, args.timeout)
        found = vault.archives()
    console.face.note(as_of(console, found))
    # After a lost response, only an inventory shows whether the archive was stored.
    if copies := vault.copies():
        more = f" and {plural(len(copies) - 1, 'other')}" if len(copies) > 1 else ""
        size = human_bytes(sum(copy.size or 0 for copy in copies))
        console.face.note(
            f"Stored twice, because the response of an upload was lost: {plural(len(copies), 'archive')} "
            f"({size}), {copies[0].name!r}{more}. {step('rm', '--copies')} shows the fee, and deletes them."
        )
    return found


VERB = Verb(
    name="inventory",
    summary="refresh the catalogue from the service's inventory",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("inventory", ""), ("inventory photos --wait", ""), ("inventory --fresh", "request a new one")),
    once=("--fresh",),
    details=("The service updates the inventory about once a day, and takes about four hours to return it."),
)
