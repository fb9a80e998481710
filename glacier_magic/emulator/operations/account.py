"""The data retrieval policy and provisioned capacity, which belong to the account."""

from __future__ import annotations

from typing import Any

from glacier_magic.emulator import service_errors
from glacier_magic.emulator.http import Response, json_response
from glacier_magic.emulator.records import setting_rows
from glacier_magic.emulator.service import Call, operation


@operation("GET", "policies/data-retrieval")
def get_data_retrieval_policy(call: Call) -> Response:
    """Return the policy; by default, the one without a limit (body UNCONFIRMED)."""
    with call.store.read() as connection:
        strategy, allowed = setting_rows.retrieval_policy(connection, call.account, call.region)
    rules = [{"BytesPerHour": allowed, "Strategy": strategy}]
    return json_response({"Policy": {"Rules": rules}})


@operation("PUT", "policies/data-retrieval")
def set_data_retrieval_policy(call: Call) -> Response:
    """Set the policy, which has one rule; jobs in progress are not affected."""
    strategy, allowed = _rule(call.request.json())
    with call.store.write() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO retrieval_policies VALUES (?, ?, ?, ?)",
            (call.account, call.region, strategy, allowed),
        )
    return Response(204)


def _rule(document: dict[str, Any]) -> tuple[str, int | None]:
    policy = document.get("Policy")
    rules = policy.get("Rules") if isinstance(policy, dict) else None
    if not isinstance(rules, list) or len(rules) != 1 or not isinstance(rules[0], dict):
        raise service_errors.invalid("Invalid data retrieval policy: it must have exactly one rule.")
    strategy, allowed = rules[0].get("Strategy"), rules[0].get("BytesPerHour")
    if strategy not in ("BytesPerHour", "FreeTier", "None"):
        raise service_errors.invalid(f"Invalid data retrieval strategy: {strategy}")
    if (strategy == "BytesPerHour") != (allowed is not None):
        raise service_errors.invalid("BytesPerHour goes with the strategy BytesPerHour and with no other.")
    whole = isinstance(allowed, int) and not isinstance(allowed, bool)  # JSON true is an int in Python
    if allowed is not None and not (whole and 1 <= allowed < 1 << 63):
        raise service_errors.invalid(f"Invalid BytesPerHour: {allowed}")
    return strategy, allowed


@operation("POST", "provisioned-capacity")
def purchase_provisioned_capacity(call: Call) -> Response:
    """Buy one of at most two units for a month."""
    with call.store.write() as connection:
        capacity_id = setting_rows.buy_capacity(connection, call.account, call.region, call.clock.now())
    return Response(201, {"x-amz-capacity-id": capacity_id})


@operation("GET", "provisioned-capacity")
def list_provisioned_capacity(call: Call) -> Response:
    """List the units that have not expired."""
    with call.store.read() as connection:
        units = setting_rows.capacity(connection, call.account, call.region, call.clock.now())
    return json_response({"ProvisionedCapacityList": units})
