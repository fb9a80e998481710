"""SetVaultNotifications, GetVaultNotifications and DeleteVaultNotifications."""

from __future__ import annotations

import json

from glacier_magic.emulator import service_errors
from glacier_magic.emulator.http import Response, json_response
from glacier_magic.emulator.operations import request_fields
from glacier_magic.emulator.records import setting_rows
from glacier_magic.emulator.service import Call, operation

EVENTS = frozenset({"ArchiveRetrievalCompleted", "InventoryRetrievalCompleted"})


@operation("PUT", "vaults/*vault/notification-configuration")
def set_vault_notifications(call: Call) -> Response:
    """Set the vault's topic and the events published to it."""
    document = call.request.json()
    topic, events = request_fields.required_text(document, "SNSTopic"), document.get("Events")
    if not isinstance(events, list) or not events:
        raise service_errors.missing_header("Events")
    if not topic.startswith("arn:"):
        raise service_errors.invalid(f"Invalid SNS topic ARN: {topic}")
    for event in events:
        if event not in EVENTS:
            raise service_errors.invalid(f"Invalid notification event: {event}")  # text UNCONFIRMED
    text = json.dumps({"Events": events, "SNSTopic": topic})
    with call.store.write() as connection:
        setting_rows.set_document(connection, call.vault(connection), "notification", text)
    return Response(204)


@operation("GET", "vaults/*vault/notification-configuration")
def get_vault_notifications(call: Call) -> Response:
    """Return the configuration, or 404 without one."""
    with call.store.read() as connection:
        vault = call.vault(connection)
        text = setting_rows.document(connection, vault, "notification")
    if text is None:
        raise service_errors.not_found(f"No notification configuration is set for vault: {vault.arn}")
    return json_response(json.loads(text))


@operation("DELETE", "vaults/*vault/notification-configuration")
def delete_vault_notifications(call: Call) -> Response:
    """Remove the configuration; removing none is no error."""
    with call.store.write() as connection:
        setting_rows.set_document(connection, call.vault(connection), "notification", None)
    return Response(204)
