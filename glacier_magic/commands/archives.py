"""What is in a vault: storing, listing, deleting."""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentTypeError, Namespace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import descriptions
from ..base.units import human_bytes, human_duration, parse_duration, parse_rate, parse_size, plural
from ..catalogue.archives.query import COUNTED
from ..client.vault import Vault
from ..errors import InputError
from ..jobs import InventoryJob
from ..transfer.sources import find
from ..transfer.store import MAYBE_TWICE
from .console import Console
from .grammar import Parser, Verb

if TYPE_CHECKING:
    import pandas as pd


def vault_option(parser: Parser) -> None:
    """Add ``--vault``."""
    parser.add_argument("--vault", metavar="V", help="a vault other than the one in use")


def archive_words(parser: Parser, count: str = "+") -> None:
    """Add the words that choose archives."""
    parser.add_argument(
        "archives", nargs=count, metavar="GLOB|id:ID",
        help="names (* matches / too; folder/ is all below it), or id: and an archive id",
    )  # fmt: skip


def duration(text: str) -> float:
    """Return the seconds that an option's value means."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def size(text: str) -> int:
    """Return the bytes that an option's value means."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def rate(text: str) -> float | None:
    """Return the bytes a second that an option's value means."""
    try:
        return parse_rate(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def rate_option(parser: Parser) -> None:
    """Add ``--max-rate``."""
    parser.add_argument(
        "--max-rate", metavar="RATE", type=rate, default=argparse.SUPPRESS,
        help="bandwidth of all transfers of this session: 10MB/s, 500k, none",
    )  # fmt: skip


def set_rate(console: Console, args: Namespace) -> None:
    """Limit the session's bandwidth where the words asked for it."""
    if hasattr(args, "max_rate"):
        console.session.engine.budget.max_rate = args.max_rate


def waiting_options(parser: Parser) -> None:
    """Add ``--wait`` and ``--timeout``."""
    parser.add_argument("--wait", action="store_true", help="wait until it is there")
    parser.add_argument(
        "--timeout", metavar="TIME", type=duration, help="wait at most 90s, 15m, 6h ..."
    )


def _configure_upload(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, globs, ~, folders")
    vault_option(parser)
    parser.add_argument("--description", metavar="D", help="text to store instead of name and time")
    parser.add_argument(
        "--description-format", choices=list(descriptions.FORMATS), default=descriptions.DEFAULT,
        help="how name and time are written: for most programs (fastglacier), for mt-aws-glacier "
        "(mt2), or the name alone (plain)",
    )  # fmt: skip
    parser.add_argument("-r", "--recursive", action="store_true", help="all files below a folder")
    parser.add_argument(
        "--again", action="store_true", help="send files that are stored already, too"
    )

    parser.add_argument(
        "--part-size", metavar="SIZE", type=size,
        help="1MiB, 2MiB, 4MiB ... 4GiB; default 16MiB, or more where that makes over 10,000 parts",
    )  # fmt: skip
    rate_option(parser)
    parser.add_argument("--stdin", action="store_true", help="store standard input, of any length")
    parser.add_argument("--name", metavar="NAME", help="the name of what --stdin gives")


def _upload(console: Console, args: Namespace) -> Any:
    if console.face.rich and not args.paths and not args.stdin:
        set_rate(console, args)
        return console.vault(args.vault).desk()
    if bool(args.paths) == args.stdin:
        raise InputError(
            "Upload either files or, with --stdin, standard input",
            cure="%glacier upload PATH..., or in a shell ... | glacier-magic upload --stdin "
            "--name NAME; %glacier upload --help says more.",
        )
    vault = console.vault(args.vault)
    set_rate(console, args)
    if args.stdin:
        return _upload_stdin(console, vault, args)
    sources = find(
        args.paths, recursive=args.recursive, description=args.description,
        description_format=args.description_format,
    )  # fmt: skip
    with console.face.progress() as observer:
        stored = vault.store(sources, again=args.again, part_size=args.part_size, progress=observer)
    before = sum(row["state"] == "already stored" for row in stored.rows)
    if before:
        console.face.note(
            f"{plural(before, 'file')} unchanged since stored from here; --again sends them anew."
        )
    for row in stored.rows:
        if row["state"] == MAYBE_TWICE:
            console.face.note(
                f"{row['name']!r} may be stored twice: the first answer was lost. The next "
                "%glacier inventory tells, and which one to delete."
            )
    for path, reason in stored.skipped:
        console.face.note(f"Left out {path}: {reason}.")
    return stored.table()


def _upload_stdin(console: Console, vault: Vault, args: Namespace) -> pd.DataFrame:
    if not args.name and args.description is None:
        raise InputError("What comes from standard input has no name", cure="Add --name NAME.")
    with console.face.progress() as observer:
        archive = vault.upload_stream(
            sys.stdin.buffer,
            args.name or args.description,
            description=args.description,
            description_format=args.description_format,
            part_size=args.part_size,
            progress=observer,
        )
    return vault.archives(f"id:{archive.id}")


def _configure_uploads(parser: Parser) -> None:
    vault_option(parser)
    parser.add_argument(
        "--resume", nargs="*", metavar="ID", help="go on with all, or those whose ids begin so"
    )
    parser.add_argument("--abort", nargs="+", metavar="ID", help="drop what was sent")
    parser.add_argument("--yes", action="store_true", help="abort without asking")
    rate_option(parser)


def _uploads(console: Console, args: Namespace) -> Any:
    leftovers = console.vault(args.vault).uploads()
    if args.abort:
        return console.settle(leftovers.abortion(args.abort), yes=args.yes)
    if args.resume is None:
        return leftovers
    set_rate(console, args)
    with console.face.progress() as observer:
        return leftovers.resume(args.resume, progress=observer)


def _configure_rate(parser: Parser) -> None:
    parser.add_argument("rate", nargs="?", type=rate, default=argparse.SUPPRESS, metavar="RATE",
                        help="10MB/s, 500k, none; nothing: say what it is")  # fmt: skip


def _rate(console: Console, args: Namespace) -> str:
    budget = console.session.engine.budget
    if hasattr(args, "rate"):
        if not console.face.lasting:
            raise InputError(
                "A rate set here would end with this very command",
                cure="Add --max-rate to upload, restore or wait.",
            )
        budget.max_rate = args.rate
    if budget.max_rate is None:
        return "Transfers run as fast as they can."
    return f"All transfers of this session together: {human_bytes(budget.max_rate)}/s at most."


def as_of(console: Console, table: pd.DataFrame, what: str = "") -> str:
    """Return in a sentence how old a table of archives is, and what was left out of it.

    :param what: what is in the table, if not a number of archives.
    """
    unlisted, more = table.attrs["unlisted"], table.attrs["more"]
    since = f"; {plural(unlisted, 'archive')} stored from here not listed yet" if unlisted else ""
    what = what or plural(len(table), "archive")
    if more:
        whole = f"{'over ' if more >= COUNTED else ''}{len(table) + more:,}"
        what = f"{len(table):,} of {whole} archives"
        since += "; --limit left the others out"
    return f"{table.attrs['vault']}: {what}, {age(console, table.attrs['as_of'])}{since}."


def age(console: Console, made: str | None) -> str:
    """Return in words how old an inventory is that was made then (ISO 8601)."""
    if made is None:
        return "no inventory read yet: only what was stored from here (%glacier inventory)"
    moment = datetime.fromisoformat(made)
    passed = (console.session.service.clock.now() - moment).total_seconds()
    return f"as of the inventory of {moment:%Y-%m-%d %H:%M} UTC, {human_duration(passed)} old"


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
    for name, archive_id in console.session.catalogue.uploads.doubles(vault.name):
        console.face.note(
            f"{name!r} seems to be stored twice, by a request that was sent again after its answer "
            f"was lost. %glacier rm id:{archive_id} deletes the second one."
        )
    return found


VERBS = (
    Verb(
        name="upload",
        summary="store files as archives",
        once=("--again",),
        run=_upload,
        configure=_configure_upload,
        details="Without a path a notebook shows a panel: files are chosen, sent in the background "
        "and paused there.\nEvery byte's tree hash is compared with the service's answer. A file "
        "over 100 MiB goes in parallel\nparts, and an interrupted one goes on with the same "
        "command.",
    ),
    Verb(
        name="uploads",
        summary="unfinished uploads: list, resume, abort",
        run=_uploads,
        configure=_configure_uploads,
        details="Parts that the service has with the right hash are not sent again.",
    ),
    Verb(
        name="rate",
        summary="limit the bandwidth of all transfers, also while they run",
        run=_rate,
        configure=_configure_rate,
    ),
    Verb(
        name="inventory",
        summary="refresh the list from the service's inventory",
        once=("--fresh",),
        run=_inventory,
        configure=_configure_inventory,
        details="The service makes an inventory about once a day, and takes some four hours to "
        "hand it out.",
    ),
)
