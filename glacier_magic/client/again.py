"""Repeated requests: for expired outputs, and for those about to expire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base.bucket_names import is_bucket
from ..base.ranges import Asked, ByteRange
from ..catalogue import Download
from ..catalogue.records.moved_records import is_object
from ..errors import InputError
from ..errors.steps import option, step
from ..jobs import JobRow
from ..jobs.board import download_number
from ..plans import CombinedRestore, ExtendPlan, RestorePlan
from ..plans.restore.quoting import checked_tier
from ..plans.restore.timetable import Pace, stop
from .selection import unknown_archive

if TYPE_CHECKING:
    from .selection import Selectable
    from .session import Session


Group = tuple[str, str, str, bool, int | None]
"""Vault, folder, tier, whether it is about parts, and the days of copies: each group is one plan."""
Wanted = dict[Group, dict[tuple[str, ByteRange | None], None]]
"""The archives of each group with their parts, in order, each once."""


Restores = RestorePlan | CombinedRestore
"""A plan, or several that are run as one."""


@dataclass(frozen=True)
class Reissue:
    """Makes requests of a session a second time."""

    session: Session

    def restore(
        self,
        words: Sequence[Selectable],
        *,
        vault: str | None,
        tier: str | None,
        destination: str | None,
        pace: Pace | None,
    ) -> Restores:
        """Return the plan for expired outputs; see :meth:`Session.restore_expired`."""
        if tier is not None:
            checked_tier(tier)  # before the requests to list jobs
        wanted: Wanted = {}
        for download in self._chosen(self._expired(vault), words, vault):
            _add(wanted, download, tier)
        if pace is not None and len(wanted) > 1:
            raise InputError(
                "A pace holds for one vault, folder and tier at a time, and for archives or parts",
                cure=f"Name one vault with {option('vault')}, a tier with {option('tier')}, or the archives.",
            )
        return self._together(wanted, destination, pace)

    def of_rows(self, rows: Sequence[JobRow]) -> Restores:
        """Return the plan to repeat the requests of rows of the board.

        Each archive or part goes to its first folder; archives that others have requested go to
        ``restored``.  As in any restore, nothing is requested that exists or has a job.

        :raises InputError: no row is about an archive, or about a part that this user requested.
        """
        wanted: Wanted = {}
        found = [download_number(row.key) for row in rows if row.kind == "archive"]
        numbers = [number for number in found if number is not None]  # other clients' jobs have none
        for download in self.session.catalogue.downloads.numbered(numbers):
            if not is_object(download.target):
                _add(wanted, download)
        for row in rows:
            # Another client's job has no download here, which would know a folder.
            job = self.session.catalogue.jobs.get(row.vault, row.job_id) if not row.ours else None
            if job is not None and job.whole_archive and job.archive_id:
                group = (job.vault, "restored", job.tier or "Standard", False, None)  # the default tier
                wanted.setdefault(group, {})[job.archive_id, None] = None
        if not wanted:
            raise InputError(
                "None of these is an archive, or a part that you requested",
                cure=f"{step('restore', '--range')}, and {step('inventory')}, request the others, and "
                f"{step('migrate')} moves on.",
            )
        return self._together(wanted, None, None)

    def extend(self, words: Sequence[Selectable], *, vault: str | None) -> ExtendPlan:
        """Return the plan for outputs about to expire; see :meth:`Session.extend`."""
        session = self.session
        if is_bucket(vault):
            raise InputError(
                "Copies of objects are kept for days", cure="Use extend(days=...) of the bucket."
            )
        found = [d for d in session.catalogue.downloads.open() if vault in (None, d.vault)]
        kept = [d for d in found if not is_bucket(d.vault)]
        chosen = {d.archive_id for d in self._chosen(kept, words, vault)} if words else None
        return ExtendPlan(
            sorted({download.vault for download in kept}),
            None if chosen is None else frozenset(chosen),
            service=session.service,
            tracker=session.tracker,
            log=session.plan_log,
        )

    def stop(self, words: Sequence[Selectable], *, vault: str | None) -> str:
        """Cancel scheduled requests; see :meth:`Session.stop_restores`."""
        session = self.session
        rows = session.catalogue.pacing.scheduled(vault)
        if words:
            found = session.vault(vault or "").select(*words)  # refuses ""
            chosen = {archive.archive_id for archive in found}
            rows = [row for row in rows if row.archive_id in chosen]
        return stop(session.catalogue, rows, session.service.clock.now_ms())

    def _expired(self, vault: str | None) -> list[Download]:
        session = self.session
        # An output may have expired since the last look.
        known = {d.vault for d in session.catalogue.downloads.open()}
        session.tracker.refresh(sorted(known if vault is None else known & {vault}))
        expired = session.catalogue.downloads.expired()
        # A look requests its parts again itself, when it needs them.
        files = [d for d in expired if not (session.catalogue.is_peek(d) or is_object(d.target))]
        return [d for d in files if vault in (None, d.vault)]

    def _chosen(
        self, downloads: Sequence[Download], words: Sequence[Selectable], vault: str | None
    ) -> list[Download]:
        if not words:
            return list(downloads)
        name = vault or self.session.vault_in_use
        if name is None:
            raise InputError("Which vault?", cure=f"{step('use', 'NAME')}, or {option('vault', 'NAME')}.")
        records = self.session.vault(name).select(*words, unknown_ids=True)  # restored by a whole id alone
        wanted = {record.archive_id for record in records}
        return [d for d in downloads if d.vault == name and d.archive_id in wanted]

    def _together(self, wanted: Wanted, destination: str | None, pace: Pace | None) -> Restores:
        session = self.session
        # One plan a group: a plan has one vault, folder and tier, and is about parts or archives.
        plans = [self._plan(group, found, destination, pace) for group, found in wanted.items()]
        return plans[0] if len(plans) == 1 else CombinedRestore(plans, session.tracker, session.plan_log)

    def _plan(
        self,
        group: Group,
        wanted: Iterable[tuple[str, ByteRange | None]],
        destination: str | None,
        pace: Pace | None,
    ) -> RestorePlan:
        (name, root, tier, of_parts, days), archives = group, self.session.catalogue.archives
        vault = self.session.vault(name)
        # An archive that was restored by its id alone may still be in no inventory that was read.
        records = [archives.get(name, each) or unknown_archive(name, each) for each, _ in wanted]
        parts = [Asked(part.first, part.last) for _, part in wanted if part is not None]
        return vault.restore_archives(
            records,
            parts if of_parts else None,
            tier=tier,
            to=root,
            destination=destination,
            pace=pace,
            days=days,
        )


def _add(wanted: Wanted, download: Download, tier: str | None = None) -> None:
    of_parts = download.part is not None  # a plan is about parts or whole archives
    group = (download.vault, download.root, tier or download.tier, of_parts, download.days)
    wanted.setdefault(group, {})[download.archive_id, download.asked_part] = None
