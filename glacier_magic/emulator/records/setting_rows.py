"""Settings of vaults and accounts: tags, locks, the retrieval policy and capacity."""

from __future__ import annotations

import calendar
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from glacier_magic.emulator import dates, ids, service_errors, service_limits
from glacier_magic.emulator.records.vault_rows import StoredVault

FREE_A_DAY = (10 << 30) // 30
"""Bytes per day that ``FreeTier`` allows: 10 GiB a month, prorated (UNCONFIRMED)."""


def tags(connection: sqlite3.Connection, vault: StoredVault) -> dict[str, str]:
    """Return the tags of a vault."""
    rows = connection.execute("SELECT key, value FROM tags WHERE vault = ?", (vault.id,))
    return {row["key"]: row["value"] for row in rows}


def add_tags(connection: sqlite3.Connection, vault: StoredVault, added: dict[str, str]) -> None:
    """Set tags, replacing those with the same keys."""
    if len(tags(connection, vault) | added) > service_limits.TAGS:  # a key that is replaced counts once
        raise service_errors.limit_exceeded(
            "The quota for the number of tags that can be assigned to this resource has been reached."
        )
    connection.executemany(
        "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
        [(vault.id, key, value) for key, value in added.items()],
    )


def remove_tags(connection: sqlite3.Connection, vault: StoredVault, keys: list[str]) -> None:
    """Remove tags; unknown keys are no error."""
    connection.executemany("DELETE FROM tags WHERE vault = ? AND key = ?", [(vault.id, key) for key in keys])


@dataclass(frozen=True, slots=True)
class StoredLock:
    """A vault lock; without *expires* it is complete and permanent."""

    policy: str
    lock_id: str
    created: int
    expires: int | None

    @property
    def state(self) -> str:
        """``InProgress`` or ``Locked``."""
        return "Locked" if self.expires is None else "InProgress"


def lock(connection: sqlite3.Connection, vault: StoredVault, now: int) -> StoredLock | None:
    """Return the lock of a vault, unless it expired before it was completed."""
    row = connection.execute(
        "SELECT lock_policy, lock_id, lock_created, lock_expires FROM vaults"
        " WHERE id = ? AND lock_policy IS NOT NULL AND coalesce(lock_expires, ?) > ?",
        (vault.id, now + 1, now),  # a complete lock has no end: now + 1 stands for it
    ).fetchone()
    return None if row is None else StoredLock(*row)


def policies(connection: sqlite3.Connection, vault: StoredVault, now: int) -> list[str]:
    """Return the policies in force: the access policy, and that of a lock, complete or not."""
    (access,) = connection.execute("SELECT access_policy FROM vaults WHERE id = ?", (vault.id,)).fetchone()
    found = lock(connection, vault, now)
    return [text for text in (access, found and found.policy) if text]


def set_lock(connection: sqlite3.Connection, vault: StoredVault, new: StoredLock | None) -> None:
    """Set or (None) remove the lock of a vault."""
    values = (None, None, None, None) if new is None else (new.policy, new.lock_id, new.created, new.expires)
    connection.execute(
        "UPDATE vaults SET lock_policy = ?, lock_id = ?, lock_created = ?, lock_expires = ? WHERE id = ?",
        (*values, vault.id),
    )


def retrieval_policy(connection: sqlite3.Connection, account: str, region: str) -> tuple[str, int | None]:
    """Return the strategy of the data retrieval policy and its bytes per hour."""
    row = connection.execute(
        "SELECT strategy, bytes_per_hour FROM retrieval_policies WHERE account = ? AND region = ?",
        (account, region),
    ).fetchone()
    # No limit, as for an account that never set one.
    return ("None", None) if row is None else (row[0], row[1])


def enforce(connection: sqlite3.Connection, vault: StoredVault, size: int, now: int) -> None:
    """Raise if a Standard retrieval of *size* bytes exceeds the policy.

    The service does not publish how it computes a job's rate; the emulator divides the job's bytes
    by the hours it takes.
    """
    strategy, allowed = retrieval_policy(connection, vault.account, vault.region)
    if strategy == "FreeTier":
        since = now - now % service_limits.DAY  # midnight UTC, as 1970 began at one
        if _retrieved(connection, vault, "jobs.created >= ?", since) + size > FREE_A_DAY:
            raise service_errors.policy_enforced()
    if strategy == "BytesPerHour" and allowed is not None:
        # Notified = 0 selects the index of running jobs.
        running = _retrieved(connection, vault, "completes > ? AND notified = 0", now)
        # In integers: limits up to 2**63-1 are no exact floats.
        if (running + size) * service_limits.HOUR > allowed * service_limits.RETRIEVAL["Standard"]:
            raise service_errors.policy_enforced()


def _retrieved(connection: sqlite3.Connection, vault: StoredVault, condition: str, time: int) -> int:
    (size,) = connection.execute(
        "SELECT total(range_end - range_start + 1) FROM jobs JOIN vaults ON vaults.id = jobs.vault"
        f" WHERE tier = 'Standard' AND account = ? AND region = ? AND {condition}",
        (vault.account, vault.region, time),
    ).fetchone()
    return int(size)


def buy_capacity(connection: sqlite3.Connection, account: str, region: str, now: int) -> str:
    """Buy a unit of provisioned capacity for a month; return its id."""
    if len(capacity(connection, account, region, now)) >= service_limits.CAPACITY_UNITS:
        raise service_errors.limit_exceeded(
            f"The limit of {service_limits.CAPACITY_UNITS} provisioned capacity units has been reached."
        )
    capacity_id = ids.capacity_id()
    connection.execute(
        "INSERT INTO capacity (account, region, capacity_id, starts, expires) VALUES (?, ?, ?, ?, ?)",
        (account, region, capacity_id, now, month_later(now)),
    )
    return capacity_id


def capacity(connection: sqlite3.Connection, account: str, region: str, now: int) -> list[dict[str, str]]:
    """Return the units that have not expired, as ListProvisionedCapacity shows them."""
    rows = connection.execute(
        "SELECT capacity_id, starts, expires FROM capacity"
        " WHERE account = ? AND region = ? AND expires > ? ORDER BY id",
        (account, region, now),
    )
    return [
        {
            "CapacityId": row["capacity_id"],
            "StartDate": dates.iso(row["starts"]),
            "ExpirationDate": dates.iso(row["expires"]),
        }
        for row in rows
    ]


def month_later(time: int) -> int:
    """Return the same second a month later; the 31st becomes the last day of a shorter month."""
    start = datetime.fromtimestamp(time // 1000, UTC)
    year, month = start.year + start.month // 12, start.month % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp()) * 1000
