"""Backups that another computer made."""

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
    retrieval_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    set_rate(console, args)
    with console.busy():
        plan = vault.adopt(args.set, key=args.key, tier=args.tier, destination=args.destination)
    if not plan.ready:
        outcome = settled(console, plan, args, then="the manifests; then the same line records the sets")
        if not isinstance(outcome, Batch) or not outcome.snapshot.finished:
            return outcome
    plan.adopt()
    return vault.snapshots()


VERB = Verb(
    name="adopt",
    summary="learn from the vault what another computer backed up",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("adopt --key glacier.key", "after a lost computer, and `inventory`"),),
    details=(
        "Retrieves the newest manifest of each set that the catalogue does not know: one small archive each. "
        "When they are there, the same line records the sets, and `recover` gets files back. To go on with "
        "a set, name its folders once: backup SET PATH."
    ),
)
