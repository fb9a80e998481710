"""Whether the policies of a vault allow a request."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from glacier_magic.emulator import auth, dates, policy_language, service_errors, service_limits
from glacier_magic.emulator.policy_language import PolicyRequest, Statement
from glacier_magic.emulator.records import archive_rows, setting_rows, vault_rows
from glacier_magic.emulator.records.vault_rows import StoredVault

if TYPE_CHECKING:
    from glacier_magic.emulator.service import Call

_UNTAGGED = ("Abort", "Describe", "Get", "List")
"""Beginnings of the operations for which ``glacier:ResourceTag`` is not documented."""


def check(call: Call, operation: str) -> None:
    """Raise AccessDeniedException if the access policy or the lock of the vault denies a request.

    Neither applies to operations on the account, such as CreateVault.
    """
    if "vault" not in call.names or operation == "CreateVault":
        return
    with call.store.read() as connection:
        vault = vault_rows.find(connection, call.account, call.region, call.names["vault"])
        statements = [] if vault is None else _statements(connection, vault, call.clock.now())
        if vault is None or not statements:
            return
        request = _request(call, connection, vault, operation)
    if policy_language.denies(statements, request):
        raise service_errors.access_denied(
            f"User: {_caller(call)} is not authorized to perform: {request.action}"
            f" on resource: {request.resource} with an explicit deny in a resource-based policy"
        )


def _statements(connection: sqlite3.Connection, vault: StoredVault, now: int) -> list[Statement]:
    found: list[Statement] = []
    for text in setting_rows.policies(connection, vault, now):
        try:
            found += policy_language.parse(text)
        except ValueError:  # stored before policies were checked
            continue
    return found


def _caller(call: Call) -> str:
    """Return the ARN of the caller: the user that is named like the access key, or the root user."""
    given = auth.parse(call.request.headers.get("authorization", ""))
    name = "root" if given is None else f"user/{given.access_key}"
    return f"arn:{vault_rows.partition(call.region)}:iam::{call.account}:{name}"


def _request(call: Call, connection: sqlite3.Connection, vault: StoredVault, operation: str) -> PolicyRequest:
    caller, now = _caller(call), call.clock.now()
    keys = {
        "aws:currenttime": dates.iso(now),
        "aws:epochtime": str(now // service_limits.SECOND),
        "aws:principalaccount": call.account,
        "aws:principalarn": caller,
        "aws:requestedregion": call.region,
        "aws:securetransport": "false",
        "aws:sourceip": call.request.client,
        "aws:useragent": call.request.headers.get("user-agent", ""),
        "aws:username": caller.partition("/")[2],
    }
    return PolicyRequest(
        identities=frozenset((caller, call.account)),
        action=f"glacier:{operation}",
        resource=vault.arn,
        keys=keys | _tags(connection, vault, operation) | _age(call, connection, vault, operation),
    )


def _tags(connection: sqlite3.Connection, vault: StoredVault, operation: str) -> dict[str, str]:
    if operation.startswith(_UNTAGGED):
        return {}
    tags = setting_rows.tags(connection, vault)
    return {f"glacier:resourcetag/{key.lower()}": value for key, value in tags.items()}


def _age(call: Call, connection: sqlite3.Connection, vault: StoredVault, operation: str) -> dict[str, str]:
    archive_id = call.names.get("archive")
    if operation == "InitiateJob":
        archive_id = str(call.request.json().get("ArchiveId"))
    archive = None if archive_id is None else archive_rows.find(connection, archive_id)
    if archive is None or archive.vault != vault.id:
        return {}
    age = (call.clock.now() - archive.created) // service_limits.DAY
    return {"glacier:archiveageindays": str(age)}
