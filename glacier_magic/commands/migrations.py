"""What was moved to S3, and what is on its way."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..base.units import plural
from ..errors import InputError
from ..plans.migrate.past_moves import Migrations
from ..plans.migrate.prove_plan import Proved
from ..transfer.migrate.proving import AT_REST
from .console import Console
from .grammar import Parser, Verb
from .options import archive_words, set_rate, vault_option
from .plan_options import limited, running_options, settled, tier_option

_OF_PLANS = ("level", "role", "tier", "destination", "max_cost", "yes", "wait")


def _configure(parser: Parser) -> None:
    archive_words(parser, count="*")
    vault_option(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--manifest", metavar="FILE", help="write all of it to a new .parquet or .csv file")
    what.add_argument("--prove", action="store_true", help="prove the moves again, see below")
    what.add_argument("--resume", action="store_true", help="go on with what is stuck")
    what.add_argument(
        "--recover", metavar="s3://BUCKET/PREFIX", help="learn from a bucket what was moved to it"
    )
    parser.add_argument(
        "--level",
        type=int,
        choices=(2, 3, 4),
        help="2 by S3's record (default), 3 by its hashing, 4 by reading",
    )
    parser.add_argument("--role", metavar="ARN", help="of the role that reads the objects for S3 (level 3)")
    tier_option(parser, default=None)
    running_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    plans = args.prove or args.resume or args.recover is not None
    if not plans and any(getattr(args, name) for name in _OF_PLANS):
        raise InputError("A list needs no plan", cure="Add --prove, --resume or --recover.")
    if args.level and not args.prove:
        raise InputError("--level is for --prove", cure="Leave it out, or add --prove.")
    if args.role and args.level != AT_REST:
        raise InputError("--role is for the proof at rest", cure=f"Leave it out, or add --level {AT_REST}.")
    vault = console.vault(args.vault)
    if args.recover is not None:
        if args.archives:
            raise InputError("--recover reads a whole place", cure="Leave the archives out.")
        with console.busy():
            plan = limited(vault.recover_migrations(args.recover), args)
        return console.settle(plan, yes=args.yes)
    found = vault.migrations(*args.archives)
    if args.manifest is not None:
        return f"{len(found):,} rows written to {found.save(args.manifest)}."
    if args.resume:
        return _resume(console, args, found)
    return _prove(console, args, found) if args.prove else found


def _resume(console: Console, args: Namespace, found: Migrations) -> Any:
    set_rate(console, args)
    options = {"destination": args.destination} | ({"tier": args.tier} if args.tier else {})
    with console.busy():
        plan = found.resume(**options)
    more = len(found.stuck) - len(plan.items)
    if more:
        stuck = plural(more, "other move")
        console.face.note(f"Stuck on the way to another place or class: {stuck}. Repeat the line for them.")
    return settled(console, plan, args, then="the archives to S3")


def _prove(console: Console, args: Namespace, found: Migrations) -> Any:
    set_rate(console, args)
    with console.busy():
        plan = found.prove(
            args.level or 2, tier=args.tier or "Bulk", destination=args.destination, role=args.role
        )
    outcome = console.settle(limited(plan, args), yes=args.yes)
    if isinstance(outcome, Proved) and outcome.failure is not None:
        console.face.note(outcome.words)  # an error carries no result
        raise outcome.failure
    return outcome


VERB = Verb(
    name="migrations",
    summary="list, resume and prove the moves of archives to S3",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("migrations", ""),
        ("migrations --manifest moved.parquet", "archive, object, checksums, proof"),
        ("migrations --resume", "what has failed, or was not copied in time"),
        ("migrations --prove", "by S3's record of each object"),
        ("migrations 'scans/*' --prove --level 4", "by reading the objects"),
        ("migrations --recover s3://archive-2026/scans", "after the loss of the catalogue"),
    ),
    details=(
        "The proof is none, sent (S3 accepted all bytes, each range of which had the tree hash of the "
        "vault), stored (asked afterwards, S3 records the same size, parts and checksums), at rest or read "
        "back. Sources are deleted from stored on.\n\n"
        "--prove asks S3 again for its record of each object; a move whose object is gone or differs is in "
        "conflict, and its source is not deleted. With --level 4 the bytes are read and their tree hash is "
        "compared with that of the inventory. Objects of archive classes are restored first, by the bulk "
        "tier unless --tier names another: repeat the line when they are.\n\n"
        "--recover lists the objects below a prefix and reads the metadata of each, which says what archive "
        "it was. Anybody who may write to the bucket may have written that: the moves count as sent. "
        "Read the vault's inventory, then prove them: by S3's record up to 1 MiB, by reading above that.\n\n"
        "Each of these is a plan with its price first."
    ),
)
