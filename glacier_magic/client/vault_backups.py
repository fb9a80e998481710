"""The backups of a vault: sets of folders, and their snapshots."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from ..backup import backup_tables
from ..backup.keep import Keep
from ..backup.recovery import matcher
from ..backup.repacking import mostly_unused
from ..backup.rules import Rules
from ..backup.run import SET_NAME, BackupRun
from ..backup.run_options import RunOptions
from ..backup.set_scan import spools
from ..catalogue import ArchiveRecord
from ..catalogue.archives.as_of import Moment, last_ms
from ..catalogue.records.backup_rows import BackupSet, SnapshotRecord
from ..catalogue.records.deletion_records import DeletionChoice
from ..errors import InputError, LocalError, NotFound
from ..errors.steps import option, step
from ..explore.snapshot_explorer import SnapshotExplorer
from ..packs.encryption.identities import checked_recipient
from ..plans.backup_plan import BackupPlan
from ..plans.events import PlanEvent
from ..plans.prune_plan import PrunePlan, Pruning
from .backup_sets import BackupSets
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
        :param options: how files are compared, and packed.
        :raises InputError: the set is new and has no folder or neither recipients nor *plain*, or
            belongs to another computer; a folder does not exist; a pattern or recipient is not valid.
        """
        if exclude or rules:
            rules = replace(rules or Rules(), exclude=(*(rules.exclude if rules else ()), *exclude))
        definition = self._definition(name, folders, rules, recipients, plain=plain)
        options, storing = options or RunOptions(), replace(self._storing, once=True)

        return BackupPlan(
            definition,
            lambda: self._backup_run(self._recorded(definition), options),
            storing=storing,
            options=options,
            spool=self._spool(definition),
            log=self.session.plan_log,
        )

    @contextmanager
    def staging(
        self,
        name: str,
        *,
        recipients: Sequence[str] = (),
        plain: bool = False,
        options: RunOptions | None = None,
        max_cost: Decimal | int | str | None = None,
        within: str | os.PathLike[str] | None = None,
    ) -> Iterator[Path]:
        """Create a temporary folder, and back up what the block writes into it.

        The folder is removed in any case.  If the block raises an error, nothing is stored.

        >>> with vault.staging("nightly-db") as folder:                     # doctest: +SKIP
        ...     dump(folder / "db.sql")

        :param name: of the set; for the other parameters see :meth:`backup`, which checks them before the
            block, and :meth:`.BackupPlan.run`.
        :param within: the folder to create it in; None: the system's folder for temporary files.
        :raises LocalError: the block wrote nothing, or a file cannot be read; the others are stored.
        """
        with tempfile.TemporaryDirectory(prefix="glacier_magic-", dir=within) as made:
            # Fails before the block does its work.
            self._definition(name, [made], recipients=recipients, plain=plain)
            yield Path(made)
            if not any(Path(made).iterdir()):
                raise LocalError(
                    f"Nothing was written for {name!r}", cure="Write into the folder of the block."
                )
            plan = self.backup(name, made, recipients=recipients, plain=plain, options=options)
            ran = plan.run(max_cost=max_cost)
            if ran.unread or ran.hook_error:
                raise LocalError(repr(ran))

    def resume_backup(self, name: str, stop: threading.Event | None = None) -> None:
        """Store the packs that an interrupted backup of a set has left; its folders are not scanned.

        :param stop: ends it early.
        :raises NotFound: there is no such set.
        :raises Unavailable: another process backs it up.
        """
        run = self._backup_run(self._set(name), RunOptions())
        run.stop = stop or run.stop
        run.send_rest()

    def _backup_run(self, found: BackupSet, options: RunOptions) -> BackupRun:
        storing = replace(self._storing, once=True)
        return BackupRun(self._catalogue, found, storing, self._spool(found), self._now, options)

    def on(self, event: str, callback: Callable[[PlanEvent], object]) -> None:
        """Call a function whenever a backup, recovery or prune of this vault starts, ends or fails.

        Only plans of this session call it, in the thread that runs them.

        :param event: ``backup.start``, ``backup.done``, ``backup.failed``, and so for ``recover`` and
            ``prune``.  A recovery starts with its requests, and is done when the files are written.
        :param callback: gets a :class:`.PlanEvent`.
        :raises InputError: there is no such event.
        """
        self.session.plan_log.events.on(self.name, event, callback)

    def backups(self) -> BackupSets:
        """Return the sets of the vault, with their last and next runs, sizes and prices."""
        return BackupSets(self.session, self.name)

    def snapshots(self, name: str | None = None) -> pd.DataFrame:
        """Return the snapshots of a set, or of all sets of the vault, as a DataFrame.

        One row per finished snapshot: set, snapshot, time, files, size, sent, unread, labels, note.

        *size* is the size of all its files, and *sent* that of the packs that its run stored, in bytes.

        :raises NotFound: there is no such set.
        """
        backups = self._catalogue.backups
        sets = [self._set(name)] if name else backups.sets(vault=self.name)
        return backup_tables.snapshots({one.name: backups.snapshots(one.id) for one in sets})

    def snapshot_files(self, name: str, *patterns: str, as_of: Moment | int | None = None) -> pd.DataFrame:
        """Return the files, folders and links of a snapshot as a DataFrame: path, kind, size, modified.

        :param patterns: names, globs and folders; none means all.
        :param as_of: see :meth:`recover`.
        :raises NotFound: there is no such set or snapshot.
        """
        found = self._set(name)
        snapshot, wanted = self._snapshot(found, as_of), matcher(patterns)
        entries = self._catalogue.backups.entries(found.id, snapshot.ordinal)
        return backup_tables.files(entry for entry in entries if wanted(entry.path))

    def explore_snapshot(
        self, name: str, as_of: Moment | int | None = None, *, key: str | os.PathLike[str] | None = None
    ) -> SnapshotExplorer:
        """Return the explorer of a snapshot, whose selection can be recovered.

        :param as_of: see :meth:`recover`, and so for *key*.
        :raises NotFound: there is no such set or snapshot.
        """
        found = self._set(name)
        snapshot = self._snapshot(found, as_of)
        entries = self._catalogue.backups.entries(found.id, snapshot.ordinal)
        return SnapshotExplorer(self.session.vault(self.name), found, snapshot, entries, key)

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
        return backup_tables.differences(before, after)

    def prune(self, name: str, keep: Keep, *, now: bool = False) -> PrunePlan:
        """Return the plan to give up snapshots, and to delete the archives that only they need.

        Nothing is deleted until its ``run()``.

        :param keep: which snapshots are kept.
        :param now: also delete archives that are not 90 days old; the rest of the 90 days is charged.
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

    def repack(self, name: str, keep: Keep) -> BackupPlan:
        """Return the plan to repack packs of which the kept snapshots need less than half.

        It is a backup that also stores the needed contents of these packs again, if all of them are
        unchanged in the folders; nothing is retrieved.  A later :meth:`prune` deletes the old packs.

        :param keep: which snapshots are kept.
        :raises NotFound: there is no such set.
        :raises NotReady: its last backup has not ended yet.
        """
        found = self._set(name)
        kept = Pruning.of(self._catalogue, found, keep, at=self._now(), early=False).kept
        return self.backup(name, options=RunOptions(repack=mostly_unused(self._catalogue, found, kept)))

    def _snapshot(self, found: BackupSet, as_of: Moment | int | None) -> SnapshotRecord:
        made = [one for one in self._catalogue.backups.snapshots(found.id) if one.finished is not None]
        if isinstance(as_of, int):
            made = [one for one in made if one.ordinal == as_of]
        elif as_of is not None:
            try:
                last = last_ms(as_of) or 0
            except InputError:
                raise InputError(
                    f"{str(as_of)!a:.60} is neither the number of a snapshot nor a date",
                    cure=f"{step('snapshots', found.name)} lists them; write a date like 2026-10-01.",
                ) from None
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
        name: str,
        folders: Sequence[str | os.PathLike[str]],
        rules: Rules | None = None,
        recipients: Sequence[str] = (),
        *,
        plain: bool,
    ) -> BackupSet:
        if not SET_NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot be the name of a set", cure="Use letters, digits and . _ + -")
        if plain and recipients:
            raise InputError(
                "A set is either encrypted for recipients or plain", cure="Leave one of them out."
            )
        known = next(iter(self._catalogue.backups.sets(name, self.name)), None)
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
