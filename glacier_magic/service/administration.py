"""The operations on an account's and a vault's settings, with plain Python values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ..errors import NotFound
from .client import Service
from .translation import translated

T = TypeVar("T")


class Administration:
    """Calls that read or change settings; those that must not be repeated are sent once.

    :param service: provides account, region and clients.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._patient, self._once = service._patient, service._once

    # The account

    def retrieval_policy(self) -> tuple[str, int | None]:
        """Return the strategy of the data retrieval policy, and its bytes an hour or None."""
        rule = self._service.retrieval_rule()
        # Without a rule, the service accepts all retrievals.
        return str(rule.get("Strategy", "None")), rule.get("BytesPerHour")

    def set_retrieval_policy(self, strategy: str, bytes_per_hour: int | None = None) -> None:
        """Set the data retrieval policy: ``None``, ``FreeTier`` or ``BytesPerHour``."""
        rule: dict[str, Any] = {"Strategy": strategy}
        if bytes_per_hour is not None:
            rule["BytesPerHour"] = bytes_per_hour
        with translated():
            self._patient.set_data_retrieval_policy(Policy={"Rules": [rule]})

    def capacity(self) -> list[Mapping[str, str]]:
        """Return the units of provisioned capacity: CapacityId, StartDate, ExpirationDate."""
        key = "ProvisionedCapacityList"
        return list(self._service._whole("list_provisioned_capacity", key)[key])

    def buy_capacity(self) -> str:
        """Buy one unit and return its id; the call is paid, so it is never repeated."""
        # If the answer is damaged, the unit may be bought all the same.
        response = self._service._answer(self._once, "purchase_provisioned_capacity", "capacityId")
        return str(response["capacityId"])

    # Tags

    def tags(self, vault: str) -> dict[str, str]:
        """Return the tags of a vault."""
        return dict(self._service._whole("list_tags_for_vault", "Tags", vaultName=vault)["Tags"])

    def add_tags(self, vault: str, tags: Mapping[str, str]) -> None:
        """Set up to 10 tags of a vault, replacing those with the same keys."""
        with translated():
            self._patient.add_tags_to_vault(vaultName=vault, Tags=dict(tags))

    def remove_tags(self, vault: str, keys: Iterable[str]) -> None:
        """Remove up to 10 tags of a vault; missing keys are ignored."""
        with translated():
            self._patient.remove_tags_from_vault(vaultName=vault, TagKeys=list(keys))

    # The access policy

    def access_policy(self, vault: str) -> str | None:
        """Return the access policy as JSON, or None if none is set."""
        response = unless_unset(
            lambda: self._service._whole("get_vault_access_policy", "policy", vaultName=vault)
        )
        return None if response is None else str(response["policy"]["Policy"])

    def set_access_policy(self, vault: str, policy: str) -> None:
        """Set a vault's access policy: JSON of up to 20 KB."""
        with translated():
            self._patient.set_vault_access_policy(vaultName=vault, policy={"Policy": policy})

    def remove_access_policy(self, vault: str) -> None:
        """Remove the access policy, if any."""
        with translated():
            self._patient.delete_vault_access_policy(vaultName=vault)

    # The lock

    def lock(self, vault: str) -> Mapping[str, Any] | None:
        """Return a vault's lock: Policy, State, CreationDate, ExpirationDate; or None."""
        return unless_unset(lambda: self._service._whole("get_vault_lock", "State", vaultName=vault))

    def start_lock(self, vault: str, policy: str) -> str:
        """Attach a lock policy for 24 hours; return the id that completes it.

        Sent once: a repeated request would be refused, and the id in the first response lost.
        """
        arguments = {"vaultName": vault, "policy": {"Policy": policy}}
        # If the answer is damaged, the policy is in force all the same, until the lock is aborted.
        return str(self._service._answer(self._once, "initiate_vault_lock", "lockId", **arguments)["lockId"])

    def complete_lock(self, vault: str, lock_id: str) -> None:
        """Make a lock permanent; may be repeated with the same id."""
        with translated():
            self._patient.complete_vault_lock(vaultName=vault, lockId=lock_id)

    def abort_lock(self, vault: str) -> None:
        """Abort a lock in progress, if any."""
        with translated():
            self._patient.abort_vault_lock(vaultName=vault)

    # Notifications

    def notifications(self, vault: str) -> tuple[str, list[str]] | None:
        """Return the ARN of the vault's topic and the events published to it, or None."""
        key = "vaultNotificationConfig"
        found = unless_unset(lambda: self._service._whole("get_vault_notifications", key, vaultName=vault))
        return None if found is None else (found[key]["SNSTopic"], list(found[key]["Events"]))

    def set_notifications(self, vault: str, topic: str, events: Iterable[str]) -> None:
        """Set the vault's topic and the events published to it."""
        config = {"SNSTopic": topic, "Events": list(events)}
        with translated():
            self._patient.set_vault_notifications(vaultName=vault, vaultNotificationConfig=config)

    def remove_notifications(self, vault: str) -> None:
        """Remove the configuration, if any."""
        with translated():
            self._patient.delete_vault_notifications(vaultName=vault)


def unless_unset(ask: Callable[[], T]) -> T | None:
    """Return the result of *ask*, or None if the vault exists but has no such setting.

    The service responds with 404 in both cases (API reference, "Get Vault Lock" and others); only the
    message about a missing vault is known for certain.

    :raises NotFound: the vault does not exist.
    """
    try:
        return ask()
    except NotFound as error:
        if "Vault not found" in error.message:
            raise
        return None
