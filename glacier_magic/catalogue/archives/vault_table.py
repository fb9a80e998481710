"""The vaults that the catalogue has rows of, each with a small number of its own."""

from __future__ import annotations

from dataclasses import dataclass

from ..storage.database import Database, Scope


@dataclass(frozen=True)
class KnownVault:
    """A vault's number, and the ordinal of the last inventory that was read to its end."""

    id: int
    current: int


def find(database: Database, scope: Scope, vault: str) -> KnownVault | None:
    """Return a vault that the catalogue knows, or None."""
    row = database.row(
        "SELECT id, current FROM vaults WHERE account=? AND region=? AND vault=?",
        (scope.account, scope.region, vault),
    )
    return None if row is None else KnownVault(row["id"], row["current"])


def known(database: Database, scope: Scope, vault: str) -> KnownVault:
    """Return a vault; write it where it is new."""
    found = find(database, scope, vault)
    if found is None:
        database.execute(
            "INSERT INTO vaults(account, region, vault) VALUES(?,?,?) "
            "ON CONFLICT(account, region, vault) DO NOTHING",
            (scope.account, scope.region, vault),
        )
        found = find(database, scope, vault)
    if found is None:
        raise LookupError(vault)
    return found
