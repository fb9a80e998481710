"""A vault's lock."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb
from .options import save_option, yes_option


def _configure(parser: Parser) -> None:
    parser.add_argument("vault", nargs="?", metavar="VAULT", help="the vault (a change needs its name)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--policy", metavar="FILE", help="start a lock with this policy; it can be aborted for 24 hours"
    )
    which.add_argument(
        "--complete", action="store_true", help="make the lock permanent: it can never be removed or changed"
    )
    which.add_argument("--abort", action="store_true", help="remove a lock that is not complete")
    parser.add_argument(
        "--lock-id", metavar="ID", help="with --complete: the id of a lock that another program started"
    )
    parser.add_argument("--confirm", metavar="VAULT", help="with --complete: the vault's name, to confirm")
    save_option(parser)
    yes_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    if not args.complete and (args.lock_id, args.confirm) != (None, None):
        raise InputError("--lock-id and --confirm go with --complete", cure="")
    if args.vault is None and (args.policy or args.complete or args.abort):
        raise InputError("Which vault?", cure="Name it: a lock cannot be undone.")
    lock = console.vault(args.vault).lock()
    if args.save is not None:  # before a change: the file has the policy as it was
        console.face.note(f"Written to {lock.save(args.save)}.")
    if args.policy is not None:
        return console.settle(lock.initiate_file(args.policy), yes=args.yes)
    if args.complete:
        plan = lock.complete(args.lock_id)  # the service returns the id only once, at the start
        return console.settle(plan, yes=args.yes, confirm=args.confirm)
    return lock.abort() if args.abort else lock  # without asking: it can be started again


VERB = Verb(
    name="lock",
    summary="show, start, complete or abort the lock of a vault",
    run=_run,
    configure=_configure,
    examples=(
        ("lock photos", ""),
        ("lock photos --policy policy.json", "in progress for 24 hours"),
        ("lock photos --complete", "permanent"),
    ),
    interrupted="%glacier lock shows its state.",
    details=(
        "--policy FILE starts the lock: it is in effect at once, and expires after 24 hours or with "
        "--abort. --complete within that time makes it permanent; nobody can change it then. It "
        "asks for the vault's name."
    ),
)
