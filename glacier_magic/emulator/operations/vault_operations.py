"""CreateVault, DescribeVault, ListVaults and DeleteVault."""

from __future__ import annotations

from glacier_magic.emulator import service_errors, service_limits
from glacier_magic.emulator.http import Response, json_response
from glacier_magic.emulator.operations import request_fields
from glacier_magic.emulator.records import vault_rows
from glacier_magic.emulator.service import Call, operation


@operation("PUT", "vaults/*vault")
def create_vault(call: Call) -> Response:
    """Create a vault; creating it again succeeds and changes nothing."""
    name = call.names["vault"]
    if not vault_rows.is_name(name):
        raise service_errors.invalid(f"Invalid vault name: {name}")  # text UNCONFIRMED
    with call.store.write() as connection:
        vault_rows.create(connection, call.account, call.region, name, call.clock.now())
    return Response(201, {"Location": call.location()})


@operation("GET", "vaults/*vault")
def describe_vault(call: Call) -> Response:
    """Describe a vault, with the figures of its last inventory."""
    with call.store.read() as connection:
        vault = call.vault(connection)
    return json_response(vault.describe(call.clock.now()))


@operation("GET", "vaults")
def list_vaults(call: Call) -> Response:
    """List at most 10 vaults by ASCII name; the marker is the ARN of the next one."""
    limit = request_fields.limit(call.request, service_limits.VAULT_PAGE)
    first = _first_name(call)  # part of the page, as in the documentation's example; its text excludes it
    with call.store.read() as connection:
        # One more shows whether there is a next page.
        found = vault_rows.page(connection, call.account, call.region, first, limit + 1)
    now = call.clock.now()
    marker = found[limit].arn if len(found) > limit else None
    shown = [vault.describe(now) for vault in found[:limit]]
    return json_response({"Marker": marker, "VaultList": shown})


def _first_name(call: Call) -> str:
    marker = call.request.query.get("marker", "")
    prefix = vault_rows.vault_arn(call.account, call.region, "")
    if marker and not marker.startswith(prefix):
        raise service_errors.invalid(f"Invalid marker: {marker}")
    return marker.removeprefix(prefix)


@operation("DELETE", "vaults/*vault")
def delete_vault(call: Call) -> Response:
    """Delete an empty vault; deleting one that does not exist is no error."""
    with call.store.write() as connection:
        name = call.names["vault"]
        vault = vault_rows.find(connection, call.account, call.region, name)
        if vault is not None:
            vault_rows.delete(connection, vault, call.clock.now())
    return Response(204)
