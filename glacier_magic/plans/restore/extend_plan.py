"""The plan to keep finished outputs longer than their 24 hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...base.dataframes import marked
from ...base.ranges import ByteRange
from ...base.units import human_bytes, human_duration, human_sum, local_time, plural
from ...catalogue import Download
from ...errors import GlacierError
from ...jobs import Batch, Tracker, window
from ...jobs.asking import Renewer
from ...jobs.board import download_key
from ...jobs.durations import EXTEND_BEFORE, kept_until
from ...prices import Quote
from ...prices.quotes import HERE
from ...service import Service
from ..base import Plan, PlanLog
from .quoting import Asking, priced, quote_for

if TYPE_CHECKING:
    import pandas as pd

AT_MOST = (
    "It is the most that the requests can cost: AWS's developer guide to its own vault-to-S3 solution "
    "says that an archive that is still staged is not charged a second retrieval; the price list "
    "does not say so."
)
"""The note of the price of an extension."""


@dataclass(frozen=True)
class _Item:
    download: Download
    until: datetime

    @property
    def left(self) -> int:
        return max(0, (self.download.size or 0) - self.download.done)

    @property
    def asked(self) -> ByteRange | None:
        """The bytes of the archive to request; None for all of them."""
        return ByteRange.read(self.download.cover)

    @property
    def size(self) -> int | None:
        return self.asked.size if self.asked else self.download.size

    @property
    def key(self) -> str:
        return f"{self.download.vault} {self.download.archive_id} {self.download.cover}"

    def serves(self, other: _Item) -> bool:
        """Return whether a request for this output serves another one."""
        one, two = self.download, other.download
        if (one.vault, one.archive_id) != (two.vault, two.archive_id):
            return False
        # The output of a whole archive has every part of it.
        return self.asked is None or (other.asked is not None and self.asked.holds(other.asked))


class ExtendPlan(Plan[Batch]):
    """Outputs that expire before they can be downloaded, and are requested again, each once.

    ``requests`` are the outputs to request; they serve all folders that wait for them.  The outputs
    of a look into an archive are left out.

    The price counts each request as a new retrieval; what is then downloaded belongs to the restore.

    :param chosen: the archives to extend whenever their output expires; None for the outputs that
        expire within five hours, or that are not downloaded in time at the present rate.
    """

    kind = "extend"
    button = "Extend"

    def __init__(
        self,
        vaults: Sequence[str],
        chosen: frozenset[str] | None,
        *,
        service: Service,
        tracker: Tracker,
        log: PlanLog,
    ) -> None:
        super().__init__(log)
        self._vaults, self._chosen = vaults, chosen
        self._catalogue, self._tracker, self._clock = log.catalogue, tracker, log.clock
        self._renewer = Renewer(service, log.catalogue)
        self.items = self._decide()

    def _decide_again(self) -> None:
        # The outputs that were shown are extended, whatever the present rate is.
        self._chosen = frozenset(item.download.archive_id for item in self.items)
        self.items = self._decide()

    def _decide(self) -> list[_Item]:
        self._tracker.refresh(list(self._vaults))  # another client may have asked for the same archives
        found = []
        for download in self._catalogue.downloads.open():
            job = self._catalogue.jobs.get(download.vault, download.job_id or "")
            # What is not finished has no end yet, and what is downloaded needs none.
            until = kept_until(job) if job and download.state in ("ready", "downloading") else None
            if until and download.vault in self._vaults and self._wanted(download, until):
                found.append(_Item(download, until))
        self.vault = ", ".join(sorted({item.download.vault for item in found}))
        self.requests: list[_Item] = []
        # Whole archives first, then the largest: one request may serve the others.
        for item in sorted(found, key=lambda item: (item.asked is not None, -(item.size or 0))):
            if not any(request.serves(item) for request in self.requests):
                self.requests.append(item)
        return sorted(found, key=lambda item: item.until)  # the facts name the first to expire

    def _wanted(self, download: Download, until: datetime) -> bool:
        # A second request may be paid, and brings nothing.
        if self._catalogue.is_peek(download) or self._renewer.renewed(download):
            return False
        if self._chosen is not None:
            return download.archive_id in self._chosen
        late = download_key(download.id) in self._tracker.late  # by the measured rate, not by the hours alone
        return late or until - self._clock.now() < EXTEND_BEFORE

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        if self.empty:
            return "No output has to be kept for longer"
        return f"Keep {plural(len(self.items), 'output')} for longer"

    @property
    def empty(self) -> bool:
        """Whether no output needs it."""
        return not self.items

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        if self.empty:
            return [("why", "no output expires within 5 hours without another job for its archive")]
        now, first = self._clock.now(), self.items[0].until
        left = human_bytes(sum(item.left for item in self.items))
        size = human_sum(item.size for item in self.requests)
        tiers = {item.download.tier for item in self.requests}  # an output is requested in its own tier again
        longest = max(window(tier)[1] for tier in tiers).total_seconds()
        return [
            ("price", priced(self.quote)),
            ("still to be fetched", left),
            (
                "the first expires",
                f"{local_time(first, now)}, in {human_duration((first - now).total_seconds())}",
            ),
            ("requested again", f"{size} in {plural(len(self.requests), 'request')}"),
            (
                "what happens",
                f"each output is requested again ({', '.join(sorted(tiers))}); the "
                f"new one is available in {human_duration(longest)} at most, for 24 hours, and "
                "the download continues from it with the pieces it has",
            ),
        ]

    @property
    def quote(self) -> Quote:
        """The highest price of the requests, line by line."""
        quote = Quote()
        for tier in dict.fromkeys(item.download.tier for item in self.requests):
            sizes = [item.size for item in self.requests if item.download.tier == tier]
            known = [size for size in sizes if size]
            asking = Asking(requests=len(sizes), bytes=sum(known), unsized=len(sizes) - len(known))
            quote += quote_for(self._prices, asking, tier, HERE)  # the transfer out is the restore's
        return quote + Quote(notes=(AT_MOST,)) if self.requests else quote

    @property
    def bytes(self) -> int:
        """Bytes that the service is to retrieve again."""
        return sum(item.size or 0 for item in self.requests)

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        return {
            **super().promised(),
            "archives": len(self.items),
            "bytes": self.bytes,
            "requests": len(self.requests),
        }

    def _head(self) -> Sequence[str]:
        return ("name", "to fetch", "vault", "expires")

    def _cells(self) -> list[tuple[str, ...]]:
        now = self._clock.now()
        return [
            (
                item.download.name or item.download.archive_id,
                human_bytes(item.left),
                item.download.vault,
                local_time(item.until, now),
            )
            for item in self.items
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row per output: name, vault, archive_id, size, left (bytes to fetch), ready_until."""
        import pandas as pd

        columns = ("name", "vault", "archive_id", "size", "left", "ready_until")
        rows = [
            (d.name, d.vault, d.archive_id, d.size, item.left, item.until)
            for item in self.items
            for d in (item.download,)
        ]
        frame = marked(pd.DataFrame(rows, columns=columns).astype({"size": "Int64", "left": "int64"}))
        return frame.assign(ready_until=pd.to_datetime(frame["ready_until"], utc=True))

    def _asked(self) -> frozenset[str]:
        return frozenset(item.key for item in self.requests)

    def _run(self) -> Batch:
        errors: list[GlacierError] = []
        extended = 0
        for item in self.requests:
            try:
                extended += self._renewer.renew(item.download)  # False: another process has just asked
            except GlacierError as error:  # one refusal must not let the others expire
                errors.append(error)
        self._happened = {"extended": extended}
        if errors and len(errors) == len(self.requests):  # with some accepted, the board shows the others
            raise errors[0]
        self._tracker.start()  # it moves the downloads to the new jobs when the old ones expire
        keys = tuple(download_key(item.download.id) for item in self.items)
        return Batch(self._tracker, keys, self.title)
