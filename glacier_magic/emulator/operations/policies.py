"""The access policy and the lock of a vault; :mod:`~glacier_magic.emulator.authorization` enforces them."""

from __future__ import annotations

from dataclasses import replace

from glacier_magic.emulator import dates, ids, policy_language, service_errors, service_limits
from glacier_magic.emulator.http import Response, json_response
from glacier_magic.emulator.operations import request_fields
from glacier_magic.emulator.operations.vault_documents import document, set_document
from glacier_magic.emulator.records import setting_rows
from glacier_magic.emulator.records.setting_rows import StoredLock
from glacier_magic.emulator.service import Call, operation


def _policy(call: Call, kind: str) -> str:
    """Return the policy in the body: a JSON object written as a string, of up to 20 KB.

    :param kind: what the message calls it (UNCONFIRMED for an access policy).
    """
    text = request_fields.required_text(call.request.json(), "Policy")
    try:
        if len(text.encode()) > service_limits.POLICY_BYTES:
            raise ValueError(f"it is longer than {service_limits.POLICY_BYTES} bytes")
        policy_language.parse(text)
    except ValueError as reason:
        error = service_errors.invalid(f"The specified {kind} is invalid. Provide a valid policy.")
        error.headers["x-emulator-hint"] = str(reason)
        raise error from None
    return text


@operation("PUT", "vaults/*vault/access-policy")
def set_vault_access_policy(call: Call) -> Response:
    """Set the vault's access policy."""
    return set_document(call, "access_policy", _policy(call, "vault access policy"))


@operation("GET", "vaults/*vault/access-policy")
def get_vault_access_policy(call: Call) -> Response:
    """Return the access policy, or 404 without one."""
    return json_response({"Policy": document(call, "access_policy", "No vault access policy is set for")})


@operation("DELETE", "vaults/*vault/access-policy")
def delete_vault_access_policy(call: Call) -> Response:
    """Remove the access policy; removing none is no error."""
    return set_document(call, "access_policy", None)


@operation("POST", "vaults/*vault/lock-policy")
def initiate_vault_lock(call: Call) -> Response:
    """Start a vault lock; it expires after a day unless it is completed."""
    text = _policy(call, "vault lock policy")
    with call.store.write() as connection:
        vault, now = call.vault(connection), call.clock.now()
        found = setting_rows.lock(connection, vault, now)
        if found is not None:  # documented for a lock in progress, assumed for a complete one
            raise service_errors.access_denied(f"The vault lock is already {found.state}: {vault.arn}")
        lock_id = ids.lock_id()
        new = StoredLock(text, lock_id, now, now + service_limits.LOCK_LIFE)
        setting_rows.set_lock(connection, vault, new)
    return Response(201, {"x-amz-lock-id": lock_id})


@operation("POST", "vaults/*vault/lock-policy/*lock")
def complete_vault_lock(call: Call) -> Response:
    """Make the lock permanent; repeating the call with the same id is no error."""
    with call.store.write() as connection:
        vault = call.vault(connection)
        found = setting_rows.lock(connection, vault, call.clock.now())
        if found is None:
            raise service_errors.not_found(f"No vault lock policy is set for: {vault.arn}")
        if found.lock_id != call.names["lock"]:  # documented: denied once locked, an invalid value before
            if found.state == "Locked":
                raise service_errors.access_denied(f"The vault is locked: {vault.arn}")
            raise service_errors.invalid(f"Invalid lock ID: {call.names['lock']}")
        setting_rows.set_lock(connection, vault, replace(found, expires=None))
    return Response(204)


@operation("DELETE", "vaults/*vault/lock-policy")
def abort_vault_lock(call: Call) -> Response:
    """Remove a lock in progress; removing none is no error, removing a completed one is."""
    with call.store.write() as connection:
        vault = call.vault(connection)
        found = setting_rows.lock(connection, vault, call.clock.now())
        if found is not None and found.state == "Locked":
            raise service_errors.access_denied(f"The vault is locked: {vault.arn}")
        setting_rows.set_lock(connection, vault, None)
    return Response(204)


@operation("GET", "vaults/*vault/lock-policy")
def get_vault_lock(call: Call) -> Response:
    """Return the lock and its state, or 404 without one."""
    with call.store.read() as connection:
        vault = call.vault(connection)
        found = setting_rows.lock(connection, vault, call.clock.now())
    if found is None:
        raise service_errors.not_found(f"No vault lock policy is set for: {vault.arn}")
    return json_response(
        {
            "CreationDate": dates.iso(found.created),
            "ExpirationDate": dates.iso_or_none(found.expires),
            "Policy": found.policy,
            "State": found.state,
        }
    )
