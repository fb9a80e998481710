"""Dropping a vault, empty or with its archives."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..jobs import Batch
from ..plans.base import check_confirmation
from .console import Console
from .grammar import Parser, Verb
from .options import vault_word, waiting_options
from .plan_options import guard_options, limited


def _configure(parser: Parser) -> None:
    vault_word(parser)
    parser.add_argument(
        "--with-archives", action="store_true", help="delete its archives first, which takes a day or two"
    )
    parser.add_argument("--stop", action="store_true", help="end a drop that is in progress")
    guard_options(parser)
    waiting_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    session = console.session
    check_confirmation(f"Drop {args.name}", args.name, args.confirm)  # before any request
    if args.stop:
        return session.stop_drop(args.name)  # without asking: stopping deletes nothing
    if not args.with_archives:
        plan = limited(session.drop_vault(args.name), args)
        return console.settle(plan, yes=args.yes, confirm=args.confirm)
    with console.busy(f"Reading the inventory of {args.name}"):
        found = session.drop_with_archives(args.name)
    if isinstance(found, Batch) and args.wait:
        console.face.wait(found, args.timeout)  # until the list is read, or the drop has ended
        with console.busy():
            found = session.drop_with_archives(args.name)
    if isinstance(found, Batch):
        return found
    # Confirmed only after the list is read: it says what is deleted.
    outcome = console.settle(limited(found, args), yes=args.yes, confirm=args.confirm)
    if isinstance(outcome, Batch) and args.wait:
        return console.face.wait(outcome, args.timeout)
    return outcome


VERB = Verb(
    name="drop",
    summary="delete a vault, empty or with its archives",
    run=_run,
    configure=_configure,
    examples=(("drop old", ""), ("drop old --with-archives --max-cost 0", ""), ("drop old --stop", "")),
    details=(
        "The service deletes a vault only if its last inventory shows no archives and nothing was "
        "written since. --with-archives lists the archives, asks for a confirmation, deletes them, "
        "waits for the next inventory, and deletes the vault. It continues while a session is "
        "open, and stops if an archive is added."
    ),
)
