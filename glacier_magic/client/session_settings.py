"""Values that a session stores in its catalogue for later sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..catalogue import Catalogue
from ..errors import Unavailable
from ..service import Service


@dataclass
class SessionSettings:
    """The account behind a connection, the names of its vaults, and the vault in use."""

    service: Service
    catalogue: Catalogue

    @property
    def _owner(self) -> str:
        home = self.catalogue.database.home  # several users share a catalogue on a server
        return f" for {home}" if home else ""

    @property
    def _place(self) -> str:
        return f"of {self.catalogue.scope.account} in {self.service.region}"

    def find_account(self) -> str:
        """Return the account id from the service, or the stored one without a network.

        :raises Unavailable: the service cannot be reached, and no account id is stored.
        """
        connection = self.service.connection.to_json()
        key = f"account of {connection} in {self.service.region}{self._owner}"  # profiles differ in accounts
        try:
            account = self.service.account()  # a request: no operation names the account, so it is found out
        except Unavailable:  # offline, the catalogue still works for this account
            known = self.catalogue.settings.get(key)
            if known is None:
                raise
            return known
        self.catalogue.settings.put(key, account)  # for the next start without a network
        return account

    @property
    def vault_names(self) -> list[str]:
        """The names of the vaults as last seen."""
        return (self.catalogue.settings.get(f"vaults {self._place}") or "").split()  # names have no spaces

    @vault_names.setter
    def vault_names(self, names: Iterable[str]) -> None:
        self.catalogue.settings.put(f"vaults {self._place}", "\n".join(names))

    @property
    def vault_in_use(self) -> str | None:
        """The vault of verbs that name none."""
        return self.catalogue.settings.get(f"vault in use {self._place}{self._owner}") or None

    @vault_in_use.setter
    def vault_in_use(self, name: str | None) -> None:
        self.catalogue.settings.put(f"vault in use {self._place}{self._owner}", name or "")
