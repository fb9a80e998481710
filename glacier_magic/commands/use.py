"""Choosing the vault of later verbs."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Verb
from .options import vault_word


def _run(console: Console, args: Namespace) -> Any:
    return console.use(args.name)


VERB = Verb(
    name="use",
    summary="use a vault for the verbs that follow",
    run=_run,
    configure=vault_word,
    examples=(("use photos", ""),),
)
