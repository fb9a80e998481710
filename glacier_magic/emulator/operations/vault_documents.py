"""The documents of a vault that are set, returned and removed as a whole."""

from __future__ import annotations

from glacier_magic.emulator import service_errors
from glacier_magic.emulator.http import Response
from glacier_magic.emulator.service import Call


def document(call: Call, column: str, missing: str) -> str:
    """Return the ``notification`` or ``access_policy`` of the vault, or raise 404 with *missing*."""
    with call.store.read() as connection:
        vault = call.vault(connection)
        # The column is a constant of the caller, never a client's text.
        (text,) = connection.execute(f"SELECT {column} FROM vaults WHERE id = ?", (vault.id,)).fetchone()
    if text is None:
        raise service_errors.not_found(f"{missing}: {vault.arn}")
    return str(text)


def set_document(call: Call, column: str, text: str | None) -> Response:
    """Set or (None) remove the ``notification`` or ``access_policy`` of the vault."""
    with call.store.write() as connection:
        vault = call.vault(connection)
        connection.execute(f"UPDATE vaults SET {column} = ? WHERE id = ?", (text, vault.id))
    return Response(204)
