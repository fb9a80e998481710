"""Asking again: for what has expired, and for what is about to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..catalogue import Download
from ..errors import InputError
from ..jobs import Row
from ..plans import ExtendPlan, RestorePlan, SeveralRestores
from ..plans.restore.pacing import Pace
from ..plans.restore.quoting import checked_tier
from ..plans.restore.restoring import unknown_archive

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True)
class Anew:
    """The requests of a session that are made a second time."""

    session: Session

    def restore(
        self,
        words: Sequence[str],
        *,
        vault: str | None,
        tier: str | None,
        destination: str | None,
        pace: Pace | None,
    ) -> RestorePlan | SeveralRestores:
        """Return the plan for what has expired; see :meth:`Session.restore_expired`."""
        if tier is not None:
            checked_tier(tier)
        groups: dict[tuple[str, str, str], list[Download]] = {}
        for download in self._chosen(self._expired(vault), words, vault):
            key = (download.vault, download.root, tier or download.tier)
            groups.setdefault(key, []).append(download)
        if pace is not None and len(groups) > 1:
            raise InputError(
                "A pace holds for one vault, folder and tier at a time",
                cure="Name one vault with --vault, a tier with --tier, or the archives.",
            )
        plans = [
            self._plan(*key, [d.archive_id for d in found], destination, pace)
            for key, found in groups.items()
        ]
        return plans[0] if len(plans) == 1 else SeveralRestores(plans, self.session.tracker)

    def of_rows(self, rows: Sequence[Row]) -> RestorePlan | SeveralRestores:
        """Return the plan to ask again for what rows of the board are about.

        Each archive comes to where it was to come to; those that others have asked for to
        ``restored``.  What is there or has a job already is not asked for, as in any restore.

        :raises InputError: none is about a whole archive.
        """
        groups: dict[tuple[str, str, str], dict[str, None]] = {}
        numbers = [
            int(row.key.removeprefix("download-")) for row in rows if row.kind == "archive" and
            row.key.startswith("download-")
        ]  # fmt: skip
        for download in self.session.catalogue.downloads.numbered(numbers):
            if download.part is None:
                key = (download.vault, download.root, download.tier)
                groups.setdefault(key, {})[download.archive_id] = None
        for row in rows:
            job = self.session.catalogue.jobs.get(row.vault, row.job_id) if not row.ours else None
            if job is not None and job.whole_archive and job.archive_id:
                key = (job.vault, "restored", job.tier or "Standard")
                groups.setdefault(key, {})[job.archive_id] = None
        if not groups:
            raise InputError(
                "None of this is a whole archive",
                cure="%glacier restore --range, and %glacier inventory, ask for the others.",
            )
        plans = [self._plan(*key, list(found), None, None) for key, found in groups.items()]
        return plans[0] if len(plans) == 1 else SeveralRestores(plans, self.session.tracker)

    def extend(self, words: Sequence[str], *, vault: str | None) -> ExtendPlan:
        """Return the plan for what is about to go; see :meth:`Session.extend`."""
        session = self.session
        kept = [d for d in session.catalogue.downloads.open() if vault in (None, d.vault)]
        chosen = {d.archive_id for d in self._chosen(kept, words, vault)} if words else None
        return ExtendPlan(
            sorted({download.vault for download in kept}),
            None if chosen is None else frozenset(chosen),
            service=session.service,
            catalogue=session.catalogue,
            tracker=session.tracker,
        )

    def _expired(self, vault: str | None) -> list[Download]:
        session = self.session
        known = {d.vault for d in session.catalogue.downloads.open()}
        session.tracker.refresh(sorted(known if vault is None else known & {vault}))
        found = {(d.vault, d.archive_id, d.root): d for d in session.catalogue.downloads.expired()}
        return [d for d in found.values() if vault in (None, d.vault)]

    def _chosen(
        self, downloads: Sequence[Download], words: Sequence[str], vault: str | None
    ) -> list[Download]:
        if not words:
            return list(downloads)
        name = vault or self.session.vault_in_use
        if name is None:
            raise InputError("Which vault?", cure="%glacier use NAME, or --vault NAME.")
        records = self.session.vault(name).select(words, unknown_ids=True)
        wanted = {record.archive_id for record in records}
        return [d for d in downloads if d.vault == name and d.archive_id in wanted]

    def _plan(
        self,
        vault: str,
        root: str,
        tier: str,
        archive_ids: Sequence[str],
        destination: str | None,
        pace: Pace | None,
    ) -> RestorePlan:
        archives = self.session.catalogue.archives
        records = [
            archives.get(vault, archive_id) or unknown_archive(vault, archive_id)
            for archive_id in archive_ids
        ]
        return self.session.vault(vault).restore_archives(
            records, tier=tier, to=root, destination=destination, pace=pace
        )
