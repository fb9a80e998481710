"""All verbs, in the groups of the help."""

from __future__ import annotations

from . import (
    access,
    capacity,
    catalogue,
    connect,
    cost,
    create,
    deletions,
    diff,
    drop,
    drops,
    du,
    duplicates,
    emulator,
    explore,
    find,
    hash_,
    history,
    import_,
    inventory,
    jobs,
    lock,
    ls,
    notify,
    peek,
    policy,
    rate,
    restore,
    rm,
    run,
    status,
    tags,
    upload,
    uploads,
    use,
    vaults,
    verify,
    wait,
    why,
)
from .grammar import Verb

GROUPS: dict[str, tuple[Verb, ...]] = {
    "Connection and vaults": (status.VERB, connect.VERB, vaults.VERB, create.VERB, use.VERB),
    "Contents": (
        inventory.VERB,
        ls.VERB,
        find.VERB,
        du.VERB,
        duplicates.VERB,
        diff.VERB,
        explore.VERB,
        peek.VERB,
        import_.VERB,
    ),
    "Upload": (upload.VERB, uploads.VERB, rate.VERB),
    "Restore": (restore.VERB, run.VERB, jobs.VERB, wait.VERB, history.VERB),
    "Delete": (rm.VERB, deletions.VERB, drop.VERB, drops.VERB),
    "Verify": (hash_.VERB, verify.VERB),
    "Costs": (cost.VERB, policy.VERB, capacity.VERB),
    "Vault settings": (tags.VERB, access.VERB, lock.VERB, notify.VERB),
    "This program": (catalogue.VERB, why.VERB, emulator.VERB),
}

VERBS: dict[str, Verb] = {verb.name: verb for group in GROUPS.values() for verb in group}
