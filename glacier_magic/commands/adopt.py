"""Adopting the backups of another computer."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..jobs import Batch
from .console import Console
from .grammar import Parser, Verb
from .options import set_rate, vault_option
from .plan_options import retrieval_options, settled


def _configure(parser: Parser) -> None:
    parser.add_argument("set", nargs="?", metavar="SET", help="one set; without it, all of the vault")
    vault_option(parser)
    parser.add_argument("--key", metavar="FILE", help="a key of the sets, as `key new` made it")
    parser.add_argument(
        "--from-packs", action="store_true", help="read the packs of backups whose manifest was never stored"
    )
    retrieval_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    set_rate(console, args)
    for _ in range(2):  # a long index of a pack needs a second request
        with console.busy():
            plan = vault.adopt(
                args.set,
                key=args.key,
                from_packs=args.from_packs,
                tier=args.tier,
                destination=args.destination,
            )
        if plan.ready:
            break
        outcome = settled(console, plan, args, then="them; then repeat the line")
        if not isinstance(outcome, Batch) or not outcome.snapshot.finished:
            return outcome
    plan.adopt()
    return vault.snapshots()


VERB = Verb(
    name="adopt",
    summary="take over the backups of another or a lost computer",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("adopt --key glacier.key", "after a lost computer, and `inventory`"),
        ("adopt --from-packs --key glacier.key", "if it was lost before it stored a manifest"),
    ),
    details=(
        "Retrieves the newest manifest of each set that the catalogue does not know, one small archive each. "
        "When they are downloaded, the same line records the sets, and `recover` restores their files. To "
        "continue a set on this computer, name its folders once: backup SET PATH.\n\n"
        "A backup stores its manifest last. With --from-packs, `adopt` reads the indexes of packs, which "
        "have the same list of files: it retrieves the head and the tail, 2 to 4 MiB, of each pack that was "
        "stored after the last snapshot in the catalogue."
    ),
)
