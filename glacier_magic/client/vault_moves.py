"""What a vault can move to S3."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING

from ..errors import InputError
from ..migrate.object_keys import Place
from ..plans.migrate.migrate_plan import MigratePlan, checked_class
from ..plans.restore.quoting import checked_destination, checked_tier, default_destination
from ..plans.restore.timetable import Pace
from ..service.object_store import ObjectStore
from .vault_staging import VaultStaging

if TYPE_CHECKING:
    from .selection import Selectable


class VaultMoves(VaultStaging):
    """A vault whose archives can be moved to S3."""

    def migrate(
        self,
        *words: Selectable,
        to: str,
        storage_class: str = "DEEP_ARCHIVE",
        tier: str = "Bulk",
        destination: str | None = None,
        spread: str | float | None = None,
        daily: str | int | None = None,
        executor: Executor | None = None,
    ) -> MigratePlan:
        """Return the plan to move archives to S3; nothing is requested or written until its ``run()``.

        :param words: see :meth:`~.Vault.select`.
        :param to: where to, such as ``s3://bucket/prefix``; the names of the archives follow in the keys.
        :param storage_class: the class of the objects, such as ``GLACIER`` or ``deep-archive``.
        :param tier: ``Expedited``, ``Standard`` or ``Bulk``, of the retrievals.
        :param destination: where this computer is; see :meth:`~.Vault.restore`.
        :param spread: see :meth:`~.Vault.restore`; so is *daily*.
        :param executor: copies the bytes, in other processes or on other computers; its workers sign
            with the credentials that they find.  None: threads of this process.
        :raises NameNotKnown: a word matches nothing.
        :raises InputError: there is no such bucket, storage class or tier, or the bucket is in another
            region.
        :raises AccessDenied: the bucket belongs to another account, or may not be used.
        """
        place, storage_class = Place.of(to), checked_class(storage_class)
        session = self.session
        objects = ObjectStore(session.service, session.region)
        region = objects.bucket_region(place.bucket, session.account)
        if region != session.region:
            raise InputError(
                f"The bucket {place.bucket} is in {region}, and the vault in {session.region}",
                cure=f"Name a bucket in {session.region}: the way to another region is charged.",
            )
        return MigratePlan(
            self._selector.select(words),
            vault=self.name,
            tier=checked_tier(tier),
            place=place,
            storage_class=storage_class,
            objects=objects,
            destination=checked_destination(destination or default_destination()),
            tracker=session.tracker,
            log=session.plan_log,
            pace=Pace.of(spread, daily),
            executor=executor,
        )
