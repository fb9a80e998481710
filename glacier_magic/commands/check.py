"""Whether the vault has what the snapshots of a backup need."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..base.units import plural
from ..errors import IntegrityError
from .console import Console
from .grammar import Parser, Verb
from .options import vault_option


def _configure(parser: Parser) -> None:
    parser.add_argument("set", metavar="SET", help="a set, as `snapshots` lists it")
    vault_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    table = console.vault(args.vault).check_backup(args.set)
    wrong = int((table["problem"] != "").sum())
    if wrong:
        console.exit_code = IntegrityError.exit_code
        console.face.note(f"{plural(wrong, 'archive')} that snapshots of {args.set} need: see `problem`.")
    return table


VERB = Verb(
    name="check",
    summary="compare the archives of a backup with the newest inventory",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("check photos", "free: nothing is requested"),),
    details=(
        "Compares presence, size and tree hash with the newest inventory that was read; an archive that is "
        "stored and not listed yet counts as there. If something is missing, the exit code is 5."
    ),
)
