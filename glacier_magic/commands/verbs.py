"""All verbs, in the order in which help lists them."""

from __future__ import annotations

from . import (
    account,
    administration,
    archives,
    costs,
    emulation,
    hashing,
    importing,
    notifying,
    retrieval,
    settings,
)
from .grammar import Verb

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        *account.VERBS,
        *archives.VERBS,
        *retrieval.VERBS,
        *hashing.VERBS,
        *costs.VERBS,
        *importing.VERBS,
        *administration.VERBS,
        *settings.VERBS,
        *notifying.VERBS,
        *emulation.VERBS,
    )
}
