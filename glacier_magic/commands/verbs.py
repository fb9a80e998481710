"""All verbs, in the order in which help lists them."""

from __future__ import annotations

from . import (
    account,
    archives,
    costs,
    emulation,
    hashing,
    importing,
    peeking,
    retrieval,
)
from .grammar import Verb

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        *account.VERBS,
        *archives.VERBS,
        *retrieval.VERBS,
        *peeking.VERBS,
        *hashing.VERBS,
        *costs.VERBS,
        *importing.VERBS,
        *emulation.VERBS,
    )
}
