"""Values that a session stores in its catalogue for later sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..base.facts import Facts
from ..base.units import masked
from ..catalogue import Catalogue
from ..catalogue.records.payers import requester_pays
from ..errors import GlacierError, Unavailable

if TYPE_CHECKING:
    from ..service import Service


@dataclass
class SessionSettings:
    """The account behind a connection, the names of its vaults, and the vault in use."""

    catalogue: Catalogue

    @property
    def _owner(self) -> str:
        home = self.catalogue.database.home  # several users share a catalogue on a server
        return f" for {home}" if home else ""

    @property
    def _place(self) -> str:
        return f"of {self.catalogue.scope.account} in {self.catalogue.scope.region}"

    def find_account(self, service: Service) -> str:
        """Return the account id from the service, which learns it, or the stored one without a network.

        :raises Unavailable: the service cannot be reached, and no account id is stored.
        """
        from ..service.login_failures import UNREACHABLE

        connection = service.connection.to_json()
        key = f"account of {connection} in {service.region}{self._owner}"  # profiles differ in accounts
        try:
            account = service.account()  # a request: no operation names the account, so it is found out
        except GlacierError as error:
            offline = isinstance(error, Unavailable) or error.code == UNREACHABLE
            known = self.catalogue.settings.get(key) if offline else None
            if known is None:  # else the catalogue still works for this account
                raise
            account = known
        else:
            self.catalogue.settings.put(key, account)  # for the next start without a network
        if service.connection.emulator is None:
            service.address(account)
        service.buckets.requester_pays = partial(requester_pays, self.catalogue)
        return account

    def facts(self, service: Service) -> Facts:
        """Return what a session shows of itself; no request is sent."""
        connection = service.connection
        of = {"profile": connection.profile, "emulator": connection.emulator}
        return [
            *((label, value) for label, value in of.items() if value),
            ("region", service.region),
            ("account", masked(self.catalogue.scope.account)),
            ("endpoint", service.endpoint),
            ("vaults", ", ".join(self.vault_names) or "none known"),
            ("vault in use", self.vault_in_use or "none"),
            ("catalogue", self.catalogue.place),
        ]

    @property
    def last_account(self) -> str | None:
        """The account of the last session that the user knows of, with this catalogue."""
        return self.catalogue.settings.get(f"last account{self._owner}")

    @last_account.setter
    def last_account(self, account: str) -> None:
        if account != self.last_account:
            self.catalogue.settings.put(f"last account{self._owner}", account)

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
