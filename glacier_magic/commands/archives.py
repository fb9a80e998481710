"""What is in a vault: storing, listing, deleting."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..jobs import InventoryJob
from ..transfer.sources import find
from ..units import human_duration, parse_duration, plural
from .console import Console
from .grammar import Parser, Verb

if TYPE_CHECKING:
    import pandas as pd


def vault_option(parser: Parser) -> None:
    """Add ``--vault``."""
    parser.add_argument("--vault", metavar="V", help="a vault other than the one in use")


def archive_words(parser: Parser) -> None:
    """Add the words that choose archives."""
    parser.add_argument(
        "archives", nargs="+", metavar="GLOB|id:ID",
        help="names (* matches / too; folder/ is all below it), or id: and an archive id",
    )  # fmt: skip


def duration(text: str) -> float:
    """Return the seconds that an option's value means."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def waiting_options(parser: Parser) -> None:
    """Add ``--wait`` and ``--timeout``."""
    parser.add_argument("--wait", action="store_true", help="wait until it is there")
    parser.add_argument(
        "--timeout", metavar="TIME", type=duration, help="wait at most 90s, 15m, 6h ..."
    )


def _configure_upload(parser: Parser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, globs, ~, folders")
    vault_option(parser)
    parser.add_argument("--description", metavar="D", help="text to store instead of name and time")
    parser.add_argument("-r", "--recursive", action="store_true", help="all files below a folder")
    parser.add_argument(
        "--again", action="store_true", help="send files that are stored already, too"
    )


def _upload(console: Console, args: Namespace) -> pd.DataFrame:
    vault = console.vault(args.vault)
    sources = find(args.paths, recursive=args.recursive, description=args.description)
    with console.face.progress() as observer:
        stored = vault.store(sources, again=args.again, progress=observer)
    before = sum(row["state"] == "already stored" for row in stored.rows)
    if before:
        console.face.note(
            f"{plural(before, 'file')} unchanged since stored from here; --again sends them anew."
        )
    for path, reason in stored.skipped:
        console.face.note(f"Left out {path}: {reason}.")
    return stored.table()


def _configure_ls(parser: Parser) -> None:
    parser.add_argument("glob", nargs="?", metavar="GLOB", help="names; * matches / too")
    vault_option(parser)


def _ls(console: Console, args: Namespace) -> pd.DataFrame:
    table = console.vault(args.vault).archives(args.glob)
    console.face.note(as_of(console, table))
    return table


def as_of(console: Console, table: pd.DataFrame) -> str:
    """Return in a sentence how old a table of archives is."""
    made = table.attrs["as_of"]
    if made is None:
        age = "no inventory read yet: only what was stored from here (%glacier inventory)"
    else:
        moment = datetime.fromisoformat(made)
        passed = (console.session.service.clock.now() - moment).total_seconds()
        age = f"as of the inventory of {moment:%Y-%m-%d %H:%M} UTC, {human_duration(passed)} old"
    unlisted = table.attrs["unlisted"]
    since = f"; {plural(unlisted, 'archive')} stored from here not listed yet" if unlisted else ""
    return f"{table.attrs['vault']}: {plural(len(table), 'archive')}, {age}{since}."


def _configure_inventory(parser: Parser) -> None:
    parser.add_argument("vault", nargs="?", metavar="VAULT", help="default: the one in use")
    parser.add_argument("--fresh", action="store_true", help="ask even if one is at hand")
    waiting_options(parser)


def _inventory(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    found = vault.refresh_inventory() if args.fresh else vault.inventory()
    if isinstance(found, InventoryJob):
        if not args.wait:
            return found
        console.face.follow(found, args.timeout)
        found = vault.archives()
    console.face.note(as_of(console, found))
    return found


def _configure_rm(parser: Parser) -> None:
    archive_words(parser)
    vault_option(parser)
    parser.add_argument("--yes", action="store_true", help="delete without asking")


def _rm(console: Console, args: Namespace) -> Any:
    plan = console.vault(args.vault).remove(*args.archives)
    return console.settle(plan, yes=args.yes)


VERBS = (
    Verb(
        name="upload",
        summary="store files as archives",
        run=_upload,
        configure=_configure_upload,
        details="Every byte's tree hash is compared with the service's answer. A file over "
        "100 MiB goes in\nparallel parts, and an interrupted one goes on with the same command.",
    ),
    Verb(name="ls", summary="list archives by name", run=_ls, configure=_configure_ls),
    Verb(
        name="inventory",
        summary="refresh the list from the service's inventory",
        run=_inventory,
        configure=_configure_inventory,
        details="The service makes an inventory about once a day, and takes some four hours to "
        "hand it out.",
    ),
    Verb(name="rm", summary="delete archives", run=_rm, configure=_configure_rm),
)
