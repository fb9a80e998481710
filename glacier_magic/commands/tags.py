"""A vault's tags."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb


def _configure(parser: Parser) -> None:
    parser.add_argument("words", nargs="*", metavar="VAULT KEY=VALUE", help="the vault, and tags to set")
    parser.add_argument("--remove", nargs="+", default=[], metavar="KEY", help="tags to remove")


def _run(console: Console, args: Namespace) -> Any:
    named = args.words[:1] if args.words and "=" not in args.words[0] else []  # a vault name has no "="
    tags = console.vault(named[0] if named else None).tags()
    add: dict[str, str] = {}
    for word in args.words[len(named) :]:
        key, sign, value = word.partition("=")
        if not sign:
            raise InputError(f"{word!r} is not a tag", cure="Write KEY=VALUE, after the vault.")
        if add.setdefault(key, value) != value:  # the dict would keep one of them silently
            raise InputError(f"The tag {key!r} is given twice", cure="Choose one value.")
    return tags.change(add, args.remove) if add or args.remove else tags


VERB = Verb(
    name="tags",
    summary="show or change the tags of a vault",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("tags photos", ""), ("tags photos owner=ann --remove draft", "")),
    details=("A key that contains = or begins with - can be set from Python: vault.tags().change(...)."),
)
