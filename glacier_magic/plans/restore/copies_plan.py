"""Plans that ask S3 a second time: for copies that are kept longer, and for a faster tier."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from ...base.bucket_names import is_deep
from ...base.dataframes import marked
from ...base.units import human_bytes, human_sum, local_time, plural
from ...catalogue import ArchiveRecord, Download, JobRecord
from ...catalogue.records.payers import payer_facts
from ...errors import GlacierError, InputError, NotReady
from ...jobs import Batch, Tracker
from ...jobs.asking import WORKERS
from ...jobs.board import download_key, job_key
from ...jobs.durations import TIERS, kept_until, kind_from
from ...prices import Quote, QuoteLine
from ...prices.quotes import gigabytes
from ...service import Service
from ...transfer.crew import Crew, Tuner
from ..base import Plan, PlanLog
from .object_quoting import (
    MONTH_DAYS,
    NO_EXPEDITED,
    ObjectAsking,
    by_class,
    copies_end,
    retrieved_by,
    when_restored,
)
from .quoting import priced

if TYPE_CHECKING:
    import pandas as pd

UNDOUBLED = (
    "S3 charges a restore that is speeded up as one of the faster tier. Whether the slower one, which an "
    "earlier plan shows, is charged as well is not documented."
)
"""The note of the price of a speed-up."""
LEAST = "Bulk"
"""The tier of requests for longer copies: they retrieve nothing, and cost least in this tier."""


@dataclass(frozen=True)
class AskedAgain:
    """An object that S3 is asked about again: its job, and for how many days its copy is kept."""

    archive: ArchiveRecord
    job: JobRecord
    days: int
    until: datetime | None = None

    @property
    def size(self) -> int:
        """The bytes of the object."""
        return self.archive.size or 0


class CopiesPlan(Plan[Batch]):
    """Restores of objects that are changed: nothing is requested until ``run()``.

    :param archives: the objects; those without such a restore are left out.
    """

    verb = ""

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        *,
        vault: str,
        service: Service,
        tracker: Tracker,
        log: PlanLog,
    ) -> None:
        super().__init__(log)
        self.vault, self._archives = vault, archives
        self._service, self._tracker = service, tracker
        self._catalogue, self._clock = log.catalogue, log.clock
        self._decide_again()

    def _decide_again(self) -> None:
        self._tracker.refresh([self.vault])  # S3 has each restore and the end of each copy
        self._waiting: dict[str, list[Download]] = {}
        for download in self._catalogue.downloads.open():
            if download.vault == self.vault:
                self._waiting.setdefault(download.archive_id, []).append(download)
        self.items: list[AskedAgain] = []
        self.left_out: Counter[str] = Counter()
        for archive in self._archives:
            job = self._catalogue.jobs.for_archive(self.vault, archive.archive_id)
            found = "there is no restore of it" if job is None else self._item(archive, job)
            if isinstance(found, str):
                self.left_out[found] += 1
            else:
                self.items.append(found)

    def _item(self, archive: ArchiveRecord, job: JobRecord) -> AskedAgain | str:
        """Return what is asked about an object, or why nothing is."""
        raise NotImplementedError

    def _send(self, item: AskedAgain) -> None:
        """Send the request of an item, and record the outcome.

        :raises NotReady: another process sends it.
        """
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        if self.empty:
            return f"{self.verb}: nothing"
        size = human_sum(item.size for item in self.items)
        return f"{self.verb} {plural(len(self.items), 'object')} ({size}) of {self.vault}"

    @property
    def empty(self) -> bool:
        """Whether nothing is requested."""
        return not self.items

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        left = [("left out", f"{plural(count, 'object')}: {why}") for why, count in self.left_out.items()]
        if self.empty:
            return left or [("why", "no download waits for such a restore; name the objects")]
        return [
            ("price", priced(self.quote)),
            ("requested", plural(len(self.items), "request")),
            *self._outcome(),
            *left,
            *payer_facts(self._catalogue, self.vault),
        ]

    def _outcome(self) -> list[tuple[str, str]]:
        raise NotImplementedError

    @property
    def quote(self) -> Quote:
        """The price of the requests, line by line."""
        raise NotImplementedError

    @property
    def table(self) -> pd.DataFrame:
        """One row per object: name, archive_id, size, ready_until (of its present copy)."""
        import pandas as pd

        columns = ("name", "archive_id", "size", "ready_until")
        rows = [(i.archive.name, i.archive.archive_id, i.size, i.until) for i in self.items]
        frame = marked(pd.DataFrame(rows, columns=columns).astype({"size": "int64"}))
        return frame.assign(ready_until=pd.to_datetime(frame["ready_until"], utc=True))

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        size = sum(item.size for item in self.items)
        return {**super().promised(), "archives": len(self.items), "bytes": size, "requests": len(self.items)}

    def _head(self) -> Sequence[str]:
        return ("name", "size", "copy until")

    def _cells(self) -> list[tuple[str, ...]]:
        now = self._clock.now()
        return [
            (i.archive.name, human_bytes(i.size), local_time(i.until, now) if i.until else "")
            for i in self.items
        ]

    def _asked(self) -> frozenset[str]:
        return frozenset(f"{item.archive.archive_id} {item.days}" for item in self.items)

    def _run(self) -> Batch:
        # An event that is never set: a run that has begun is not cut short between request and record.
        crew: Crew[GlacierError | None] = Crew(Tuner(WORKERS, WORKERS), threading.Event(), "glacier-ask")
        errors = [error for error in crew.run(partial(self._sent, item) for item in self.items) if error]
        changed = len(self.items) - len(errors)
        self._happened = {"extended": changed}
        if errors and not changed:  # with some accepted, the board shows the others
            raise errors[0]
        if not self.empty:
            self._tracker.refresh([self.vault])  # the board has the new ends
            self._tracker.start()
        # No row shows these, and the other process may be dead.
        left = [f". {error}" for error in errors if isinstance(error, NotReady)]
        return Batch(self._tracker, self._keys(), "".join([self.title, *left[:1]]))

    def _keys(self) -> Iterable[str]:
        for item in self.items:
            waiting = self._waiting.get(item.archive.archive_id)
            yield from map(download_key, (d.id for d in waiting)) if waiting else [job_key(item.job)]

    def _sent(self, item: AskedAgain) -> GlacierError | None:
        try:
            self._send(item)
        except NotReady as error:
            return error
        except GlacierError as error:  # one refusal must not stop the others
            for download in self._waiting.get(item.archive.archive_id, ()):
                self._catalogue.downloads.update(download.id, error=f"{self.verb}: {error.message}")
            return error
        return None


class KeepPlan(CopiesPlan):
    """Copies of objects that are kept longer: their requests and their storage are paid, no retrieval.

    :param days: from now; copies that last longer already are left out, as S3 would end them earlier.
    """

    kind, button, verb = "extend", "Extend", "Keep the copies of"

    def __init__(self, archives: Sequence[ArchiveRecord], *, days: int, **known: Any) -> None:
        self.days = days
        super().__init__(archives, **known)

    def _decide_again(self) -> None:
        self.until = copies_end(self.now(), self.days)
        super()._decide_again()

    def _item(self, archive: ArchiveRecord, job: JobRecord) -> AskedAgain | str:
        until = kept_until(job)
        if job.status != "Succeeded" or until is None:
            return "its restore runs, and S3 refuses another end until the copy is there"
        if until >= self.until:
            return f"its copy is kept for {plural(self.days, 'day')} or longer already"
        return AskedAgain(archive, job, self.days, until)

    def _outcome(self) -> list[tuple[str, str]]:
        now, first = self._clock.now(), min(item.until for item in self.items if item.until)
        return [("the first ends", local_time(first, now)), ("kept until", local_time(self.until, now))]

    @property
    def quote(self) -> Quote:
        """The price of the requests and of the copies' further days, line by line."""
        if self.empty:
            return Quote()
        asked = by_class((item.archive.archive_id, 0) for item in self.items)
        longer = Decimal(0)
        for item in self.items:
            longer += gigabytes(item.size) * (self.until - (item.until or self.until)).days
        storage = QuoteLine(self._prices.figure("s3-standard-storage"), longer / MONTH_DAYS)
        return Quote((*retrieved_by(self._prices, asked, LEAST), storage))

    def _send(self, item: AskedAgain) -> None:
        jobs = self._catalogue.jobs
        if not jobs.claim_renewal(item.job, self._catalogue.limits.lost_renewal):
            raise NotReady(
                f"Another process keeps the copy of {item.archive.name!r} longer at this moment",
                cure="Repeat this in a minute: copies that are kept so long already are left out.",
            )
        try:
            self._service.buckets.ask(self.vault, item.archive.archive_id, LEAST, item.days)
        except GlacierError:  # the list of the bucket has the end of the copy, whatever became of it
            jobs.give_back_renewal(item.job)
            raise


class HurryPlan(CopiesPlan):
    """Restores that run, and are continued by a faster tier.

    S3 wants the days of the first request again.  Those that others began are left out: S3 tells
    neither their days nor their tier.

    :param tier: the faster tier.
    :raises InputError: the tier does not exist for one of them.
    """

    kind, button, verb = "hurry", "Speed up", "Speed up the restores of"

    def __init__(self, archives: Sequence[ArchiveRecord], *, tier: str, **known: Any) -> None:
        self.tier = tier
        super().__init__(archives, **known)

    def _item(self, archive: ArchiveRecord, job: JobRecord) -> AskedAgain | str:
        if job.status != "InProgress":
            return "its copy is there already"
        first = next(iter(self._waiting.get(archive.archive_id, ())), None)  # the one that was requested
        if job.tier is None or first is None or first.days is None:
            return "its restore was not started from here, and S3 does not tell its days"
        if TIERS.index(first.tier) <= TIERS.index(self.tier):
            return f"its restore is {first.tier} already, and S3 refuses one that is not faster"
        if self.tier == "Expedited" and is_deep(archive.archive_id):
            raise InputError(NO_EXPEDITED, cure="Use the standard tier, or leave them out.")
        return AskedAgain(archive, job, first.days)

    @property
    def _asking(self) -> ObjectAsking:
        restored = by_class((item.archive.archive_id, item.size) for item in self.items)
        days = max(item.days for item in self.items)
        return ObjectAsking(requests=len(self.items), bytes=0, days=days, restored=restored)

    def _outcome(self) -> list[tuple[str, str]]:
        ready = when_restored(self._asking, self.tier, self._clock).partition(";")[0]
        return [("tier", self.tier), ("ready", ready)]

    @property
    def quote(self) -> Quote:
        """The price of the faster retrievals, line by line; the copies belong to the first plan."""
        if self.empty:
            return Quote()
        return Quote(tuple(retrieved_by(self._prices, self._asking.restored, self.tier)), (UNDOUBLED,))

    def _send(self, item: AskedAgain) -> None:
        archive_id, catalogue = item.archive.archive_id, self._catalogue
        # If a crash keeps the record from being written, a second request is refused by S3: it is not faster.
        self._service.buckets.ask(self.vault, archive_id, self.tier, item.days)
        job = replace(item.job, tier=kind_from(archive_id, self.tier), created=self._clock.now_ms())
        with catalogue.database.transaction():
            catalogue.jobs.record([job], ours=True)
            for download in self._waiting[archive_id]:
                catalogue.downloads.update(download.id, tier=self.tier, error=None)
