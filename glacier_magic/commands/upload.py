"""Storing files and streams."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from .. import descriptions
from ..base.tables import ExactTable
from ..base.units import plural
from ..catalogue.archives.query import Query
from ..client.vault import Vault
from ..errors import InputError, LocalError
from ..errors.steps import step
from ..prices.quotes import upload_requests
from ..prices.storage_costs import Holding, monthly_storage
from ..transfer.store import MAYBE_TWICE, Stored, priced
from ..transfer.upload import requests_in_parts
from .console import Console, run_shown
from .grammar import Parser, Verb
from .options import rate_option, set_rate, size, vault_option, yes_option
from .plan_options import ask_option, limit_options, limited

NOTED = 10
"""The most files left out that are shown with the reason."""


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
    ask_option(parser)
    parser.add_argument("--stdin", action="store_true", help="store standard input, of any length")
    parser.add_argument("--name", metavar="NAME", help="the name of the archive, with --stdin")


def _run(console: Console, args: Namespace) -> Any:
    if args.name and not args.stdin:
        raise InputError("--name names standard input: a file keeps its name", cure="Leave --name out.")
    # Without files, a page can show the panel to choose them.
    if console.face.rich and not args.paths and not args.stdin:
        set_rate(console, args)
        desk = console.vault(args.vault).desk()
        console.check_place()  # files that the browser sends are stored at once
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
        console.check_place()
        return _upload_stdin(console, vault, args)
    with console.busy("Reading the files"):
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
        console.check_place()
        outcome = run_shown(console.face, plan)
        if plan.price:
            console.face.note(f"{plan.title}: done. {plan.price}.")
    return _with_notes(console, outcome)


def _with_notes(console: Console, stored: Stored) -> ExactTable:
    """Show notes on an upload; return its table."""
    before = sum(row["state"] == "already stored" for row in stored.rows)
    if before:
        console.face.note(
            f"{plural(before, 'file')} unchanged since the last upload; --again sends them again."
        )
    # UploadArchive is not idempotent, and its response was lost.
    if twice := [row["name"] for row in stored.rows if row["state"] == MAYBE_TWICE]:
        more = f" and {plural(len(twice) - 1, 'other')}" if len(twice) > 1 else ""
        console.face.note(
            f"{twice[0]!r}{more} may be stored twice: the first response was lost. The next "
            f"{step('inventory')} shows whether, and {step('rm', '--copies')} deletes the copies."
        )
    for path, reason in stored.skipped[:NOTED]:
        console.face.note(f"Left out {path}: {reason}.")
    if (hidden := len(stored.skipped) - NOTED) > 0:
        console.face.note(f"{plural(hidden, 'more file')} left out: the table has them all.")
    if stored.skipped:
        console.exit_code = LocalError.exit_code  # not an error: the table is the result
    return stored.exact()


def _upload_stdin(console: Console, vault: Vault, args: Namespace) -> ExactTable:
    if not args.name and args.description is None:
        raise InputError("Standard input has no name", cure="Add --name NAME.")
    catalogue = console.session.catalogue
    began = int(catalogue.database.now() * 1000)  # the clock that writes "started"
    with console.face.progress("Reading standard input") as observer:
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
    upload = catalogue.uploads.of_archive(vault.name, archive.id)[0]
    if upload.started < began:  # the archive was there already
        console.face.note("The same bytes were stored before; --again stores them once more.")
    requests = requests_in_parts(archive.size, upload.part_size or archive.size)
    prices = console.session.plan_log.prices()
    month = monthly_storage(prices, Holding(archive.size, 1))
    console.face.note(f"{priced(requests, upload_requests(prices, requests), month)}.")
    return console.reader(vault.name).table(Query(glob=f"id:{archive.id}"))


VERB = Verb(
    name="upload",
    summary="store files as archives",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("upload 'scans/*.tif'", ""),
        ("upload --recursive ~/scans --max-rate 2MB/s", ""),
        ("upload --recursive ~/mail --max-cost 5", ""),
        ("upload", "in a notebook: a panel to choose, send and pause files"),
    ),
    once=("--again",),
    details=(
        "The tree hash of each archive is compared with the service's response. A file over 4 MiB "
        "is sent in parallel parts; after an interruption, repeat the command to resume it. Each small "
        "file, each part, and the start and end of a file in parts is a request. If the requests cost "
        "more than 0.10 dollars (--ask-above; or their price is unknown, and they are more than 1,000), "
        "the plan is shown first. What a folder or glob has that cannot be stored (an empty file, a name "
        "that is not UTF-8 or too long, what cannot be read) is left out: a note has the reason, the table "
        "the state, and the exit code is 9."
    ),
)
