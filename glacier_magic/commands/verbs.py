"""All verbs, in the order in which help lists them."""

from __future__ import annotations

from . import (
    account,
    archives,
    costs,
    emulation,
    exploring,
    hashing,
    importing,
    retrieval,
)
from .grammar import Verb

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        *account.VERBS,
        *archives.VERBS,
        *exploring.VERBS,
        *retrieval.VERBS,
        *hashing.VERBS,
        *costs.VERBS,
        *importing.VERBS,
        *emulation.VERBS,
    )
}
