"""Choosing the vault of later verbs."""

from __future__ import annotations

from .grammar import Verb
from .options import vault_word

VERB = Verb(
    name="use",
    summary="use a vault for the verbs that follow",
    run=lambda console, args: console.use(args.name),
    configure=vault_word,
    examples=(("use photos", ""),),
)
