"""All verbs, in the groups of the help.  The module of a verb is imported when the verb is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from .grammar import Verb

GROUPS: dict[str, tuple[str, ...]] = {
    "Connection and vaults": ("", "connect", "vaults", "create", "use"),
    "Contents": ("inventory", "ls", "find", "du", "duplicates", "diff", "explore", "peek", "label", "import"),
    "Upload": ("upload", "uploads", "rate"),
    "Restore": ("restore", "run", "jobs", "wait", "watch", "unpack", "history"),
    "Move to S3": ("migrate", "migrations"),
    "Delete": ("rm", "deletions", "drop", "drops"),
    "Verify": ("hash", "verify"),
    "Backup": ("backup", "snapshots", "recover", "prune", "check", "adopt", "key", "pack"),
    "Costs": ("cost", "policy", "capacity"),
    "Vault settings": ("tags", "access", "lock", "notify"),
    "This program": ("catalogue", "why", "emulator"),
}
"""The names of the verbs; ``""`` is the status."""

_MODULES = {"": "status", "import": "import_", "hash": "hash_", "run": "run_"}
"""Modules that do not have the name of their verb: a keyword or a function has it."""


class _Verbs(Mapping[str, Verb]):
    """The verbs by name."""

    def __getitem__(self, name: str) -> Verb:
        if name not in set(self):
            raise KeyError(name)
        verb: Verb = import_module(f".{_MODULES.get(name, name)}", __package__).VERB
        return verb

    def __iter__(self) -> Iterator[str]:
        return (name for names in GROUPS.values() for name in names)

    def __len__(self) -> int:
        return sum(map(len, GROUPS.values()))


VERBS: Mapping[str, Verb] = _Verbs()
