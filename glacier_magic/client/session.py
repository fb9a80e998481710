"""A session: a connection to the service with its catalogue and job tracker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import administration, client, plans
from ..administration.listeners import QueueListeners
from ..base import dataframes
from ..base.bucket_names import is_bucket
from ..base.facts import Described, Facts
from ..base.paths import catalogue_place
from ..base.session_limits import USUAL, Limits
from ..catalogue import Catalogue, Deletion, Scope
from ..catalogue.records.payers import note_payer
from ..catalogue.storage.owners import new_owner
from ..errors import AccessDenied, NotFound, Unavailable
from ..errors.steps import step
from ..jobs import Batch, Tracker
from ..service import Connection, Service, open_service
from ..service.administration import Administration
from ..service.messaging import Messaging
from ..service.regions import partition_of
from ..transfer.budget import Budget
from ..transfer.engine import Engine
from ..transfer.progress import Observer
from .session_settings import SessionSettings
from .used_catalogues import note_use

if TYPE_CHECKING:
    import pandas as pd

    from ..base.tables import ExactTable
    from .again import Restores
    from .selection import Selectable


class Session(Described):
    """One account and region of a vault service, with its catalogue and job tracker.

    Use it as a context manager, or call :meth:`close`, to end its threads.

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
        self.service = service(connection)  # sends no request yet
        self.connection = self.service.connection
        place = catalogue or catalogue_place(self.connection)  # each server has its own; account: below
        self.catalogue = Catalogue(place, Scope("", self.region), limits=limits)
        self._settings = SessionSettings(self.catalogue)
        self.plan_log = plans.PlanLog(self.catalogue, self.service.clock)
        """The limit of all plans, and what records them."""
        self.owner = new_owner()
        self.catalogue.database.release_dead()  # leases of processes that were killed
        try:
            self.account = self._settings.find_account(self.service)
        except BaseException:  # including Ctrl-C during the first request
            self.catalogue.close()
            raise
        self.catalogue.rescope(Scope(self.account, self.service.region))
        note_use(self)

    def _facts(self) -> Facts:
        return self._settings.facts(self.service)

    @property
    def region(self) -> str:
        """The region, such as ``eu-west-1``."""
        return self.service.region

    @property
    def partition(self) -> str:
        """The AWS partition of the region: ``aws``, ``aws-cn`` or another."""
        return partition_of(self.service)

    @cached_property
    def tracker(self) -> Tracker:
        """The tracker of all jobs; it polls the service, and listens to queues where they exist."""
        tracker = Tracker(self.engine)
        tracker.drops.dropper.dropped = self.forget_vault  # callbacks: jobs/ must not import client/
        tracker.actions.again = lambda rows: client.Reissue(self).of_rows(rows)  # imported when used
        tracker.actions.vaults = self._list_names
        self.listening = QueueListeners(tracker, self.catalogue, self.messaging)
        self.listening.follow()
        return tracker

    @cached_property
    def engine(self) -> Engine:
        """The state that all transfers share; ``engine.budget.max_rate`` limits their bandwidth."""
        return Engine(self.service, self.catalogue, self.owner, Budget(limits=self.catalogue.limits))

    # Vaults

    def vaults(self) -> pd.DataFrame:
        """Return the vaults of the region: vault, archives, size, created, inventory.

        ``archives`` and ``size`` are as of ``inventory``, the date of the vault's last inventory;
        ``size`` includes the service's overhead of 32 KiB per archive.
        """
        return self.exact_vaults().frame()

    def exact_vaults(self) -> ExactTable:
        """Return :meth:`vaults` as the table that a shell shows: pandas takes longer than the request."""
        return dataframes.exact_vaults(self._list_vaults(), as_of=self.service.clock.now().isoformat())

    def _list_vaults(self) -> list[Mapping[str, Any]]:
        try:
            vaults = list(self.service.vaults())
        except AccessDenied:
            if self.connection.account is None:
                raise
            return []  # a vault policy can grant access to one vault, never to an account's list
        self._settings.vault_names = [vault["VaultName"] for vault in vaults]
        return vaults

    def _list_names(self) -> list[str]:
        return [str(vault["VaultName"]) for vault in self._list_vaults()]

    def vault_names(self) -> list[str]:
        """Return the names of the vaults as last seen; no request is sent."""
        return self._settings.vault_names

    def vault(self, name: str, *, requester_pays: bool = False) -> client.Vault:
        """Return a vault, or a bucket or a folder in it (``s3://...``), without checking that it exists.

        :param requester_pays: this account pays for its requests to the bucket, from now on.
        """
        if requester_pays:
            note_payer(self.catalogue, name)
        return (client.Bucket if is_bucket(name) else client.Vault)(self, name)

    def known_vault(self, name: str) -> client.Vault:
        """Return a vault that the catalogue or the service knows.

        :raises NotFound: the vault does not exist.
        :raises Unavailable: the catalogue does not know it, and the service cannot be reached.
        """
        vault, names = self.vault(name), self.vault_names()
        if name in names or self.catalogue.knows(vault.name):  # no request: this works offline
            return vault
        try:
            self.service.describe_vault(name)
        except AccessDenied:  # another account's vault policy may allow retrieval alone
            return vault
        except Unavailable as error:
            what = f"The catalogue does not know a vault {name!r}, and the service cannot be reached"
            raise Unavailable(f"{what}: {error.message}", cure=error.cure, code=error.code) from None
        self._settings.vault_names = [*names, *(() if is_bucket(name) else (name,))]
        return vault

    def create_vault(self, name: str) -> client.Vault:
        """Create a vault; return it unchanged if it exists.

        :raises InputError: the name is not 1 to 255 of ``a-z A-Z 0-9 _ . -``.
        """
        vault = self.vault(name)
        self.service.create_vault(name)  # idempotent: a repeat changes nothing
        self._list_vaults()  # completion knows the name from now on
        return vault

    def drop_vault(self, name: str) -> plans.DropPlan:
        """Return the plan to delete an empty vault."""
        self.vault(name)  # checks the name
        dropped = partial(self.forget_vault, name)
        return plans.DropPlan(name, service=self.service, log=self.plan_log, dropped=dropped)

    def forget_vault(self, name: str) -> None:
        """Stop using a vault that was dropped."""
        if self.vault_in_use == name:  # or every verb without a vault would fail from now on
            self.vault_in_use = None

    def drop_with_archives(self, name: str) -> plans.EmptyPlan | Batch:
        """Empty a vault and drop it, which takes days; return the plan, or the row of the board.

        The vault's inventory is requested first, unless a request is in progress.  Until it is read,
        the row of the job board is returned; then the plan to confirm; after its run, the row again.

        :raises NotFound: the vault does not exist.
        """
        self.vault(name)  # checks the name
        return client.begin_drop(self, name)

    def drops(self) -> Batch:
        """Return the drops of vaults in progress or ended recently, and continue them."""
        self.tracker.start()
        return Batch(self.tracker, [drop.key for drop in self.catalogue.drops.shown()], "Drops of vaults")

    def resume_deletion(self, deletion: Deletion, progress: Observer | None = None) -> plans.Deleted:
        """Resume an unfinished deletion; failed requests are repeated.

        Only the confirmed archives are deleted.  Raises like :meth:`DeletePlan.run`.
        """
        queues = self.catalogue.deletions
        queues.try_again(deletion.id)  # what failed is queued again, what is deleted is not
        deleter = plans.deleter_of(self.engine, queues.get(deletion.id), observer=progress)
        return plans.carry_out(deleter, queues)

    def stop_drop(self, name: str) -> str:
        """End the drop of a vault, and return a message; deleted archives stay deleted.

        :raises InputError: no drop of the vault is in progress.
        """
        return client.end_drop(self, name)

    @property
    def held(self) -> plans.OnHold:
        """The work on hold since the catalogue was restored, copied or moved."""
        return plans.OnHold(self.catalogue, self.service.clock.now_ms())

    @property
    def vault_in_use(self) -> str | None:
        """The vault of verbs that name none; stored in the catalogue."""
        return self._settings.vault_in_use

    @vault_in_use.setter
    def vault_in_use(self, name: str | None) -> None:
        self._settings.vault_in_use = name

    # Plans

    def open_plan(
        self,
        path: str | os.PathLike[str],
        *,
        to: str | os.PathLike[str] = "restored",
        destination: str | None = None,
        tier: str | None = None,
    ) -> plans.RestorePlan:
        """Return the plan of a file that :meth:`.RestorePlan.save` wrote.

        It leaves out what this computer has, and what is staged or requested; ``run()`` sends requests.

        :param tier: the tier to use instead of the file's; see :meth:`.Vault.restore` for the others.
        :raises InputError: the file holds no plan, is for another account or region, or contradicts
            the catalogue.
        :raises NotFound: the vault does not exist.
        """
        from ..plans.restore import sharing

        shared = sharing.read(Path(path).expanduser())
        sharing.check_place(shared, account=self.account, region=self.region)  # before any request
        with suppress(AccessDenied):  # another account's vault policy may allow retrieval alone
            self.service.describe_vault(shared.vault)
        known = sharing.known_by(self.catalogue.archives, shared)  # before the file's sizes make a price
        return self.vault(shared.vault).restore_archives(
            known.archives, tier=tier or shared.tier, to=to, destination=destination, claimed=known.claimed
        )

    def stop_restores(self, *words: Selectable, vault: str | None = None) -> str:
        """Cancel scheduled requests of restores, and return a message.

        Requests that were sent are charged, and their archives still arrive.

        :param words: the archives, as in :meth:`.Vault.select`; all scheduled ones if none.
        :param vault: the vault; needed with *words*; all vaults if None.
        :raises NameNotKnown: a word matches nothing.
        """
        return client.Reissue(self).stop(words, vault=vault)

    def history(self, limit: int = 20) -> plans.PlanHistory:
        """Return the last plans that were run, each with its estimate and its outcome."""
        return plans.PlanHistory(self.catalogue.plans.recent(limit), self.service.clock.now())

    def past_plan(self, number: int) -> plans.PastPlan:
        """Return one plan that was run, in full.

        :raises NotFound: no plan has this number.
        """
        found = self.catalogue.plans.get(number)
        if found is None:
            raise NotFound(f"No plan has the number {number}", cure=f"{step('history')} lists them.")
        return plans.PastPlan(found, self.catalogue.plans.errors(number), self.service.clock.now())

    # Account

    def vaults_everywhere(self, regions: Iterable[str] | None = None) -> administration.VaultsEverywhere:
        """Return the vaults of all regions, or of these, with their cost and idleness.

        A region that does not answer is noted in the result and does not fail the others.
        """
        return administration.look_everywhere(self.service, self.connection, regions)

    def retrieval_policy(self) -> administration.RetrievalPolicy:
        """Return the account's data retrieval policy; its ``set()`` returns the plan to change it."""
        return administration.RetrievalPolicy.read(self.service)

    def capacity(self) -> administration.Capacity:
        """Return the units of provisioned capacity; its ``buy()`` returns the plan to buy more."""
        return administration.Capacity(self.service, self.plan_log)

    def notifications(self) -> administration.NotificationsTable:
        """Return the notifications of each vault, and the queues that this program created."""
        listeners = self.listening.listeners if "tracker" in self.__dict__ else {}
        notes = {url: listener.note for url, listener in listeners.items()}
        routes = self.catalogue.routes.all()
        return administration.NotificationsTable(self.service, self._list_names(), routes, notes)

    def messaging(self) -> Messaging:
        """Return a client of SNS and SQS with the session's credentials.

        :raises InputError: the service is an emulator, and no endpoints of SNS and SQS are set.
        """
        return Messaging(self.service, emulated=self.connection.emulator is not None)

    def routing(self, vault: str) -> administration.Routing:
        """Return the object that creates and removes a queue for notifications of a vault."""
        return administration.Routing(
            self.vault(vault).name,
            calls=Administration(self.service),
            messaging=self.messaging(),
            catalogue=self.catalogue,
            place=(self.partition, self.region, self.account),
            changed=self._follow_queues,
        )

    def _follow_queues(self) -> None:
        _ = self.tracker  # starts listening on first use
        self.listening.follow()

    # Jobs

    def jobs(self) -> Batch:
        """Return all jobs of all vaults, other programs' included, and follow them.

        Downloads start in the background when their jobs are ready.
        """
        self.tracker.refresh(self._list_names())  # other clients may have requested jobs in any vault
        self.tracker.start()
        return Batch(self.tracker, None)

    def pending(self) -> Batch:
        """Return the requests that had not ended when last seen, with those that failed or expired since."""
        before = self._open_keys()  # jobs() may end some, and wait() must report how
        self.jobs()
        return Batch(self.tracker, before | self._open_keys())

    def _open_keys(self) -> set[str]:
        rows = self.tracker.snapshot().rows
        return {row.key for row in rows if row.ours and (not row.ended or row.state == "held")}

    def restore_expired(
        self,
        *words: Selectable,
        vault: str | None = None,
        tier: str | None = None,
        destination: str | None = None,
        spread: str | float | None = None,
        daily: str | int | None = None,
    ) -> Restores:
        """Return the plan to request expired outputs again, into the same folders.

        :param words: the archives, as in :meth:`Vault.select`; all if none.
        :param vault: the vault; all vaults if None.
        :param tier: another tier than before.
        :param destination: as in :meth:`Vault.restore`, as are ``spread`` and ``daily``.
        """
        pace = plans.Pace.of(spread, daily)
        return client.Reissue(self).restore(words, vault=vault, tier=tier, destination=destination, pace=pace)

    def extend(self, *words: Selectable, vault: str | None = None) -> plans.ExtendPlan:
        """Return the plan to keep outputs available that expire before they are downloaded.

        :param words: the archives, whenever they expire; if none, those that expire within five
            hours, or before their downloads can finish.
        :param vault: the vault; all vaults if None.
        """
        return client.Reissue(self).extend(words, vault=vault)

    def close(self) -> None:
        """End the session's threads; the next session resumes its downloads."""
        if "tracker" in self.__dict__:  # a cached property: it exists only if it was used
            self.listening.stop()  # first: listeners wake the tracker
            self.tracker.stop()
        self.catalogue.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
