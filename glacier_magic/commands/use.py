"""Choosing the vault of later verbs."""

from __future__ import annotations

from .grammar import Verb
from .options import vault_word

VERB = Verb(
    name="use",
    summary="use a vault, or a bucket of S3, for the verbs that follow",
    run=lambda console, args: console.use(args.name),
    configure=vault_word,
    examples=(("use photos", ""), ("use s3://archive-2026/scans", "a folder of a bucket")),
    details=(
        "The objects of a bucket are listed, restored and verified as archives of a vault; nothing is stored "
        "or deleted in it. It is listed when it is used first; inventory lists it again."
    ),
)
