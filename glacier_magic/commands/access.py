"""A vault's access policy."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Parser, Verb
from .options import save_option, yes_option


def _configure(parser: Parser) -> None:
    parser.add_argument("vault", nargs="?", metavar="VAULT", help="the vault (the one in use)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--set", metavar="FILE", help="a JSON file with the new policy")
    which.add_argument("--remove", action="store_true", help="remove the policy")
    save_option(parser)
    yes_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    access = console.vault(args.vault).policy()
    if args.save is not None:  # before a change: the file has the policy as it was
        console.face.note(f"Written to {access.save(args.save)}.")
    if args.set is not None:
        return console.settle(access.set_file(args.set), yes=args.yes)
    if args.remove:
        return console.settle(access.remove(), yes=args.yes)
    return access


VERB = Verb(
    name="access",
    summary="show, set or remove the access policy of a vault",
    run=_run,
    configure=_configure,
    examples=(
        ("access photos", ""),
        ("access photos --set policy.json", ""),
        ("access photos --save policy.json", ""),
    ),
    details=("Explains what the policy grants. Account ids are masked, except in the file of --save."),
)
