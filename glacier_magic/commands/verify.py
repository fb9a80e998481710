"""Comparing local files with the catalogue."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from ..base.units import plural
from ..errors import IntegrityError
from ..transfer import verify as localhash
from ..transfer.verify import SAME
from .console import Console
from .grammar import Parser, Verb
from .options import check_option, vault_option


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
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, globs, ~, folders")
    vault_option(parser)
    parser.add_argument("-r", "--recursive", action="store_true", help="all files below a folder")
    check_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    with console.face.progress() as observer:
        table = localhash.verify(
            vault.session.catalogue, vault.name, args.paths, recursive=args.recursive, progress=observer
        )
    for path, reason in table.attrs["skipped"]:
        console.face.note(f"Not compared: {path}: {reason}.")
    console.face.note(f"{vault.name}, according to the catalogue: {localhash.counted(table)}.")
    if args.check:  # after the notes: an error has no table
        names = zip(table["name"], table["state"], strict=True)
        refuse_different(list(names), f"in {vault.name!r}")
    return table


VERB = Verb(
    name="verify",
    summary="compare local files with the catalogue by tree hash",
    run=_run,
    configure=_configure,
    examples=(
        ("verify --recursive ~/scans", ""),
        ("verify scan.tif --check", "exit code 5 unless it is the same"),
    ),
    details=(
        "A file is compared with the archive that has the name an upload of this path would use, or "
        "that was stored from this path. No request is sent. States: same, different, not stored, "
        "unreadable, and missing locally (an archive below the folder's name without a file)."
    ),
)
