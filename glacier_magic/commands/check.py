"""Whether the vault has what the snapshots of a backup need."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..backup.sampling import checked_amount
from ..base.units import plural
from ..errors import IntegrityError
from ..jobs import Batch
from .console import Console
from .grammar import Parser, Verb
from .options import set_rate, value, vault_option
from .plan_options import retrieval_options, settled


def _configure(parser: Parser) -> None:
    parser.add_argument("set", metavar="SET", help="a set, as `snapshots` lists it")
    vault_option(parser)
    parser.add_argument(
        "--sample",
        metavar="N|P%",
        type=value(checked_amount),
        help="retrieve and read N random files of the last snapshot, or a share of them: 1%%",
    )
    parser.add_argument("--key", metavar="FILE", help="a key of the set, for --sample")
    retrieval_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    if args.sample is None:
        return _judged(console, vault.check_backup(args.set), "archive", "missing or different")
    set_rate(console, args)
    with console.busy():
        plan = vault.check_sample(
            args.set, args.sample, key=args.key, tier=args.tier, destination=args.destination
        )
    if not plan.ready:
        outcome = settled(console, plan, args, then="the parts; then the same line reads the files")
        if not isinstance(outcome, Batch) or not outcome.snapshot.finished:
            return outcome
    with console.face.progress(plan.title):
        return _judged(console, plan.verify(), "file", "not readable as stored")


def _judged(console: Console, table: Any, what: str, wrong_how: str) -> Any:
    """Return a table; if it has problems, print their number and set the exit code."""
    wrong = int((table["problem"] != "").sum())
    if wrong:
        console.exit_code = IntegrityError.exit_code
        console.face.note(f"{plural(wrong, what)} {wrong_how}: see the column `problem`.")
    return table


VERB = Verb(
    name="check",
    summary="compare a backup with the newest inventory, or a sample of it",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("check photos", "free: nothing is requested"),
        ("check photos --sample 5 --key glacier.key --max-cost 0.10", "retrieves five files"),
    ),
    details=(
        "Compares presence, size and tree hash of the archives with the newest inventory that was read. An "
        "archive that was stored after it counts as present. If there is a problem, the exit code is 5.\n\n"
        "With --sample, only the parts of packs that contain a few random files are retrieved. Each file is "
        "decrypted, and its SHA-256 is compared; nothing is written. Without --wait, repeat the line when "
        "the parts are downloaded: it reads the files. The next sample has other files."
    ),
)
