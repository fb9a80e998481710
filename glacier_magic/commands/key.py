"""Keys for encrypted archives."""

from __future__ import annotations

import shlex
from argparse import Namespace

from ..administration.saving import save_new
from ..errors import InputError
from ..errors.steps import step
from ..packs.encryption import Identity
from .console import Console
from .grammar import Parser, Verb


def _configure(parser: Parser) -> None:
    parser.add_argument("action", metavar="new", help="make a key")
    parser.add_argument("file", metavar="FILE", help="a new file for the secret half")


def _run(console: Console, args: Namespace) -> str:
    if args.action != "new":
        makes = f"{step('key', 'new FILE')} makes a key."
        raise InputError(f"key has no action {args.action!r}", cure=makes)
    identity = Identity.new()
    file = save_new(args.file, identity.file())
    console.face.note(
        f"{file} has the secret half. What is encrypted for the recipient below cannot be read without it: "
        "keep a copy in another place. This program is not needed for that: "
        f"age -d -i {shlex.quote(str(file))} PACK | zstd -d | tar x"
    )
    return identity.recipient


VERB = Verb(
    name="key",
    summary="make a key for encrypted archives",
    run=_run,
    configure=_configure,
    examples=(("key new ~/glacier.key", "prints the recipient, which is public"),),
    details=(
        "The file is an identity of age (age-encryption.org), readable by its owner only; no file is "
        "overwritten. The secret is not shown: a notebook saves its outputs. Needs the extra backup: "
        "pip install 'glacier_magic[backup]'."
    ),
)
