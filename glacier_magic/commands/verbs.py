"""All verbs, in the order in which help lists them."""

from __future__ import annotations

from . import (
    account,
    administration,
    archives,
    browsing,
    cataloguing,
    costs,
    deleting,
    emulation,
    exploring,
    hashing,
    importing,
    notifying,
    peeking,
    planning,
    retrieval,
    settings,
)
from .grammar import Verb

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        *account.VERBS,
        *archives.VERBS,
        *browsing.VERBS,
        *exploring.VERBS,
        *retrieval.VERBS,
        *planning.VERBS,
        *deleting.VERBS,
        *peeking.VERBS,
        *hashing.VERBS,
        *costs.VERBS,
        *importing.VERBS,
        *cataloguing.VERBS,
        *administration.VERBS,
        *settings.VERBS,
        *notifying.VERBS,
        *emulation.VERBS,
    )
}
