"""The plan to restore objects of a bucket."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...base.bucket_names import ObjectId
from ...base.units import plural
from ...catalogue import ArchiveRecord, JobRecord
from ...catalogue.records.job_records import RETRIEVAL
from ...catalogue.records.payers import payer_facts
from ...errors import InputError
from .download_time import KEPT
from .item_rows import Items
from .items import ASK, READY, RestoreItem
from .object_quoting import NO_EXPEDITED, ObjectAsking, ObjectTiers, when_restored
from .restore_plan import RestorePlan
from .timetable import Timetable

DAYS = 3
"""The days for which copies are kept unless others are asked for."""


class ObjectRestorePlan(RestorePlan):
    """Objects of a bucket to get back: nothing is requested until ``run()``.

    Those of archive classes are restored by S3 first, for some days; the others are fetched at once.

    :param days: for which the restored copies are kept.
    :param known: as in :class:`RestorePlan`.
    :raises InputError: the tier does not exist for one of them.
    """

    def __init__(self, archives: Sequence[ArchiveRecord], *, days: int = DAYS, **known: Any) -> None:
        self.days, self.kept = days, days * KEPT
        super().__init__(archives, **known)

    def _remade(self, archives: Sequence[ArchiveRecord], **known: Any) -> RestorePlan:
        return ObjectRestorePlan(archives, days=self.days, **known)

    def _decide(self) -> Items[RestoreItem]:
        found = super()._decide()
        items = Items.of([_readable(item) if item.action == ASK else item for item in found])
        if self.tier == "Expedited" and ObjectAsking.of_objects(items, self.days).deep:
            raise InputError(NO_EXPEDITED, cure="Use the standard tier, or leave them out.")
        return items

    def _paced(self) -> Timetable | None:
        return None  # the account's data retrieval policy is for vaults

    @property
    def asking(self) -> ObjectAsking:
        """The numbers of its requests and of the transfer out."""
        return ObjectAsking.of_objects(self.items, self.days)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        return [*super().facts, *payer_facts(self._catalogue, self.vault)]

    @property
    def tiers(self) -> ObjectTiers:
        """The three tiers side by side: price with its lines, and when it is ready."""
        return ObjectTiers(
            self._prices, self.asking, destination=self.destination, chosen=self.tier, now=self._clock.now()
        )

    def _ready(self) -> str:
        words = when_restored(self.asking, self.tier, self._clock)
        return f"{words} ({plural(self.days, 'day')})"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Refuse: a plan file is for a vault."""
        raise InputError(
            f"A plan file is for a vault: {os.fspath(path)!r} was not written", cure="Run it here."
        )

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        return {**super().promised(), "days": self.days}

    def _record(self, item: RestoreItem, number: int) -> None:
        if ObjectId.read(item.archive.archive_id).archived:
            self._catalogue.downloads.update(number, days=self.days)


def _readable(item: RestoreItem) -> RestoreItem:
    """Return the item of an object, which is ready without a request if it is in no archive class."""
    archive = item.archive
    if ObjectId.read(archive.archive_id).archived:
        return item
    job = JobRecord(
        vault=archive.vault,
        job_id=archive.archive_id,
        action=RETRIEVAL,
        archive_id=archive.archive_id,
        status="Succeeded",
        size=archive.size,
    )
    return replace(item, action=READY, job=job)
