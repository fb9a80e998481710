"""Vault locks in progress: the lock id that completes one, which the service reports only once."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..storage.database import Database, Scope


@dataclass(frozen=True, kw_only=True)
class LockRecord:
    """A lock initiated by this catalogue: its id and policy; times in milliseconds since 1970."""

    vault: str
    lock_id: str
    policy: str
    started: int
    expires: int


_COLUMNS = ", ".join(field.name for field in fields(LockRecord))


class Locks:
    """The locks of one account and region that this catalogue initiated, the newest of each vault."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = {"account": scope.account, "region": scope.region}

    def record(self, lock: LockRecord) -> None:
        """Store a lock in place of the vault's earlier one."""
        self._database.execute(
            f"INSERT INTO vault_locks(account, region, {_COLUMNS}) "
            "VALUES(:account, :region, :vault, :lock_id, :policy, :started, :expires) "
            # A vault has at most one lock in progress, so that an older id completes nothing.
            "ON CONFLICT(account, region, vault) DO UPDATE SET lock_id=excluded.lock_id, "
            "policy=excluded.policy, started=excluded.started, expires=excluded.expires",
            {**self._key, **vars(lock)},
        )

    def of(self, vault: str) -> LockRecord | None:
        """Return the last lock initiated for a vault, or None."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM vault_locks WHERE account=:account AND region=:region AND vault=:vault",
            {**self._key, "vault": vault},
        )
        return None if row is None else LockRecord(**dict(row))

    def forget(self, vault: str) -> None:
        """Delete the record of a vault's lock."""
        self._database.execute(
            "DELETE FROM vault_locks WHERE account=:account AND region=:region AND vault=:vault",
            {**self._key, "vault": vault},
        )
