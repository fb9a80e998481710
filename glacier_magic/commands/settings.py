"""What is set on a vault: tags, the access policy, the lock."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..administration import AccessPolicy, Lock
from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb


def _configure_tags(parser: Parser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="VAULT KEY=VALUE", help="the vault, and tags to set"
    )
    parser.add_argument("--remove", nargs="+", default=[], metavar="KEY", help="tags to remove")


def _tags(console: Console, args: Namespace) -> Any:
    named = args.words[:1] if args.words and "=" not in args.words[0] else []
    tags = console.vault(named[0] if named else None).tags()
    add: dict[str, str] = {}
    for word in args.words[len(named) :]:
        key, sign, value = word.partition("=")
        if not sign:
            raise InputError(f"{word!r} is no tag", cure="Write KEY=VALUE, the vault before it.")
        if add.setdefault(key, value) != value:
            raise InputError(f"The tag {key!r} is given twice", cure="Choose one value.")
    return tags.change(add, args.remove) if add or args.remove else tags


def _yes(parser: Parser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def _save(parser: Parser) -> None:
    parser.add_argument(
        "--save", metavar="FILE", help="write the policy there as it is, account ids and all"
    )


def _configure_access(parser: Parser) -> None:
    parser.add_argument("vault", nargs="?", metavar="VAULT", help="the vault (the one in use)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--set", metavar="FILE", help="a JSON file with the new policy")
    which.add_argument("--remove", action="store_true", help="remove the policy")
    _save(parser)
    _yes(parser)


def _access(console: Console, args: Namespace) -> Any:
    access = console.vault(args.vault).policy()
    _saved(console, access, args.save)
    if args.set is not None:
        return console.settle(access.set_file(args.set), yes=args.yes)
    if args.remove:
        return console.settle(access.remove(), yes=args.yes)
    return access


def _saved(console: Console, policy: AccessPolicy | Lock, file: str | None) -> None:
    if file is not None:
        console.face.note(f"Written to {policy.save(file)}.")


def _configure_lock(parser: Parser) -> None:
    parser.add_argument("vault", metavar="VAULT", help="the vault")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--policy", metavar="FILE", help="put this policy on trial for 24 hours")
    which.add_argument(
        "--complete", action="store_true", help="make the one on trial last FOR EVER"
    )
    which.add_argument("--abort", action="store_true", help="take the one on trial away")
    parser.add_argument(
        "--lock-id", metavar="ID", help="with --complete: of a lock that was begun elsewhere"
    )
    parser.add_argument(
        "--confirm", metavar="VAULT", help="with --complete: the vault's name, instead of typing it"
    )
    _save(parser)
    _yes(parser)


def _lock(console: Console, args: Namespace) -> Any:
    if not args.complete and (args.lock_id, args.confirm) != (None, None):
        raise InputError("--lock-id and --confirm go with --complete", cure="")
    lock = console.vault(args.vault).lock()
    _saved(console, lock, args.save)
    if args.policy is not None:
        return console.settle(lock.initiate_file(args.policy), yes=args.yes)
    if args.complete:
        plan = lock.complete(args.lock_id)
        return console.settle(plan, yes=args.yes, confirm=args.confirm)
    return lock.abort() if args.abort else lock


VERBS = (
    Verb(
        name="tags",
        summary="the tags of a vault",
        run=_tags,
        configure=_configure_tags,
        details="Without tags to set or to remove, those that there are. A key with = in it, "
        "and one that begins with -,\ncan be set from Python: vault.tags().change(...).",
    ),
    Verb(
        name="access",
        summary="whom a vault lets in: its access policy",
        run=_access,
        configure=_configure_access,
        details="What it grants is told in words; account ids are masked, but for --save.",
    ),
    Verb(
        name="lock",
        summary="the lock of a vault: a policy for ever",
        interrupted="%glacier lock shows how far it got.",
        run=_lock,
        configure=_configure_lock,
        details="--policy FILE begins: it holds at once and is gone after 24 hours, or with "
        "--abort. --complete within\nthat time makes it last for ever, for everybody; that is "
        "asked for by typing the vault's name.",
    ),
)
