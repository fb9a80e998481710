"""What a vault can move to S3."""

from __future__ import annotations

import hashlib
from concurrent.futures import Executor
from decimal import Decimal
from functools import partial
from heapq import nsmallest
from typing import TYPE_CHECKING

from ..base.bucket_names import BucketFolder
from ..base.units import plural
from ..catalogue import ArchiveRecord
from ..catalogue.archives.archive_sequence import by_age
from ..catalogue.archives.states import DELETED
from ..errors import InputError
from ..errors.steps import option, step
from ..plans.migrate.migrate_plan import MigratePlan, checked_class
from ..plans.migrate.moved_deletion import DeleteMovedPlan
from ..plans.migrate.past_moves import Migrations
from ..plans.migrate.prove_plan import LEVELS
from ..plans.migrate.recover_moves import RecoverMovesPlan
from ..plans.restore.timetable import Pace
from ..prices.quotes import hours_left
from ..service.object_store import SHA256, ObjectStore
from ..transfer.migrate.chosen_keys import ChosenKeys, check_given
from ..transfer.migrate.object_keys import folder_for_keys
from ..transfer.migrate.part_checks import checked_algorithm
from ..transfer.migrate.proving import AT_REST, READ_BACK, STORED_AS_SENT
from .vault_recovery import VaultRecovery

if TYPE_CHECKING:
    from ..transfer.migrate.chosen_keys import KeyTable
    from .selection import Selectable


class VaultMoves(VaultRecovery):
    """A vault whose archives can be moved to S3."""

    def migrate(
        self,
        *words: Selectable,
        to: str,
        storage_class: str = "DEEP_ARCHIVE",
        tier: str = "Standard",
        destination: str | None = None,
        spread: str | float | None = None,
        daily: str | int | None = None,
        sample: int | None = None,
        keys: KeyTable | None = None,
        key: str | None = None,
        suffix: str | None = None,
        accept_lifecycle: bool = False,
        cross_region: bool = False,
        checksum: str = SHA256,
        executor: Executor | None = None,
    ) -> MigratePlan:
        """Return the plan to move archives to S3; nothing is requested or written until its ``run()``.

        :param words: see :meth:`~.Vault.select`.
        :param to: where to, such as ``s3://bucket/prefix``; the names of the archives follow in the keys.
        :param storage_class: the class of the objects, such as ``GLACIER`` or ``deep-archive``.
        :param tier: ``Expedited``, ``Standard`` or ``Bulk``, of the retrievals.
        :param destination: where this computer is; see :meth:`~.Vault.restore`.
        :param spread: see :meth:`~.Vault.restore`; so is *daily*.
        :param sample: move only so many of the archives, to see how it goes; the same ones each time.
        :param keys: keys by archive id, whole as in the plan's table: a dict, a DataFrame with the columns
            archive_id and key, or a .csv or .parquet file with them.  The others are made of the names.
        :param key: a template of the keys below *to*, such as ``{created:%Y}/{name}``, see
            :data:`~.chosen_keys.FIELDS`.
        :param suffix: what the key has before its extension where another object has it already.
        :param accept_lifecycle: write to the bucket although a lifecycle rule deletes the objects again.
        :param cross_region: also to a bucket in another region than the vault, which has a price.
        :param checksum: what S3 compares and keeps of objects above 1 MiB: ``sha256``, or ``crc64nvme``,
            which needs the extra ``crt``.
        :param executor: copies the bytes, in other processes or on other computers; its workers sign
            with the credentials that they find.  None: threads of this process.
        :raises NameNotKnown: a word matches nothing.
        :raises InputError: there is no such bucket, storage class or tier, the bucket is in another
            region, or the keys cannot be used.
        :raises AccessDenied: the bucket belongs to another account, or may not be used.
        """
        place, storage_class = folder_for_keys(to), checked_class(storage_class)
        choice = ChosenKeys.of(place, keys, key, suffix)
        session = self.session
        objects = self._objects(place)
        if objects.region != session.region and not cross_region:
            raise InputError(
                f"The bucket {place.bucket} is in {objects.region}, and the vault in {session.region}",
                cure=f"Name a bucket in {session.region}. The way to another region is charged: "
                f"{option('cross-region', True)} shows the price.",
            )
        # By age, as they were stored: the service finds them faster.
        archives = by_age(self._selector.select(words))
        if choice.given:
            there = {archive.archive_id: archive for archive in archives}
            others = self._catalogue.archives.known(
                self.name, [each for each in choice.given if each not in there]
            )
            check_given(choice.given, there, {archive.archive_id for archive in others})
        if sample is not None:
            archives = nsmallest(sample, archives, key=_chance)
        return MigratePlan(
            archives,
            vault=self.name,
            place=place,
            storage_class=storage_class,
            objects=objects,
            pace=Pace.of(spread, daily),
            executor=executor,
            accept_lifecycle=accept_lifecycle,
            choice=choice,
            algorithm=checked_algorithm(checksum),
            **self._retrieval_options(tier, destination),
        )

    def _objects(self, place: BucketFolder) -> ObjectStore:
        """Return the calls to the region of a bucket."""
        session = self.session
        here = ObjectStore(session.service, session.region, attempts=5)
        region = here.bucket_region(place.bucket, session.account)
        return here if region == here.region else ObjectStore(session.service, region, attempts=5)

    def migrations(self, *words: Selectable) -> Migrations:
        """Return the moves of the vault's archives, or of those that *words* match.

        Its ``table`` is the manifest, ``save()`` writes it, ``prove()`` and ``resume()`` return plans.

        :param words: see :meth:`~.Vault.select`.
        """
        chosen = {archive.archive_id for archive in self._selector.select(words)} if words else None
        return Migrations(
            self.name,
            chosen,
            engine=self.session.engine,
            log=self.session.plan_log,
            migrate=partial(VaultMoves.migrate, self),  # that of a bucket refuses to be named
        )

    def recover_migrations(self, place: str) -> RecoverMovesPlan:
        """Return the plan to learn from a bucket what was moved to it: after the loss of the catalogue.

        The objects are listed; ``run()`` asks for the metadata of each that the catalogue does not know.
        A move that is learnt so has the first level of proof.

        :param place: such as ``s3://bucket/prefix``.
        :raises InputError: there is no such bucket.
        :raises AccessDenied: the bucket belongs to another account, or may not be listed.
        """
        found = folder_for_keys(place)
        return RecoverMovesPlan(
            self.name,
            found,
            objects=self._objects(found),
            engine=self.session.engine,
            log=self.session.plan_log,
        )

    def delete_migrated(
        self, *, max_fee: Decimal | int | str | None = None, proof: int = STORED_AS_SENT
    ) -> DeleteMovedPlan:
        """Return the plan to delete the archives that S3 has, proven by its own record of each.

        The object of an archive is the proof of others with the same name and bytes, too.  S3 is asked
        again immediately before each archive is deleted.  Archives younger than 90 days, whose
        deletion has a fee, are left out.

        :param max_fee: delete those as well if the fee is no more than so many US dollars.
        :param proof: the level of proof that a move must have: 2 to 4.
        :raises InputError: there are none.
        """
        if proof not in (STORED_AS_SENT, AT_REST, READ_BACK):
            raise InputError(
                f"Sources cannot be deleted with a proof of level {proof}", cure="Levels: 2, 3, 4."
            )
        now = self._service.clock.now_ms()
        moves = self._catalogue.moved.of_vault(self.name)
        proven = [row.archive_id for moved, row in moves if moved.proof >= proof]
        own = set(proven)
        proven += [each for each in self._catalogue.moved.same_as_proven(self.name, proof) if each not in own]
        known = self._catalogue.archives.known(self.name, proven)
        there = [archive for archive in known if archive.state not in (DELETED, "gone")]
        free = [a for a in there if max_fee is not None or (a.created and not hours_left(a.created, now))]
        if not free:
            young = f"{plural(len(there), 'archive')} proven in S3, none older than 90 days" if there else ""
            raise InputError(
                young or f"No archive of {self.name} is proven in S3 ({LEVELS[proof]}) and still there",
                cure=f"{option('max-fee', 'USD')} deletes younger ones."
                if there
                else f"{step('migrations')} shows what is moved, and how far it is proven.",
            )
        chosen = {archive.archive_id for archive in free}
        plan = DeleteMovedPlan(
            self._selector.choose([[archive.archive_id for archive in free]], None),
            engine=self.session.engine,
            log=self.session.plan_log,
            young=[archive for archive in there if archive.archive_id not in chosen],
            same=len(chosen - own),
            proof=proof,
        )
        return plan if max_fee is None else plan.limit_to(max_fee)


def _chance(archive: ArchiveRecord) -> str:
    return hashlib.sha256(archive.archive_id.encode()).hexdigest()
