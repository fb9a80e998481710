"""Comparing local files with the catalogue."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..base.bucket_names import is_bucket
from ..base.units import plural
from ..client.vault import Vault
from ..errors import InputError, IntegrityError
from ..transfer import verify as localhash
from ..transfer.verify import SAME
from .console import Console
from .dataframe_option import table_option, words_or_table
from .grammar import Parser, Verb
from .options import check_option, vault_option

if TYPE_CHECKING:
    import pandas as pd


def refuse_different(states: Sequence[tuple[str, str]], than: str) -> None:
    """Raise an error unless all files have the state ``same``.

    :param states: the name of each file and its state.
    :param than: what they are compared with, for the message.
    :raises IntegrityError: at least one differs; the message names the first five.
    """
    wrong = [(name, state) for name, state in states if state != SAME]
    if wrong:
        shown = ", ".join(f"{name!r} ({state})" for name, state in wrong[:5])
        verb = "is" if len(wrong) == 1 else "are"
        more = f" and {len(wrong) - 5:,} more" if len(wrong) > 5 else ""
        raise IntegrityError(
            f"{len(wrong):,} of {plural(len(states), 'file')} {verb} not the same as {than}: {shown}{more}",
            cure="The same command without --check shows the table.",
        )


def _configure(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, globs, ~, folders")
    table_option(parser)
    vault_option(parser)
    parser.add_argument("-r", "--recursive", action="store_true", help="all files below a folder")
    check_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    vault, table = _compared(console, args)
    for path, reason in table.attrs.get("skipped", ()):
        console.face.note(f"Not compared: {path}: {reason}.")
    console.face.note(f"{vault.name}, according to the catalogue: {localhash.counted(table)}.")
    if args.check:  # after the notes: an error has no table
        names = zip(table["name"], table["state"], strict=True)
        refuse_different(list(names), f"in {vault.name!r}")
    return table


def _compared(console: Console, args: Namespace) -> tuple[Vault, pd.DataFrame]:
    if args.table is not None:
        return _compared_with(console, args)
    if not args.paths:
        raise InputError("Which files?", cure="Name some, or give archives with --from.")
    vault = console.vault(args.vault)
    if is_bucket(vault.name) and len(args.paths) > 1:
        raise InputError("Objects are compared with the files in one folder", cure="Name one.")
    with console.face.progress("Reading the files") as observer:
        if is_bucket(vault.name):
            return vault, vault.verify("*", folder=args.paths[0], progress=observer)
        return vault, localhash.verify(
            vault.session.catalogue, vault.name, args.paths, recursive=args.recursive, progress=observer
        )


def _compared_with(console: Console, args: Namespace) -> tuple[Vault, pd.DataFrame]:
    """Compare the archives of ``--from`` with the files of one folder."""
    if len(args.paths) > 1 or args.recursive:
        raise InputError(
            "With --from, each archive is compared with the file of its name in one folder",
            cure="Name that folder, ./restored by default, without --recursive.",
        )
    vault, archives = words_or_table(console, args, [])
    with console.face.progress("Reading the files") as observer:
        return vault, vault.verify(*archives, folder=(args.paths or ["restored"])[0], progress=observer)


VERB = Verb(
    name="verify",
    summary="compare local files with the catalogue by tree hash",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("verify --recursive ~/scans", ""),
        ("verify scan.tif --check", "exit code 5 unless it is the same"),
        ("verify --from df back", "archives of a DataFrame that were restored to the folder back"),
    ),
    details=(
        "A file is compared with the archive that has the name an upload of this path would use, or "
        "that was stored from this path. With --from, the archives of a table are compared with the "
        "files of their names in one folder, ./restored by default. No request is sent. States: "
        "same, different, not stored, unreadable, and missing locally (an archive below the folder's "
        "name without a file).\n\n"
        "Of a bucket, all objects are compared with the files of their names in the folder, by the checksums "
        "that S3 has; S3 is asked for those, and nothing is restored. Without one, a file is unverified."
    ),
)
