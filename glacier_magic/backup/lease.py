"""One process at a time works on a set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..catalogue.records.backup_rows import BackupSet
from ..errors import Unavailable
from ..transfer.engine import Engine, renewing


@contextmanager
def leased(engine: Engine, found: BackupSet) -> Iterator[None]:
    """Hold a set while the block runs.

    :raises Unavailable: another process has it.
    """
    leases, owner = engine.catalogue.backups.leases, engine.owner
    engine.catalogue.database.release_dead()  # a killed process leaves its lease
    if not leases.claim(found.id, owner):
        raise Unavailable(
            f"Another process backs up or prunes {found.name!r} now", cure="Wait until it has ended."
        )
    try:
        with renewing(lambda: leases.renew(found.id, owner), engine.limits.lease_renewal):
            yield
    finally:
        leases.release(found.id, owner)
