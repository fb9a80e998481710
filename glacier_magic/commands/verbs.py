"""All verbs, in the groups of the help."""

from __future__ import annotations

from importlib import import_module

from .grammar import Verb


def _verbs(modules: str) -> tuple[Verb, ...]:
    # import_ and hash_: a keyword and a function of Python have these names.
    return tuple(import_module(f".{module}", __package__).VERB for module in modules.split())


GROUPS: dict[str, tuple[Verb, ...]] = {
    "Connection and vaults": _verbs("status connect vaults create use"),
    "Contents": _verbs("inventory ls find du duplicates diff explore peek import_"),
    "Upload": _verbs("upload uploads rate"),
    "Restore": _verbs("restore run jobs wait history"),
    "Delete": _verbs("rm deletions drop drops"),
    "Verify": _verbs("hash_ verify"),
    "Costs": _verbs("cost policy capacity"),
    "Vault settings": _verbs("tags access lock notify"),
    "This program": _verbs("catalogue why emulator"),
}

VERBS: dict[str, Verb] = {verb.name: verb for group in GROUPS.values() for verb in group}
