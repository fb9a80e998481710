"""SetVaultNotifications, GetVaultNotifications and DeleteVaultNotifications."""

from __future__ import annotations

import json

from glacier_magic.emulator import service_errors
from glacier_magic.emulator.http import Response, json_response
from glacier_magic.emulator.operations import request_fields
from glacier_magic.emulator.operations.vault_documents import document, set_document
from glacier_magic.emulator.service import Call, operation

EVENTS = frozenset({"ArchiveRetrievalCompleted", "InventoryRetrievalCompleted"})


@operation("PUT", "vaults/*vault/notification-configuration")
def set_vault_notifications(call: Call) -> Response:
    """Set the vault's topic and the events published to it."""
    content = call.request.json()
    topic, events = request_fields.required_text(content, "SNSTopic"), content.get("Events")
    if not isinstance(events, list) or not events:
        raise service_errors.missing_header("Events")
    if not topic.startswith("arn:"):  # the form alone: the service checks no permission to publish
        raise service_errors.invalid(f"Invalid SNS topic ARN: {topic}")
    for event in events:
        if event not in EVENTS:
            raise service_errors.invalid(f"Invalid notification event: {event}")  # text UNCONFIRMED
    return set_document(call, "notification", json.dumps({"Events": events, "SNSTopic": topic}))


@operation("GET", "vaults/*vault/notification-configuration")
def get_vault_notifications(call: Call) -> Response:
    """Return the configuration, or 404 without one."""
    text = document(call, "notification", "No notification configuration is set for vault")
    return json_response(json.loads(text))


@operation("DELETE", "vaults/*vault/notification-configuration")
def delete_vault_notifications(call: Call) -> Response:
    """Remove the configuration; removing none is no error."""
    return set_document(call, "notification", None)
