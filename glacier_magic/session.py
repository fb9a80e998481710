"""A connection with its memory: what everything a user does goes through."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import emulator as emulation
from . import tables
from .catalogue import Catalogue, JobRecord, Scope
from .catalogue.database import new_owner
from .errors import EmulatorFailed, Unavailable
from .inventory import read_inventory
from .jobs import Batch, Tracker
from .paths import catalogue_place, emulator_folder, is_url
from .plans import DropPlan
from .service import Connection, Service, open_service
from .transfer.engine import Engine

if TYPE_CHECKING:
    import pandas as pd

    from .vault import Vault


class Session:
    """One account and region of a vault service, with its catalogue and job tracker.

    Use it as a context manager, or ``close()`` it, to end its threads at once.

    >>> import glacier_magic as gm
    >>> session = gm.connect(emulator=True)               # doctest: +SKIP
    >>> session.vault("photos").upload("scan.tif")        # doctest: +SKIP
    """

    def __init__(self, connection: Connection, *, catalogue: Path | str | None = None) -> None:
        self.connection = connection
        self.service: Service = open_service(connection)
        place = catalogue or catalogue_place(connection)
        self.catalogue = Catalogue(place, Scope("", self.service.region))
        self.owner = new_owner()
        self.catalogue.database.release_dead()
        try:
            self.account = self._find_account()
        except BaseException:
            self.catalogue.close()
            raise
        self.catalogue.rescope(Scope(self.account, self.service.region))

    def _find_account(self) -> str:
        """Ask which account this is; without a network, remember which it was."""
        key = f"account of {self.connection.to_json()} in {self.service.region}{self._whose}"
        try:
            account = self.service.account()
        except Unavailable:
            known = self.catalogue.settings.get(key)
            if known is None:
                raise
            return known
        self.catalogue.settings.put(key, account)
        return account

    @property
    def _whose(self) -> str:
        """What settings of one user are marked with, where several share the catalogue."""
        home = self.catalogue.database.home
        return f" for {home}" if home else ""

    @property
    def region(self) -> str:
        """The region, such as ``eu-west-1``."""
        return self.service.region

    @cached_property
    def tracker(self) -> Tracker:
        """The one poller for all jobs of this session."""
        return Tracker(self.engine, self._read_inventory)

    def _read_inventory(self, job: JobRecord, stop: threading.Event) -> None:
        read_inventory(self.service, self.catalogue, job, budget=self.engine.budget, stop=stop)

    @cached_property
    def engine(self) -> Engine:
        """What all transfers share; ``engine.budget.max_rate`` limits their bandwidth."""
        return Engine(self.service, self.catalogue, self.owner)

    # Vaults

    def vaults(self) -> pd.DataFrame:
        """Return all vaults of the region: vault, archives, size, created, inventory.

        ``archives`` and ``size`` are as of ``inventory``, the date of each vault's last inventory;
        ``size`` includes the service's overhead of 32 KiB an archive.
        """
        frame = tables.vaults(self._told())
        frame.attrs["as_of"] = self.service.clock.now().isoformat()
        return frame

    def _told(self) -> list[Mapping[str, Any]]:
        told = list(self.service.vaults())
        self.catalogue.settings.put(self._names_key, "\n".join(v["VaultName"] for v in told))
        return told

    @property
    def _names_key(self) -> str:
        return f"vaults of {self.account} in {self.region}"

    def vault_names(self) -> list[str]:
        """Return the names of the vaults as last seen, without asking the service."""
        return (self.catalogue.settings.get(self._names_key) or "").split()

    def vault(self, name: str) -> Vault:
        """Return a vault to work with; that it exists is checked by what is done with it."""
        from .vault import Vault  # noqa: PLC0415 - a vault knows its session, not the reverse

        return Vault(self, name)

    def create_vault(self, name: str) -> Vault:
        """Make a vault; one that exists already is returned as it is.

        :raises InputError: the name is not 1 to 255 of ``a-z A-Z 0-9 _ . -``.
        """
        vault = self.vault(name)
        self.service.create_vault(name)
        self._told()
        return vault

    def drop_vault(self, name: str) -> DropPlan:
        """Return the plan to delete an empty vault."""

        def forget() -> None:
            if self.vault_in_use == name:
                self.vault_in_use = None

        return DropPlan(name, service=self.service, catalogue=self.catalogue, dropped=forget)

    @property
    def vault_in_use(self) -> str | None:
        """The vault that verbs mean which name none; remembered with the catalogue."""
        key = f"vault in use of {self.account} in {self.region}{self._whose}"
        return self.catalogue.settings.get(key) or None

    @vault_in_use.setter
    def vault_in_use(self, name: str | None) -> None:
        key = f"vault in use of {self.account} in {self.region}{self._whose}"
        self.catalogue.settings.put(key, name or "")

    # Jobs

    def jobs(self) -> Batch:
        """Return all jobs of all vaults, those that others asked for too, and follow them.

        Downloads that are ready start by themselves in the background.
        """
        self.tracker.refresh([vault["VaultName"] for vault in self._told()])
        self.tracker.start()
        return Batch(self.tracker, None)

    def pending(self) -> Batch:
        """Return what was asked for from here and has not ended, as far as was known before now.

        What turns out to have failed or expired meanwhile is part of it.
        """
        before = self._open_keys()
        self.jobs()
        return Batch(self.tracker, before | self._open_keys())

    def _open_keys(self) -> set[str]:
        rows = self.tracker.snapshot().rows
        return {row.key for row in rows if row.ours and not row.ended}

    def close(self) -> None:
        """End the session's threads; downloads go on with the next session."""
        if "tracker" in self.__dict__:
            self.tracker.stop()
        self.catalogue.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    profile: str | None = None,
    region: str | None = None,
    *,
    endpoint_url: str | None = None,
    emulator: bool | str | os.PathLike[str] = False,
    speed: float | None = None,
    catalogue: str | os.PathLike[str] | None = None,
) -> Session:
    """Connect to the vault service, or to the emulator of it on this computer.

    :param profile: a profile of boto3's configuration; None for its default credential chain.
    :param region: such as ``eu-west-1``; None for the profile's or ``AWS_DEFAULT_REGION``.
    :param endpoint_url: another address of the service.
    :param emulator: True for the emulator in its usual folder, or a folder for its data; it is
        started when it does not run, and serves every process that names the same folder.
    :param speed: how many of the emulator's seconds pass in one of ours.
    :param catalogue: the SQLite file to use instead of the usual one, or the URL of a team's:
        ``postgresql://user@host/database``.
    :raises ConnectionFailed: credentials, region, account or emulator do not work; the message
        says what to do.
    """
    connection = connection_for(
        profile, region, endpoint_url=endpoint_url, emulator=emulator, speed=speed
    )
    return Session(connection, catalogue=None if catalogue is None else _place(catalogue))


def _place(catalogue: str | os.PathLike[str]) -> Path | str:
    return catalogue if isinstance(catalogue, str) and is_url(catalogue) else Path(catalogue)


def connection_for(
    profile: str | None = None,
    region: str | None = None,
    *,
    endpoint_url: str | None = None,
    emulator: bool | str | os.PathLike[str] = False,
    speed: float | None = None,
) -> Connection:
    """Return the connection that :func:`connect` would make, with the emulator running."""
    if emulator is not False:
        folder = emulator_folder(None if emulator is True else Path(emulator))
        return _emulated(folder, region, speed)
    return Connection(profile=profile, region=region, endpoint_url=endpoint_url)


def _emulated(folder: Path, region: str | None, speed: float | None) -> Connection:
    try:
        running = emulation.start(folder, speed=speed)
    except emulation.EmulatorError as error:
        raise EmulatorFailed(str(error)) from None
    except OSError as error:
        raise EmulatorFailed(
            f"The emulator cannot keep its data in {folder}: {error.strerror or error}",
            cure="Name another folder: %glacier connect --data DIR",
        ) from None
    return Connection(region=region, endpoint_url=running.url, emulator=str(folder))


def reconnect(connection: Connection) -> Session:
    """Connect again as before; an emulator that was stopped is started again."""
    if connection.emulator is not None:
        connection = _emulated(Path(connection.emulator), connection.region, None)
    return Session(connection)
