"""The plan to give up snapshots, and to delete what only they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..backup.adopting import NAME as MANIFEST_NAME
from ..backup.keep import Keep
from ..backup.lease import leased
from ..base.units import from_ms, human_bytes, local_time, plural
from ..catalogue import ArchiveRecord, Catalogue
from ..catalogue.records.backup_rows import BackupSet, SnapshotRecord
from ..catalogue.records.deletion_records import DeletionChoice
from ..errors import NotReady
from ..errors.steps import step
from ..transfer.engine import Engine
from .base import PlanLog
from .delete.delete_plan import Deleted, DeletePlan

DAYS = 90
"""The service charges the rest of 90 days for an archive that is deleted before (Glacier pricing)."""


@dataclass(frozen=True)
class Pruning:
    """What a prune gives up: snapshots, and the archives that no kept one needs.

    :param kept: the rules that keep each of the other snapshots, by its number.
    :param later: archives that are not 90 days old.
    :param held: archives that snapshots unknown to the catalogue may need, and *strange* the manifests of
        these snapshots.
    """

    given_up: list[SnapshotRecord]
    kept: dict[int, list[str]]
    now: list[ArchiveRecord]
    later: list[ArchiveRecord]
    held: list[ArchiveRecord]
    strange: list[ArchiveRecord]

    @classmethod
    def of(cls, catalogue: Catalogue, found: BackupSet, keep: Keep, *, at: int, early: bool) -> Pruning:
        """Return it for a set at a time, in milliseconds.

        :param early: delete archives of any age.
        :raises NotReady: a backup has not ended yet, so what it needs is not known.
        """
        snapshots = catalogue.backups.snapshots(found.id)
        if any(one.finished is None for one in snapshots):
            raise NotReady(
                f"The last backup of {found.name!r} has not ended yet",
                cure=f"{step('backup', found.name)} goes on with it.",
            )
        times = {datetime.fromtimestamp(one.started / 1000, UTC): one for one in snapshots}
        labelled = [(time, one.labels) for time, one in times.items()]
        rules = keep.kept(labelled, datetime.fromtimestamp(at / 1000, UTC))
        kept = {times[time].ordinal: names for time, names in rules.items()}
        given_up = [one for one in snapshots if one.ordinal not in kept]
        needed, packs = catalogue.backups.needed_packs(found.id, kept), catalogue.backups.packs(found.id)
        own = f"{found.name}/"
        archives = [
            archive
            for pack in packs
            if pack.id not in needed and pack.archive_id
            if (archive := catalogue.archives.get(found.vault, pack.archive_id))
            if archive.state in ("present", "pending") and archive.name.startswith(own)
        ]
        # A snapshot of another computer, or one that was not adopted, can need what was stored before it.
        known = {pack.name for pack in packs}  # by name: a lost answer can leave a copy of one
        strange = [
            archive
            for archive in catalogue.archives.matching(found.vault, f"{own}*.manifest.tar.zst*")
            if MANIFEST_NAME.fullmatch(archive.name) and archive.name not in known
            if archive.state in ("present", "pending")
        ]
        newest = max((archive.created or at for archive in strange), default=-1)
        free = [archive for archive in archives if (archive.created or 0) > newest]
        old = at - DAYS * 86_400_000
        now = [archive for archive in free if early or (archive.created or at) <= old]
        later = [archive for archive in free if archive not in now]
        held = [archive for archive in archives if archive not in free]
        return cls(given_up, kept, now, later, held, strange)


class PrunePlan(DeletePlan):
    """Snapshots to give up, and the archives to delete for that.

    The snapshots are given up before the first archive is deleted: an interruption leaves archives that
    cost money, but no snapshot whose archives are gone.

    :param decide: returns what to give up now.
    """

    kind = "delete"
    button = "Prune"

    def __init__(
        self,
        found: BackupSet,
        decide: Callable[[], Pruning],
        choose: Callable[[list[ArchiveRecord]], DeletionChoice],
        *,
        engine: Engine,
        log: PlanLog,
    ) -> None:
        self.set, self._decide, self._choose = found, decide, choose
        self._told, self.pruning = log.events, decide()
        super().__init__(choose(self.pruning.now), engine=engine, log=log)

    def _decide_again(self) -> None:
        shown, now = self.pruning, self._decide()
        # Only what was shown, without what a backup since then needs.
        given_up = [one for one in now.given_up if one in shown.given_up]
        ids = {archive.archive_id for archive in shown.now}
        archives = [archive for archive in now.now if archive.archive_id in ids]
        self.pruning = replace(now, given_up=given_up, now=archives)
        self.choice = self._choose(self.pruning.now)
        super()._decide_again()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to give up and nothing to delete."""
        return not self.pruning.given_up and not len(self.choice)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        count = len(self.pruning.given_up)
        given_up = f"Give up {plural(count, 'snapshot')} of {self.set.name}"
        if not len(self.choice):
            return f"{given_up}; delete no archive yet"
        return f"{given_up}; {super().title[0].lower()}{super().title[1:]}" if count else super().title

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        pruning = self.pruning
        facts = [
            ("given up", ", ".join(_named(one) for one in pruning.given_up) or "no snapshot"),
            ("kept", ", ".join(f"{n} ({', '.join(rules)})" for n, rules in sorted(pruning.kept.items()))),
        ]
        if pruning.later:
            last = max(archive.created or 0 for archive in pruning.later) + DAYS * 86_400_000
            size = human_bytes(sum(archive.size or 0 for archive in pruning.later))
            facts.append(
                (
                    "kept until day 90",
                    f"{plural(len(pruning.later), 'archive')}, {size}: the fee for deleting now is the price "
                    f"of keeping until then; free from {local_time(from_ms(last))} on, by the next prune",
                )
            )
        if pruning.held:
            count = plural(len(pruning.strange), "manifest")
            facts.append(
                (
                    "kept for others",
                    f"{plural(len(pruning.held), 'archive')} that snapshots unknown to this catalogue may "
                    f"need: the vault has {count} of such snapshots, for example {pruning.strange[-1].name}. "
                    f"If nobody needs a snapshot, delete its manifest: {step('rm', 'NAME')}",
                )
            )
        if not len(self.choice):
            return [*facts, ("price", self.quote.headline())]
        return [*facts, *super().facts]

    def _run(self) -> Deleted:
        return self._told.around("prune", self.set.vault, self.set.name, self._pruned)

    def _pruned(self) -> Deleted:
        with leased(self._engine, self.set):  # a backup could refer to the archives
            self._decide_again()
            ordinals = [one.ordinal for one in self.pruning.given_up]
            self._engine.catalogue.backups.forget(self.set.id, ordinals)
        done = super()._run()
        if ordinals:
            done.besides = f"Gave up {plural(len(ordinals), 'snapshot')} of {self.set.name}. "
        return done

    def _needed(self) -> frozenset[str]:
        return frozenset()  # the archives that kept snapshots need are not in the plan


def _named(snapshot: SnapshotRecord) -> str:
    return f"{snapshot.ordinal} ({local_time(from_ms(snapshot.started))})"
