"""Deleting archives."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from ..errors.steps import step
from ..plans import Deleted
from ..plans.delete.delete_plan import failure
from ..transfer.migrate.proving import AT_REST, READ_BACK, STORED_AS_SENT
from .console import Console
from .dataframe_option import table_option, words_or_table
from .grammar import Parser, Verb
from .options import archive_words, vault_option
from .plan_options import guard_options, limited

LEVELS = {"stored": STORED_AS_SENT, "rest": AT_REST, "read": READ_BACK}


def _configure(parser: Parser) -> None:
    archive_words(parser, count="*")
    parser.add_argument("--where", metavar="CONDITION", help="such as \"created < '2016'\"")
    parser.add_argument(
        "--copies", action="store_true", help="what uploads stored twice because a response was lost"
    )
    parser.add_argument("--migrated", action="store_true", help="what S3 has, proven, and is free of a fee")
    parser.add_argument(
        "--proof",
        choices=LEVELS,
        help="with --migrated: what is proven so: stored (default), at rest, or read back",
    )
    table_option(parser)
    vault_option(parser)
    guard_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    if args.migrated:
        return _migrated(console, args)
    if args.proof:
        raise InputError("--proof is for --migrated", cure="Leave it out, or add --migrated.")
    # No words must never mean all: drop --with-archives does that.
    if not args.archives and not args.where and args.table is None and not args.copies:
        raise InputError("Which archives?", cure="Name them, or give a condition with --where, or --from.")
    vault, archives = words_or_table(console, args, args.archives)
    if args.copies:
        if archives or args.where:
            raise InputError("--copies stands alone", cure="Leave out names and conditions.")
        archives = vault.copies()
        if not archives:
            raise InputError(
                f"No upload is known to have stored an archive of {vault.name} twice",
                cure=f"{step('inventory')} may show some.",
            )
    with console.busy():
        plan = limited(vault.delete(*archives, where=args.where), args)
    return or_failure(console, console.settle(plan, yes=args.yes, confirm=args.confirm))


def _migrated(console: Console, args: Namespace) -> Any:
    if args.archives or args.where or args.table is not None or args.copies:
        raise InputError("--migrated stands alone", cure="Leave out names, tables and conditions.")
    wanted = {"max_fee": args.max_cost, "proof": LEVELS[args.proof or "stored"]}
    with console.busy():
        plan = limited(console.vault(args.vault).delete_migrated(**wanted), args)
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
        ("rm --from df", "the archives of a DataFrame"),
        ("rm --migrated", "what S3 has: it is asked again before each is deleted"),
        ("rm --copies", "after uploads whose response was lost"),
        ("rm id:ID --yes", ""),
    ),
    interrupted="%glacier deletions --resume resumes the confirmed deletion.",
    details=(
        "Shows the plan first. A folder needs its slash: where one archive was meant, all below a folder "
        "would be deleted. To delete more than one archive, type the vault's name or give it "
        "with --confirm. The list of archives is saved before the first request; after an "
        "interruption, the verb deletions resumes it."
    ),
)
