"""A connection with its memory: what everything a user does goes through."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..administration import (
    Capacity,
    NotificationsTable,
    RetrievalPolicy,
    Routing,
    VaultsEverywhere,
    look_everywhere,
)
from ..administration.listeners import QueueListeners
from ..base import dataframes
from ..base.paths import catalogue_place
from ..base.session_limits import USUAL, Limits
from ..catalogue import Catalogue, Deletion, Scope
from ..catalogue.storage.database import new_owner
from ..errors import AccessDenied, InputError, NotFound, Unavailable
from ..jobs import Batch, Tracker
from ..jobs.inventory_output import read_inventory
from ..plans import Deleted, DropPlan, EmptyPlan, ExtendPlan, RestorePlan
from ..plans.delete.delete_plan import carry_out
from ..plans.delete.drop_plan import end
from ..plans.onhold import OnHold
from ..plans.past_plans import PastPlan, PlanHistory
from ..plans.restore import sharing
from ..plans.restore.timetable import Pace, stop
from ..prices import load
from ..service import Connection, Service, open_service
from ..service.administration import Administration
from ..service.messaging import Messaging
from ..service.regions import partition_of
from ..steps import step
from ..transfer.budget import Budget
from ..transfer.deleting import Deleter
from ..transfer.engine import Engine
from ..transfer.progress import Observer
from .again import Reissue, Restores

if TYPE_CHECKING:
    import pandas as pd

    from .vault import Vault


class Session:
    """One account and region of a vault service, with its catalogue and job tracker.

    Use it as a context manager, or ``close()`` it, to end its threads at once.

    >>> import glacier_magic as gm
    >>> session = gm.connect(emulator=True)               # doctest: +SKIP
    >>> session.vault("photos").upload("scan.tif")        # doctest: +SKIP

    :param connection: how to reach the service.
    :param catalogue: the file or URL of the catalogue; None for the one of the connection.
    :param limits: sizes, pauses and numbers of workers.
    :param service: makes the client of a connection.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        catalogue: Path | str | None = None,
        limits: Limits = USUAL,
        service: Callable[[Connection], Service] = open_service,
    ) -> None:
        self.service = service(connection)
        self.connection = self.service.connection
        place = catalogue or catalogue_place(self.connection)
        self.catalogue = Catalogue(place, Scope("", self.service.region), limits=limits)
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

    @property
    def partition(self) -> str:
        """The partition of AWS that the region is in: ``aws``, ``aws-cn`` or another."""
        return partition_of(self.service)

    @cached_property
    def tracker(self) -> Tracker:
        """The one poller for all jobs of this session; it listens to the queue if there is one."""
        tracker = Tracker(self.engine)
        tracker.drops.dropper.dropped = self.forget_vault
        tracker.actions.again = Reissue(self).of_rows
        tracker.actions.vaults = lambda: [str(vault["VaultName"]) for vault in self._told()]
        self.listening = QueueListeners(tracker, self.catalogue, self.messaging)
        self.listening.follow()
        return tracker

    @cached_property
    def engine(self) -> Engine:
        """What all transfers share; ``engine.budget.max_rate`` limits their bandwidth."""
        limits = self.catalogue.limits
        return Engine(self.service, self.catalogue, self.owner, Budget(limits=limits))

    # Vaults

    def vaults(self) -> pd.DataFrame:
        """Return all vaults of the region: vault, archives, size, created, inventory.

        ``archives`` and ``size`` are as of ``inventory``, the date of each vault's last inventory;
        ``size`` includes the service's overhead of 32 KiB an archive.
        """
        frame = dataframes.vaults(self._told())
        frame.attrs["as_of"] = self.service.clock.now().isoformat()
        return frame

    def _told(self) -> list[Mapping[str, Any]]:
        try:
            told = list(self.service.vaults())
        except AccessDenied:
            if self.connection.account is None:
                raise
            return []  # another account's vaults are opened one by one, its list of them is not
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

    def known_vault(self, name: str) -> Vault:
        """Return a vault that is known here, or that the service knows: it is asked once.

        :raises NotFound: there is none of that name.
        :raises Unavailable: it is not known here, and the service cannot be asked.
        """
        vault, names = self.vault(name), self.vault_names()
        if name in names or self.catalogue.knows(name):
            return vault
        try:
            self.service.describe_vault(name)
        except AccessDenied:  # of another account's vault only retrieval may be allowed
            return vault
        except Unavailable as error:
            raise Unavailable(
                f"Nothing is known here of a vault {name!r}, and whether there is one cannot be "
                f"checked now: {error.message}",
                cure=error.cure,
                code=error.code,
            ) from None
        self.catalogue.settings.put(self._names_key, "\n".join([*names, name]))
        return vault

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
        self.vault(name)  # refuses what cannot be a name
        return DropPlan(
            name, service=self.service, catalogue=self.catalogue, dropped=lambda: self.forget_vault(name)
        )

    def forget_vault(self, name: str) -> None:
        """Take a vault that was dropped out of use."""
        if self.vault_in_use == name:
            self.vault_in_use = None

    def drop_with_archives(self, name: str, *, max_fee: Decimal | None = None) -> EmptyPlan | Batch:
        """Empty a vault and drop it, which takes days; return the plan, or the row of the board.

        First the newest inventory is asked for, or the one that was asked for already: until it
        is read, the row of the board is returned.  Then the plan of deleting all that it lists,
        to be confirmed; called again after that, the row once more.

        :param max_fee: US dollars that early deletion may cost.
        :raises NotFound: the vault does not exist.
        """
        self.vault(name)  # refuses what cannot be a name
        with suppress(NotFound):
            self.tracker.refresh([name])
        drop = self.tracker.drops.dropper.begin(name)
        job = self.catalogue.jobs.get(name, drop.job_id) if drop.job_id else None
        if drop.state == "listing" and job is not None and job.status == "Succeeded":
            read_inventory(self.service, self.catalogue, job, budget=self.engine.budget)
            drop = self.tracker.drops.dropper.begin(name)
        self.tracker.start()
        if drop.state != "confirming":
            return Batch(self.tracker, (drop.key,), f"Drop of {name}")
        return EmptyPlan(
            drop, engine=self.engine, tracker=self.tracker, prices=load(self.region), max_fee=max_fee
        )

    def drops(self) -> Batch:
        """Return the drops of vaults that are under way or ended lately, and go on with them."""
        self.tracker.start()
        keys = [drop.key for drop in self.catalogue.drops.shown()]
        return Batch(self.tracker, keys, "Drops of vaults")

    def resume_deletion(self, deletion: Deletion, progress: Observer | None = None) -> Deleted:
        """Go on with a deletion that did not come to its end; what failed is tried again.

        Only the archives that were confirmed are deleted.  Raises like :meth:`DeletePlan.run`.
        """
        queues = self.catalogue.deletions
        queues.try_again(deletion.id)
        return carry_out(Deleter(self.engine, queues.get(deletion.id), observer=progress), queues)

    def stop_drop(self, name: str) -> str:
        """End the drop of a vault; what was deleted stays deleted. Return what was done.

        :raises InputError: none is under way.
        """
        drops = self.catalogue.drops
        drop = drops.open_of(name) or drops.stopped_of(name)
        if drop is None:
            raise InputError(f"No drop of {name!r} is under way", cure=f"{step('drops')} lists them.")
        end(self.catalogue, drop)
        return f"The drop of {name} is ended; what was deleted before stays deleted."

    @property
    def held(self) -> OnHold:
        """What waits since the catalogue was restored, copied or moved: resume or discard it."""
        return OnHold(self.catalogue, self.service.clock.now_ms())

    @property
    def vault_in_use(self) -> str | None:
        """The vault that verbs mean which name none; remembered with the catalogue."""
        key = f"vault in use of {self.account} in {self.region}{self._whose}"
        return self.catalogue.settings.get(key) or None

    @vault_in_use.setter
    def vault_in_use(self, name: str | None) -> None:
        key = f"vault in use of {self.account} in {self.region}{self._whose}"
        self.catalogue.settings.put(key, name or "")

    # Plans

    def open_plan(
        self,
        path: str | os.PathLike[str],
        *,
        to: str | os.PathLike[str] = "restored",
        destination: str | None = None,
        tier: str | None = None,
    ) -> RestorePlan:
        """Return the plan that a file of :meth:`.RestorePlan.save` holds, decided anew here.

        What is there, staged or asked for already is found out for this computer and catalogue;
        nothing is asked for until its ``run()``.

        :param tier: instead of that of the file; see :meth:`.Vault.restore` for the others.
        :raises InputError: the file is none, or is for another account or region, or contradicts
            what the catalogue knows.
        :raises NotFound: its vault does not exist.
        """
        shared = sharing.read(Path(path).expanduser())
        sharing.check_place(shared, account=self.account, region=self.region)
        with suppress(AccessDenied):  # of another account's vault only retrieval may be allowed
            self.service.describe_vault(shared.vault)
        known = sharing.known_by(self.catalogue.archives, shared)
        return self.vault(shared.vault).restore_archives(
            known.archives, tier=tier or shared.tier, to=to, destination=destination, claimed=known.claimed
        )

    def stop_restores(self, *words: str, vault: str | None = None) -> str:
        """Take back what restores have scheduled and not asked for yet; return what was done.

        What has been asked for is paid, and comes all the same.

        :param words: the archives, see :meth:`.Vault.select`; all that are scheduled if none.
        :param vault: of this vault only; needed with *words*.
        :raises NameNotKnown: a word matches nothing.
        """
        rows = self.catalogue.pacing.scheduled(vault)
        if words:
            chosen = {archive.archive_id for archive in self.vault(vault or "").select(words)}
            rows = [row for row in rows if row.archive_id in chosen]
        return stop(self.catalogue, rows, self.service.clock.now_ms())

    def history(self, limit: int = 20) -> PlanHistory:
        """Return the plans that were run last: what was promised, and what happened."""
        return PlanHistory(self.catalogue.plans.recent(limit), self.service.clock.now())

    def past_plan(self, number: int) -> PastPlan:
        """Return one plan that was run, in full.

        :raises NotFound: there is none of that number.
        """
        found = self.catalogue.plans.get(number)
        if found is None:
            raise NotFound(f"No plan has the number {number}", cure=f"{step('history')} lists them.")
        return PastPlan(found, self.catalogue.plans.errors(number), self.service.clock.now())

    # Account

    def vaults_everywhere(self, regions: Iterable[str] | None = None) -> VaultsEverywhere:
        """Return the vaults of all regions, or of those named, with their cost and idleness.

        Regions that give no answer are noted in it and do not fail the rest.
        """
        return look_everywhere(self.service, self.connection, regions)

    def retrieval_policy(self) -> RetrievalPolicy:
        """Return the account's data retrieval policy; its ``set()`` is the plan to change it."""
        return RetrievalPolicy.read(self.service)

    def capacity(self) -> Capacity:
        """Return the units of provisioned capacity; its ``buy()`` is the plan to buy one."""
        return Capacity(self.service, self.catalogue)

    def notifications(self) -> NotificationsTable:
        """Return whom each vault tells of finished jobs, and the queues made from here."""
        listeners = self.listening.listeners if "tracker" in self.__dict__ else {}
        return NotificationsTable(
            self.service,
            [str(vault["VaultName"]) for vault in self._told()],
            self.catalogue.routes.all(),
            {url: listener.note for url, listener in listeners.items()},
        )

    def messaging(self) -> Messaging:
        """Return a client of SNS and SQS with the session's credentials.

        :raises InputError: the service is an emulator, and no others are set beside it.
        """
        return Messaging(self.service, emulated=self.connection.emulator is not None)

    def routing(self, vault: str) -> Routing:
        """Return what makes and removes a queue that is told of a vault's finished jobs."""
        return Routing(
            self.vault(vault).name,
            calls=Administration(self.service),
            messaging=self.messaging(),
            catalogue=self.catalogue,
            place=(self.partition, self.region, self.account),
            changed=self._follow_queues,
        )

    def _follow_queues(self) -> None:
        _ = self.tracker  # which begins to listen where there was none
        self.listening.follow()

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
        return {row.key for row in rows if row.ours and (not row.ended or row.state == "held")}

    def restore_expired(
        self,
        *words: str,
        vault: str | None = None,
        tier: str | None = None,
        destination: str | None = None,
        spread: str | float | None = None,
        daily: str | int | None = None,
    ) -> Restores:
        """Return the plan to get back what expired before it was fetched, into the same folders.

        :param words: which archives, as :meth:`Vault.select` reads them; none: all.
        :param vault: the one vault that is meant; None for all.
        :param tier: another tier than they had.
        :param destination: as for :meth:`Vault.restore`, like ``spread`` and ``daily``.
        """
        return Reissue(self).restore(
            words, vault=vault, tier=tier, destination=destination, pace=Pace.of(spread, daily)
        )

    def extend(self, *words: str, vault: str | None = None) -> ExtendPlan:
        """Return the plan to keep outputs longer that go before they are fetched.

        :param words: which archives, whenever they go; none: those that go within five hours, or
            that the downloads do not reach in time.
        :param vault: the one vault that is meant; None for all.
        """
        return Reissue(self).extend(words, vault=vault)

    def close(self) -> None:
        """End the session's threads; downloads go on with the next session."""
        if "tracker" in self.__dict__:
            self.listening.stop()
            self.tracker.stop()
        self.catalogue.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
