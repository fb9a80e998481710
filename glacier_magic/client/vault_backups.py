"""The backups of a vault: sets of folders, and their snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..backup import tables
from ..backup.adopting import NAME as MANIFEST_NAME
from ..backup.adopting import adopt, read_manifest
from ..backup.keep import Keep
from ..backup.looking import spools
from ..backup.recovery import Recovery, folder_of_parts, matcher
from ..backup.rules import Rules
from ..backup.run import SET_NAME, BackupRun, RunOptions
from ..catalogue import ArchiveRecord
from ..catalogue.archives.as_of import Moment, last_ms
from ..catalogue.records.backup_rows import BackupSet, PackRecord, SnapshotRecord
from ..catalogue.records.deletion_records import DeletionChoice
from ..errors import InputError, NotFound, WrongKey
from ..errors.steps import option, step
from ..packs.encryption.identities import checked_recipient, read_identities
from ..plans.adopt_plan import AdoptPlan
from ..plans.backup_plan import BackupPlan
from ..plans.prune_plan import PrunePlan, Pruning
from ..plans.recover_plan import RecoverPlan
from ..plans.restore.items import RestoreItem, is_there
from ..plans.restore.quoting import checked_destination, checked_tier, default_destination
from .vault_archives import VaultArchives

if TYPE_CHECKING:
    import os
    import threading

    import pandas as pd


class VaultBackups(VaultArchives):
    """The backups of a vault; :class:`.Vault` adds the rest."""

    def backup(
        self,
        name: str,
        *folders: str | os.PathLike[str],
        rules: Rules | None = None,
        exclude: Sequence[str] = (),
        recipients: Sequence[str] = (),
        plain: bool = False,
        options: RunOptions | None = None,
    ) -> BackupPlan:
        """Return the plan to store what is new in folders; nothing is sent until its ``run()``.

        The first time defines the set: its folders, rules and recipients.  Later, the name is enough;
        what is given replaces what the set has, from then on.

        :param name: of the set, which its archives begin with.
        :param folders: folders and files.
        :param rules: what is left out; *exclude* is short for patterns alone.
        :param recipients: who can read it: ``age1...``, as ``key new`` shows it.
        :param plain: do not encrypt it.
        :param options: how files are looked at, and packed.
        :raises InputError: the set is new and has no folder or neither recipients nor *plain*, or
            belongs to another computer; a folder does not exist; a pattern or recipient is none.
        """
        if not SET_NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot be the name of a set", cure="Use letters, digits and . _ + -")
        if plain and recipients:
            raise InputError(
                "A set is either encrypted for recipients or plain", cure="Leave one of them out."
            )
        known = self._catalogue.backups.sets(name, self.name)
        if exclude or rules:
            rules = replace(rules or Rules(), exclude=(*(rules.exclude if rules else ()), *exclude))
        definition = self._definition(
            known[0] if known else None, name, folders, rules, recipients, plain=plain
        )
        options = options or RunOptions()

        return BackupPlan(
            definition,
            lambda: self._backup_run(self._recorded(definition), options),
            storing=self._storing,
            options=options,
            spool=self._spool(definition),
            log=self.session.plan_log,
        )

    def resume_backup(self, name: str, stop: threading.Event | None = None) -> None:
        """Store the packs of a set that an interrupted backup has left; its files are not looked at.

        :param stop: ends it early.
        :raises NotFound: there is no such set.
        :raises Unavailable: another process backs it up.
        """
        run = self._backup_run(self._set(name), RunOptions())
        run.stop = stop or run.stop
        run.send_rest()

    def _backup_run(self, found: BackupSet, options: RunOptions) -> BackupRun:
        return BackupRun(self._catalogue, found, self._storing, self._spool(found), self._now, options)

    def snapshots(self, name: str | None = None) -> pd.DataFrame:
        """Return the snapshots of a set, or of all sets of the vault, as a DataFrame.

        One row a finished snapshot: set, snapshot, time, files, size, sent, unread.

        *size* has the bytes of all its files, *sent* those that its run stored, packed.

        :raises NotFound: there is no such set.
        """
        backups = self._catalogue.backups
        sets = [self._set(name)] if name else backups.sets(vault=self.name)
        return tables.snapshots({one.name: backups.snapshots(one.id) for one in sets})

    def snapshot_files(self, name: str, *patterns: str, as_of: Moment | int | None = None) -> pd.DataFrame:
        """Return the files, folders and links of a snapshot as a DataFrame: path, kind, size, modified.

        :param patterns: names, globs and folders; none means all.
        :param as_of: see :meth:`recover`.
        :raises NotFound: there is no such set or snapshot.
        """
        found = self._set(name)
        snapshot, wanted = self._snapshot(found, as_of), matcher(patterns)
        entries = self._catalogue.backups.entries(found.id, snapshot.ordinal)
        return tables.files(entry for entry in entries if wanted(entry.path))

    def compare_snapshots(self, name: str, first: Moment | int, second: Moment | int) -> pd.DataFrame:
        """Return what differs between two snapshots as a DataFrame: path, state, size, modified.

        The state is new, changed or gone; size and time are those of the second, unless it is gone.

        :param first: see :meth:`recover`, and so for *second*.
        :raises NotFound: there is no such set or snapshot.
        """
        found = self._set(name)
        before, after = (
            self._catalogue.backups.entries(found.id, self._snapshot(found, each).ordinal)
            for each in (first, second)
        )
        return tables.differences(before, after)

    def prune(self, name: str, keep: Keep, *, now: bool = False) -> PrunePlan:
        """Return the plan to give up snapshots, and to delete the archives that only they need.

        Nothing is deleted until its ``run()``.

        :param keep: which snapshots are kept.
        :param now: delete archives that are not 90 days old, too; the rest of 90 days is charged.
        :raises NotFound: there is no such set.
        :raises NotReady: its last backup has not ended yet.
        """
        found = self._set(name)

        def decide() -> Pruning:
            return Pruning.of(self._catalogue, found, keep, at=self._now(), early=now)

        def choose(archives: list[ArchiveRecord]) -> DeletionChoice:
            if not archives:
                return DeletionChoice(self._catalogue.archives, self.name, ())
            return self._selector.choose([[archive.archive_id for archive in archives]], None)

        return PrunePlan(found, decide, choose, engine=self.session.engine, log=self.session.plan_log)

    def adopt(
        self,
        name: str | None = None,
        *,
        key: str | os.PathLike[str] | None = None,
        tier: str = "Standard",
        destination: str | None = None,
    ) -> AdoptPlan:
        """Return the plan to learn from the vault what another computer, or a lost one, backed up.

        The newest manifest of each set that the catalogue does not know is retrieved; an inventory has to
        be read before.  When they are there, the plan's :meth:`~.AdoptPlan.adopt` records the sets.

        :param name: of one set.
        :param key: a file of age identities, if the manifests are encrypted.
        :param tier: see :meth:`restore`, and so for *destination*.
        :raises NotFound: there is no manifest of a set that is not known.
        :raises InputError: a manifest is encrypted, and there is no key.
        """
        known = {one.name for one in self._catalogue.backups.sets(vault=self.name)}
        newest: dict[str, ArchiveRecord] = {}
        for archive in self._catalogue.archives.matching(self.name, "*.manifest.tar.zst*"):
            found = MANIFEST_NAME.fullmatch(archive.name)
            if found and found["set"] not in known and name in (None, found["set"]):
                newest[found["set"]] = max(
                    archive, newest.get(found["set"], archive), key=lambda one: one.name
                )
        if not newest:
            which = repr(name) if name else "a backup that is new here"
            raise NotFound(
                f"The newest inventory has no manifest of {which}",
                cure=f"{step('inventory')} reads what is in the vault.",
            )
        if key is None and any(archive.name.endswith(".age") for archive in newest.values()):
            raise InputError("The manifests are encrypted", cure=f"Add {option('key')} FILE.")
        identities = read_identities(Path(key).expanduser()) if key is not None else []

        def read(item: RestoreItem) -> BackupSet:
            return adopt(self._catalogue, self.name, read_manifest(item.target, identities), item.archive)

        return AdoptPlan(
            list(newest.values()),
            None,
            read=read,
            vault=self.name,
            tier=checked_tier(tier),
            to=self._catalogue.folder / "manifests",
            destination=checked_destination(destination or default_destination()),
            tracker=self.session.tracker,
            log=self.session.plan_log,
        )

    def check_backup(self, name: str) -> pd.DataFrame:
        """Compare the archives that snapshots of a set need with the catalogue, at no cost.

        One row an archive: name, size, state, problem; the problem is empty if it is there as it was stored.

        :raises NotFound: there is no such set.
        """
        found, backups = self._set(name), self._catalogue.backups
        needed = backups.needed_packs(found.id, [one.ordinal for one in backups.snapshots(found.id)])
        packs = [pack for pack in backups.packs(found.id) if pack.id in needed]
        return tables.checked(
            (pack, self._catalogue.archives.get(self.name, pack.archive_id or "")) for pack in packs
        )

    def recover(
        self,
        name: str,
        *patterns: str,
        as_of: Moment | int | None = None,
        to: str | os.PathLike[str] = "recovered",
        key: str | os.PathLike[str] | None = None,
        tier: str = "Standard",
        destination: str | None = None,
    ) -> RecoverPlan:
        """Return the plan to get files of a snapshot back; no request is sent until its ``run()``.

        Only those parts of packs are retrieved that have the files.  When they are there, the plan's
        :meth:`~.RecoverPlan.extract` writes the files, each after its content matched its hash.

        :param patterns: names, globs and folders; none means all.
        :param as_of: a time, for the last snapshot until then, or the number of a snapshot; None: the last.
        :param key: a file of age identities, if the set is encrypted.
        :param tier: see :meth:`restore`, and so for *destination*.
        :raises NotFound: there is no such set, snapshot or file.
        :raises WrongKey: the key does not open the packs.
        """
        found = self._set(name)
        folder = Path(to).expanduser().absolute()
        if found.recipients and key is None:
            raise WrongKey(
                f"{name!r} is encrypted for {', '.join(found.recipients)}", cure=f"Add {option('key')} FILE."
            )
        identities = read_identities(Path(key).expanduser()) if key is not None else []
        parts = folder_of_parts(folder, found)
        held = [
            (row.archive_id, row.asked_part)
            for row in self._catalogue.downloads.below(self.name, str(parts))
            if row.asked_part and (row.open or is_there(row))
        ]
        recovery = Recovery(
            self._catalogue, found, self._snapshot(found, as_of), patterns, folder, identities, held
        )
        packs = recovery.packs
        wanted = [(packs[number], part) for number, parts in recovery.ranges.items() for part in parts]
        archives = [self._archive_of(pack) for pack, _ in wanted]
        return RecoverPlan(
            recovery,
            archives,
            [part for _, part in wanted],
            vault=self.name,
            tier=checked_tier(tier),
            to=parts,
            destination=checked_destination(destination or default_destination()),
            tracker=self.session.tracker,
            log=self.session.plan_log,
        )

    def _archive_of(self, pack: PackRecord) -> ArchiveRecord:
        found = self._catalogue.archives.get(self.name, pack.archive_id or "")
        if found is None:
            raise NotFound(f"The catalogue has no archive of the pack {pack.name!r}")
        return found

    def _snapshot(self, found: BackupSet, as_of: Moment | int | None) -> SnapshotRecord:
        made = [one for one in self._catalogue.backups.snapshots(found.id) if one.finished is not None]
        if isinstance(as_of, int):
            made = [one for one in made if one.ordinal == as_of]
        elif as_of is not None:
            last = last_ms(as_of) or 0
            made = [one for one in made if one.started <= last]
        if not made:
            which = "" if as_of is None else f" {as_of}" if isinstance(as_of, int) else f" until {as_of}"
            raise NotFound(
                f"{found.name!r} has no snapshot{which}", cure=f"{step('snapshots', found.name)} lists them."
            )
        return made[-1]

    def _set(self, name: str) -> BackupSet:
        found = self._catalogue.backups.sets(name, self.name)
        if not found:
            raise NotFound(
                f"There is no backup {name!r} in {self.name!r}", cure=f"{step('snapshots')} lists them."
            )
        return found[0]

    def _definition(
        self,
        known: BackupSet | None,
        name: str,
        folders: Sequence[str | os.PathLike[str]],
        rules: Rules | None,
        recipients: Sequence[str],
        *,
        plain: bool,
    ) -> BackupSet:
        home = self._catalogue.database.home
        if known is not None and known.home != home:
            raise InputError(
                f"The backup {name!r} belongs to another computer or user", cure="Choose another name."
            )
        if known is None and not folders:
            raise InputError(
                f"There is no backup {name!r} yet", cure="Name the folders that it takes the first time."
            )
        if known is None and not (recipients or plain):
            raise InputError(
                "A backup is either encrypted for recipients or plain",
                cure=f"Add {option('recipient', 'age1...')}, as {step('key', 'new FILE')} prints it, or "
                f"{option('plain', True)}.",
            )
        roots = [str(Path(folder).expanduser().absolute()) for folder in folders]
        now = BackupSet(
            id=0,
            vault=self.name,
            name=name,
            home=home,
            roots=[],
            rules={},
            recipients=[],
            created=0,
            checked=None,
        )
        definition = known or now
        if roots:
            definition = replace(definition, roots=roots)
        if rules is not None or known is None:
            definition = replace(definition, rules=asdict(rules or Rules()))
        if recipients or plain:
            definition = replace(definition, recipients=[checked_recipient(one) for one in recipients])
        return definition

    def _recorded(self, definition: BackupSet) -> BackupSet:
        backups = self._catalogue.backups
        what = (definition.roots, definition.rules, definition.recipients)
        if definition.id:
            backups.redefine(definition.id, *what)
            return definition
        known = backups.sets(definition.name, self.name)  # a second run of the plan
        return known[0] if known else backups.define(self.name, definition.name, *what, now=self._now())

    def _spool(self, definition: BackupSet) -> Path:
        return spools(self._catalogue) / self.session.region / self.name / definition.name

    def _now(self) -> int:
        return self.session.plan_log.clock.now_ms()
