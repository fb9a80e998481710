"""Vaults and their inventories."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from glacier_magic.emulator import dates, service_errors, service_limits

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")


class StoredInventory(NamedTuple):
    """The state of a vault at *date*, or no inventory yet."""

    date: int | None
    archives: int
    size: int


@dataclass(frozen=True, slots=True)
class StoredVault:
    """A vault as it is, and as its last inventory saw it."""

    id: int
    account: str
    region: str
    name: str
    created: int
    changed: int | None
    live_count: int
    live_size: int
    inventory_date: int | None
    inventory_count: int
    inventory_size: int

    @property
    def arn(self) -> str:
        """The vault's ARN."""
        return vault_arn(self.account, self.region, self.name)

    def inventory(self, now: int) -> StoredInventory:
        """Return the latest inventory at *now*.

        One is made at the first daily inventory time after a change, and none without a change.
        Every change first records the inventory that was due before it, so once the inventory time
        has passed, the live numbers are those of that time.
        """
        if self.changed is not None:
            due = next_inventory(self.changed)  # the first inventory after the last change
            if due <= now:
                return StoredInventory(due, self.live_count, self.live_size)
        return StoredInventory(self.inventory_date, self.inventory_count, self.inventory_size)

    def describe(self, now: int) -> dict[str, object]:
        """Return the object of DescribeVault and ListVaults."""
        inventory = self.inventory(now)
        return {
            "CreationDate": dates.iso(self.created),
            "LastInventoryDate": dates.iso_or_none(inventory.date),
            "NumberOfArchives": inventory.archives,
            "SizeInBytes": inventory.size,
            "VaultARN": self.arn,
            "VaultName": self.name,
        }


_COLUMNS = """id, account, region, name, created, changed, live_count, live_size,
    inventory_date, inventory_count, inventory_size"""


def partition(region: str) -> str:
    """Return the partition of *region*, as ARNs contain it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def vault_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a vault."""
    return f"arn:{partition(region)}:glacier:{region}:{account}:vaults/{name}"


def is_name(name: str) -> bool:
    """Tell whether *name* may be a vault's."""
    return _NAME.fullmatch(name) is not None


def next_inventory(now: int) -> int:
    """Return the first time after *now* at which inventories are made."""
    day = (now - service_limits.INVENTORY_TIME) // service_limits.DAY + 1
    return day * service_limits.DAY + service_limits.INVENTORY_TIME


def find(connection: sqlite3.Connection, account: str, region: str, name: str) -> StoredVault | None:
    """Return the vault of that name, or None."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM vaults WHERE account = ? AND region = ? AND name = ? AND deleted IS NULL",
        (account, region, name),
    ).fetchone()
    return None if row is None else StoredVault(*row)


def by_key(connection: sqlite3.Connection, key: int) -> StoredVault:
    """Return a vault by its row."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM vaults WHERE id = ?", (key,)).fetchone()
    return StoredVault(*row)


def get(connection: sqlite3.Connection, account: str, region: str, name: str) -> StoredVault:
    """Return the vault of that name, or raise the service's 404."""
    vault = find(connection, account, region, name) if is_name(name) else None
    if vault is None:
        # An illegal name as sent, as the service does.
        arn = vault_arn(account, region, name) if is_name(name) else name
        raise service_errors.not_found(f"Vault not found for ARN: {arn}")
    return vault


def page(
    connection: sqlite3.Connection, account: str, region: str, first: str, limit: int
) -> list[StoredVault]:
    """Return at most *limit* vaults by ASCII name, starting at the name *first*."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM vaults"
        # SQLite compares bytes, so this is the ASCII order of the service.
        " WHERE account = ? AND region = ? AND name >= ? AND deleted IS NULL ORDER BY name LIMIT ?",
        (account, region, first, limit),
    )
    return [StoredVault(*row) for row in rows]


def create(connection: sqlite3.Connection, account: str, region: str, name: str, now: int) -> None:
    """Create the vault unless it exists."""
    if find(connection, account, region, name) is not None:
        return
    (count,) = connection.execute(
        "SELECT count(*) FROM vaults WHERE account = ? AND region = ? AND deleted IS NULL", (account, region)
    ).fetchone()
    if count >= service_limits.VAULTS:
        raise service_errors.limit_exceeded(f"The limit of {service_limits.VAULTS} vaults has been reached.")
    connection.execute(
        "INSERT INTO vaults (account, region, name, created) VALUES (?, ?, ?, ?)",
        (account, region, name, now),
    )


def delete(connection: sqlite3.Connection, vault: StoredVault, now: int) -> None:
    """Delete the vault if its last inventory is empty and nothing was written since."""
    # The service looks at the inventory, not at the vault: a vault just emptied is refused.
    inventory = vault.inventory(now)
    written = vault.changed is not None and vault.changed >= (inventory.date or 0)
    if inventory.archives or written:
        raise service_errors.invalid(f"Vault not empty or recently written to: {vault.arn}")
    # The row stays for its jobs.
    connection.execute("UPDATE vaults SET deleted = ? WHERE id = ?", (now, vault.id))
    connection.execute("DELETE FROM tags WHERE vault = ?", (vault.id,))


def record_change(
    connection: sqlite3.Connection, vault: StoredVault, now: int, count: int, size: int
) -> None:
    """Add *count* archives of *size* bytes in total (negative when deleted) to the vault's figures."""
    inventory = vault.inventory(now)
    connection.execute(
        "UPDATE vaults SET changed = ?, live_count = live_count + ?, live_size = live_size + ?,"
        " inventory_date = ?, inventory_count = ?, inventory_size = ? WHERE id = ?",
        # The inventory due before this change.
        (now, count, size + count * service_limits.OVERHEAD, *inventory, vault.id),
    )
