"""Getting files out of a snapshot."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..catalogue.archives.as_of import snapshot_moment
from ..jobs import Batch
from .console import Console
from .grammar import Parser, Verb
from .options import set_rate, vault_option
from .plan_options import retrieval_options, settled


def _configure(parser: Parser) -> None:
    parser.add_argument("set", metavar="SET", help="a set, as `snapshots` lists it")
    parser.add_argument("patterns", nargs="*", default=[], metavar="GLOB", help="files and folders (all)")
    vault_option(parser)
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        type=snapshot_moment,
        help="the number of a snapshot, or a date for the last one until then (the last)",
    )
    parser.add_argument("--key", metavar="FILE", help="a key of the set, as `key new` made it")
    parser.add_argument("--to", metavar="DIR", default="recovered", help="folder for the files (./recovered)")
    retrieval_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    set_rate(console, args)
    with console.busy():
        plan = vault.recover(
            args.set,
            *args.patterns,
            as_of=args.as_of,
            to=args.to,
            key=args.key,
            tier=args.tier,
            destination=args.destination,
        )
    if not plan.ready:
        outcome = settled(console, plan, args, then="the parts; then the same line writes the files")
        if not isinstance(outcome, Batch) or not outcome.snapshot.finished:
            return outcome
    with console.face.progress(plan.title):
        return plan.extract()


VERB = Verb(
    name="recover",
    summary="get files out of a snapshot",
    run=_run,
    configure=_configure,
    examples=(
        ("recover photos '2019/**' --as-of 2026-10-01 --key glacier.key", ""),
        ("recover photos --max-cost 2 --wait --key glacier.key", "all of the last snapshot"),
    ),
    details=(
        "Retrieves only those parts of the packs that have the files, and writes each file once its content "
        "matches its SHA-256. The key is tried before anything is requested. Files that are in the folder "
        "already with the same content are left as they are, and nothing is requested twice. Without --wait, "
        "the same line writes the files later, when the parts are downloaded."
    ),
)
