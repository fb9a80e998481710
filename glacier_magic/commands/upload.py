"""Storing files and streams."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from .. import descriptions
from ..base.units import plural
from ..client.vault import Vault
from ..errors import InputError
from ..prices.quotes import upload_requests
from ..prices.storage_costs import Holding, monthly_storage
from ..steps import step
from ..transfer.store import MAYBE_TWICE, Stored, priced
from ..transfer.upload import requests_in_parts
from .console import Console, run_shown
from .grammar import Parser, Verb
from .options import limit_options, limited, money, rate_option, set_rate, size, vault_option, yes_option

if TYPE_CHECKING:
    import pandas as pd


def _configure(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, globs, ~, folders")
    vault_option(parser)
    parser.add_argument(
        "--description", metavar="D", help="the description, instead of the encoded name and time"
    )
    parser.add_argument(
        "--description-format",
        choices=list(descriptions.FORMATS),
        default=descriptions.DEFAULT,
        help="how name and time are written: for most programs (fastglacier), for mt-aws-glacier "
        "(mt2), or the name alone (plain)",
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="all files below a folder")
    parser.add_argument("--again", action="store_true", help="store files again that are stored already")
    parser.add_argument(
        "--part-size",
        metavar="SIZE",
        type=size,
        help="1MiB, 2MiB, 4MiB ... 4GiB; default 16MiB, or more if that makes over 10,000 parts",
    )
    rate_option(parser)
    limit_options(parser)
    yes_option(parser)
    parser.add_argument(
        "--ask-above", metavar="USD", type=money, help="show the price and ask first if it is more (0.10)"
    )
    parser.add_argument("--stdin", action="store_true", help="store standard input, of any length")
    parser.add_argument("--name", metavar="NAME", help="the name of the archive, with --stdin")


def _run(console: Console, args: Namespace) -> Any:
    # Without files, a page can show the panel to choose them.
    if console.face.rich and not args.paths and not args.stdin:
        set_rate(console, args)
        desk = console.vault(args.vault).desk()
        if args.max_cost is not None:
            desk.limit_to(args.max_cost, accept_unconfirmed=args.accept_unconfirmed)
        return desk
    if bool(args.paths) == args.stdin:
        raise InputError(
            "Upload either files or, with --stdin, standard input",
            cure=f"{step('upload', 'PATH...')}, or in a shell ... | glacier-magic upload --stdin "
            f"--name NAME; {step('upload', '--help')} says more.",
        )
    vault = console.vault(args.vault)
    set_rate(console, args)
    if args.stdin:
        return _upload_stdin(console, vault, args)
    plan = vault.upload_plan(
        args.paths,
        recursive=args.recursive,
        description=args.description,
        description_format=args.description_format,
        again=args.again,
        part_size=args.part_size,
    )
    if limited(plan, args).must_ask(args.ask_above):
        outcome = console.settle(plan, yes=args.yes)
        if not isinstance(outcome, Stored):  # a plan that is shown, or nothing
            return outcome
    else:
        outcome = run_shown(console.face, plan)
        if plan.price:
            console.face.note(f"{plan.price}.")
    return _with_notes(console, outcome)


def _with_notes(console: Console, stored: Stored) -> pd.DataFrame:
    """Show notes on an upload; return its table."""
    before = sum(row["state"] == "already stored" for row in stored.rows)
    if before:
        console.face.note(
            f"{plural(before, 'file')} unchanged since the last upload; --again sends them again."
        )
    for row in stored.rows:
        # UploadArchive is not idempotent: a repeated request may store it twice.
        if row["state"] == MAYBE_TWICE:
            console.face.note(
                f"{row['name']!r} may be stored twice: the first response was lost. The next "
                f"{step('inventory')} shows whether, and which archive to delete."
            )
    for path, reason in stored.skipped:
        console.face.note(f"Left out {path}: {reason}.")
    return stored.table()


def _upload_stdin(console: Console, vault: Vault, args: Namespace) -> pd.DataFrame:
    if not args.name and args.description is None:
        raise InputError("Standard input has no name", cure="Add --name NAME.")
    catalogue = console.session.catalogue
    began = int(catalogue.database.now() * 1000)  # the clock that writes "started"
    with console.face.progress() as observer:
        archive = vault.upload_stream(
            sys.stdin.buffer,  # bytes: text mode would change line ends
            args.name or args.description,
            description=args.description,
            description_format=args.description_format,
            part_size=args.part_size,
            again=args.again,
            max_cost=args.max_cost,
            accept_unconfirmed=args.accept_unconfirmed,
            progress=observer,
        )
    # It began before this one: the archive was there already.
    if catalogue.uploads.of_archive(vault.name, archive.id)[0].started < began:
        console.face.note("The same bytes were stored before; --again stores them once more.")
    requests = requests_in_parts(archive.size, args.part_size or catalogue.limits.stream_part)
    prices = console.session.plan_log.prices()
    month = monthly_storage(prices, Holding(archive.size, 1))
    console.face.note(f"{priced(requests, upload_requests(prices, requests), month)}.")
    return vault.archives(f"id:{archive.id}")


VERB = Verb(
    name="upload",
    summary="store files as archives",
    run=_run,
    configure=_configure,
    examples=(
        ("upload 'scans/*.tif'", ""),
        ("upload --recursive ~/scans --max-rate 2MB/s", ""),
        ("upload --recursive ~/mail --max-cost 5", ""),
        ("upload", "in a notebook: a panel to choose, send and pause files"),
    ),
    once=("--again",),
    details=(
        "The tree hash of each archive is compared with the service's response. A file over 100 MiB "
        "is sent in parallel parts; after an interruption, repeat the command to resume it. Each small "
        "file, each part, and the start and end of a file in parts is a request. If the requests cost "
        "more than 0.10 dollars (--ask-above; or their price is unknown, and they are more than 1,000), "
        "the plan is shown first."
    ),
)
