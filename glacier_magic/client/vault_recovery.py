"""Adopting, checking and recovering the backups of a vault."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..backup import backup_tables
from ..backup.adopting import NAME as MANIFEST_NAME
from ..backup.adopting import adopt, read_manifest
from ..backup.from_packs import UnknownPacks
from ..backup.recovery import Recovery, folder_of_parts
from ..backup.sampling import Sample, checked_amount
from ..base.ranges import ByteRange
from ..catalogue import ArchiveRecord
from ..catalogue.archives.as_of import Moment
from ..catalogue.records.backup_rows import BackupSet, PackRecord
from ..catalogue.records.downloads import Download
from ..errors import InputError, NotFound, WrongKey
from ..errors.steps import option, step
from ..packs.encryption import Identity, read_identities
from ..plans.adopt_plan import AdoptPlan
from ..plans.recover_plan import RecoverPlan
from ..plans.restore.items import RestoreItem, is_there
from ..plans.sample_plan import SamplePlan
from .vault_backups import VaultBackups

if TYPE_CHECKING:
    import os

    import pandas as pd

P = TypeVar("P", bound=RecoverPlan)


class VaultRecovery(VaultBackups):
    """The plans that retrieve backups of a vault; :class:`.Vault` adds the rest."""

    def adopt(
        self,
        name: str | None = None,
        *,
        key: str | os.PathLike[str] | None = None,
        from_packs: bool = False,
        tier: str = "Standard",
        destination: str | None = None,
    ) -> AdoptPlan:
        """Return the plan to take over the backups of another or a lost computer.

        It retrieves the newest manifest of each set that the catalogue does not know; read an inventory
        first.  When they are there, the plan's :meth:`~.AdoptPlan.adopt` records the sets.

        :param name: that of a set; None: all sets.
        :param key: a file of age identities, if the manifests are encrypted.
        :param from_packs: read the indexes of the packs stored after the last known snapshot instead, for a
            backup whose manifest was never stored.  An index of many files needs a second plan.
        :param tier: see :meth:`restore`, and so for *destination*.
        :raises NotFound: the newest inventory has no manifest of an unknown set, or no such pack.
        :raises InputError: a manifest or pack is encrypted, and *key* is None.
        :raises WrongKey: the key does not open a pack.
        """
        identities = self._identities(key)
        how = self._retrieval_options(tier, destination)
        if from_packs:
            return self._adopt_packs(name, identities, how)
        known = {one.name for one in self._catalogue.backups.sets(vault=self.name)}
        newest: dict[str, ArchiveRecord] = {}
        for archive in self._catalogue.archives.matching(self.name, "*.manifest.tar.zst*"):
            found = MANIFEST_NAME.fullmatch(archive.name)
            if found and found["set"] not in known and name in (None, found["set"]):
                newest[found["set"]] = max(
                    archive, newest.get(found["set"], archive), key=lambda one: one.name
                )
        self._check_found(list(newest.values()), "manifest", name, identities)

        def read(items: Sequence[RestoreItem]) -> list[BackupSet]:
            return [
                adopt(self._catalogue, self.name, read_manifest(item.target, identities), item.archive)
                for item in items
            ]

        return AdoptPlan(
            list(newest.values()), vault=self.name, read=read, to=self._catalogue.folder / "manifests", **how
        )

    def _adopt_packs(self, name: str | None, identities: list[Identity], how: dict[str, Any]) -> AdoptPlan:
        folder = self._catalogue.folder / "indexes"
        there = defaultdict(list)
        for row, part in self._parts_below(folder):
            if not row.open:
                there[row.archive_id].append((part, Path(row.target)))
        packs = UnknownPacks(self._catalogue, self.name, name, identities, there)
        self._check_found(list(packs.archives.values()), "pack", name, identities)
        wanted = [(packs.archives[one], part) for one, parts in packs.ranges.items() for part in parts]

        def read(items: Sequence[RestoreItem]) -> list[BackupSet]:
            parts = defaultdict(list)
            for item in items:
                if item.part:
                    parts[item.archive.archive_id].append((item.part, item.target))
            packs.parts = parts
            return packs.adopt()

        archives, parts = [archive for archive, _ in wanted], [part for _, part in wanted]
        return AdoptPlan(archives, parts, vault=self.name, exact=True, read=read, to=folder, **how)

    def _check_found(
        self, archives: Sequence[ArchiveRecord], what: str, name: str | None, identities: Sequence[Identity]
    ) -> None:
        if not archives:
            which = repr(name) if name else "an unknown backup"
            raise NotFound(
                f"The newest inventory has no {what} of {which}",
                cure=f"{step('inventory')} reads what is in the vault.",
            )
        if not identities and any(archive.name.endswith(".age") for archive in archives):
            raise InputError(f"The {what}s are encrypted", cure=f"Add {option('key')} FILE.")

    def _identities(self, key: str | os.PathLike[str] | None) -> list[Identity]:
        return [] if key is None else read_identities(Path(key).expanduser())

    def _parts_below(self, folder: Path) -> list[tuple[Download, ByteRange]]:
        """Return the parts that are in a folder, or will be."""
        rows = self._catalogue.downloads.below(self.name, str(folder))
        return [(row, row.asked_part) for row in rows if row.asked_part and (row.open or is_there(row))]

    def check_backup(self, name: str) -> pd.DataFrame:
        """Compare the archives that snapshots of a set need with the catalogue; no request is sent.

        One row per archive: name, size, state, problem, which is empty if there is none.

        :raises NotFound: there is no such set.
        """
        found, backups = self._set(name), self._catalogue.backups
        needed = backups.needed_packs(found.id, [one.ordinal for one in backups.snapshots(found.id)])
        packs = [pack for pack in backups.packs(found.id) if pack.id in needed]
        return backup_tables.checked(
            (pack, self._catalogue.archives.get(self.name, pack.archive_id or "")) for pack in packs
        )

    def check_sample(
        self,
        name: str,
        amount: str = "1",
        *,
        key: str | os.PathLike[str] | None = None,
        tier: str = "Standard",
        destination: str | None = None,
    ) -> SamplePlan:
        """Return the plan to read random files of the last snapshot; no request is sent until its ``run()``.

        Only the parts of packs that have the files are retrieved.  When they are there, the plan's
        :meth:`~.SamplePlan.verify` decrypts each file and compares its SHA-256.  The next sample has others.

        :param amount: a number of files, or a share such as ``1%``.
        :param key: see :meth:`recover`, and so for *tier* and *destination*.
        :raises NotFound: there is no such set, or no file with a content.
        :raises InputError: the amount is not valid.
        :raises WrongKey: the key does not open the packs.
        """
        found, folder = self._set(name), self._catalogue.folder / "samples" / self.name / name
        ended = [row for row in self._catalogue.downloads.below(self.name, str(folder)) if not row.open]
        # The number of samples before: their parts are removed when they have been read.
        number = sum(row.tree_hash is not None and not Path(row.target).exists() for row in ended)
        recovery = Sample(
            *(self._catalogue, found, self._snapshot(found, None), (), folder),
            *(self._identities_for(found, key), self._held(folder)),
            *(checked_amount(amount), number),
        )

        def again(*, tier: str, destination: str, **_: Any) -> SamplePlan:  # it has no folder to choose
            return self.check_sample(name, amount, key=key, tier=tier, destination=destination)

        return self._recovery_plan(SamplePlan, recovery, again, folder, tier, destination)

    def recover(
        self,
        name: str,
        *patterns: str | Collection[str],
        as_of: Moment | int | None = None,
        to: str | os.PathLike[str] = "recovered",
        key: str | os.PathLike[str] | None = None,
        tier: str = "Standard",
        destination: str | None = None,
    ) -> RecoverPlan:
        """Return the plan to recover files of a snapshot; no request is sent until its ``run()``.

        Only the parts of packs that have the files are retrieved.  When they are there, the plan's
        :meth:`~.RecoverPlan.extract` writes the files, each after its content matched its hash.

        :param patterns: names, globs and folders, and collections of exact paths; none means all.
        :param as_of: a time, for the last snapshot until then, or the number of a snapshot; None: the last.
        :param key: a file of age identities, if the set is encrypted.
        :param tier: see :meth:`restore`, and so for *destination*.
        :raises NotFound: there is no such set, snapshot or file.
        :raises WrongKey: the key does not open the packs.
        """
        found = self._set(name)
        folder = Path(to).expanduser().absolute()
        parts, snapshot = folder_of_parts(folder, found), self._snapshot(found, as_of)
        recovery = Recovery(
            *(self._catalogue, found, snapshot, patterns, folder),
            *(self._identities_for(found, key), self._held(parts)),
        )
        again = partial(self.recover, name, *patterns, as_of=snapshot.ordinal, key=key)
        return self._recovery_plan(RecoverPlan, recovery, again, parts, tier, destination)

    def _identities_for(self, found: BackupSet, key: str | os.PathLike[str] | None) -> list[Identity]:
        if found.recipients and key is None:
            readers = ", ".join(found.recipients)
            raise WrongKey(f"{found.name!r} is encrypted for {readers}", cure=f"Add {option('key')} FILE.")
        return self._identities(key)

    def _held(self, folder: Path) -> list[tuple[str, ByteRange]]:
        return [(row.archive_id, part) for row, part in self._parts_below(folder)]

    def _recovery_plan(
        self,
        plan: type[P],
        recovery: Recovery,
        again: Callable[..., P],
        folder: Path,
        tier: str,
        destination: str | None,
    ) -> P:
        packs = recovery.packs
        wanted = [(packs[number], part) for number, ranges in recovery.ranges.items() for part in ranges]
        archives = [self._archive_of(pack) for pack, _ in wanted]
        parts, how = [part for _, part in wanted], self._retrieval_options(tier, destination)
        return plan(recovery, again, archives, parts, vault=self.name, to=folder, **how)

    def _archive_of(self, pack: PackRecord) -> ArchiveRecord:
        found = self._catalogue.archives.get(self.name, pack.archive_id or "")
        if found is None:
            raise NotFound(f"The catalogue has no archive of the pack {pack.name!r}")
        return found
