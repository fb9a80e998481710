"""Deleting archives."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from ..plans import Deleted
from ..plans.delete.delete_plan import failure
from .console import Console
from .grammar import Parser, Verb
from .options import archive_words, guard_options, limited, vault_option


def _configure(parser: Parser) -> None:
    archive_words(parser, count="*")
    parser.add_argument("--where", metavar="COND", help="such as \"created < '2016'\"")
    vault_option(parser)
    guard_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    if not args.archives and not args.where:  # no words must never mean all: drop --with-archives does that
        raise InputError("Which archives?", cure="Name them, or give a condition with --where.")
    vault = console.vault(args.vault)
    plan = limited(vault.remove(*args.archives, where=args.where), args)
    return or_failure(console, console.settle(plan, yes=args.yes, confirm=args.confirm))


def or_failure(console: Console, outcome: Any) -> Any:
    """Return the outcome of a deletion; raise an error if it failed in part, for the exit code."""
    if not isinstance(outcome, Deleted) or outcome.failure is None:
        return outcome
    console.face.note(outcome.words)  # what was deleted, as an error carries no result
    now = console.session.catalogue.deletions.get(outcome.number)
    raise failure(now, outcome.failure)


VERB = Verb(
    name="rm",
    summary="delete archives",
    run=_run,
    configure=_configure,
    examples=(
        ("rm 'scans/1999/*'", ""),
        ("rm --where \"created < '2012'\" --max-cost 0", ""),
        ("rm id:ID --yes", ""),
    ),
    interrupted="%glacier deletions --resume resumes the confirmed deletion.",
    details=(
        "Shows the plan first. To delete more than one archive, type the vault's name or give it "
        "with --confirm. The list of archives is saved before the first request; after an "
        "interruption, the verb deletions resumes it."
    ),
)
