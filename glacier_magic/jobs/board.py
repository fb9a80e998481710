"""The rows of the job board: one for each job, download and drop, and a cache of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..base.units import from_ms, human_sum, plural
from ..catalogue import Catalogue, Deletion, Download, Drop, JobRecord
from ..catalogue.records.job_records import INVENTORY
from ..catalogue.storage.holding import how
from ..steps import step
from ..transfer.progress import Report
from .durations import PastDurations, expected, kept_until

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "name",
    "vault",
    "kind",
    "state",
    "tier",
    "size",
    "due",
    "asked",
    "expected",
    "ready_until",
    "done",
    "file",
    "error",
    "job_id",
)


ENDED = ("verified", "unverified", "failed", "expired", "forgotten", "held")
"""States after which nothing more happens automatically."""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One job, or one archive waiting for its job; times are aware UTC, sizes bytes.

    ``target`` is the path of the file to be written; ``file`` is the path once it exists.

    ``state`` is one of: held (until the user resumes it: the catalogue was restored, copied or
    moved), scheduled (not requested before ``due``), requested, in progress, ready, downloading,
    verified, unverified (a part without a hash from the service), failed, expired, forgotten
    (removed from the board).
    """

    key: str
    name: str
    vault: str
    kind: str
    state: str
    tier: str
    size: int | None
    due: datetime | None = None
    asked: datetime | None = None
    expected: datetime | None = None
    ready_until: datetime | None = None
    done: int = 0
    rate: float = 0.0
    eta: float | None = None
    file: str = ""
    target: str = ""
    error: str = ""
    failure: str = ""
    job_id: str = ""
    ours: bool = True

    @property
    def ended(self) -> bool:
        """Whether nothing more happens automatically."""
        return self.state in ENDED or (self.state == "ready" and not self.ours)  # another client fetches it


@dataclass(frozen=True, kw_only=True)
class BoardSnapshot:
    """All rows at one time of the service's clock."""

    rows: tuple[JobRow, ...]
    now: datetime
    virtual: bool = False
    next_check: datetime | None = None
    note: str = ""

    def count(self, *states: str) -> int:
        """Return how many rows are in one of *states*."""
        return sum(row.state in states for row in self.rows)

    @property
    def finished(self) -> bool:
        """Whether nothing more happens automatically."""
        return all(row.ended for row in self.rows)

    def table(self) -> pd.DataFrame:
        """Return the rows as a DataFrame: sizes int64 (nullable), times UTC timestamps."""
        import pandas as pd

        frame = pd.DataFrame(
            {name: [getattr(row, name) for row in self.rows] for name in COLUMNS}, columns=COLUMNS
        )
        for name in ("due", "asked", "expected", "ready_until"):
            frame[name] = pd.to_datetime(frame[name], utc=True)  # or an empty column would be of objects
        frame["size"] = frame["size"].astype("Int64")  # nullable: a size may be unknown
        frame["done"] = frame["done"].astype("int64")
        frame.attrs["as_of"] = self.now.isoformat()
        return frame


def on_hold_note(snapshot: BoardSnapshot) -> str:
    """Return what a restored or copied catalogue holds, and how to resume it; "" if nothing."""
    held = [row for row in snapshot.rows if row.state == "held"]
    if not held:
        return ""
    archives = [row for row in held if row.kind == "archive"]
    size = human_sum(row.size for row in archives)
    parts = [f"{plural(len(archives), 'archive')} to ask for ({size})"] if archives else []
    parts += [row.name for row in held if row.kind == "drop"]
    return f"Held since the catalogue was restored, copied or moved: {', '.join(parts)}: {how().rstrip('.')}"


_STATE = {
    "planned": "requested",
    "asking": "requested",
    "waiting": "in progress",
    "ready": "ready",
    "downloading": "downloading",
}


def rows_of(
    catalogue: Catalogue, live: Mapping[int, Report], now: datetime, keys: frozenset[str] | None = None
) -> list[JobRow]:
    """Return the rows of the board: downloads, then inventories and jobs of other clients, then drops.

    :param now: the service's time; a planned download that is due later is shown as scheduled.
    :param keys: the keys of the rows; None for all open ones and the newest ended ones.
    """
    jobs = {(job.vault, job.job_id): job for job in catalogue.jobs.known()}
    jobs |= _read_and_dropped(catalogue, keys or frozenset())  # an inventory that was read is a success
    past, rows, served, renewals = PastDurations(catalogue), [], set(), set()
    for download in _newest_batch_first(_wanted(catalogue, keys)):
        key = (download.vault, download.job_id or "")
        served.add(key)
        renewals.add(download.renewal)
        rows.append(_of_download(download, jobs.get(key), live.get(download.id), now, past))
    if keys is None:
        served |= catalogue.downloads.forgotten_jobs()  # or the job would appear in place of its download
    ours = {(job.vault, job.job_id) for job in catalogue.jobs.inventories_to_read()}
    for place, job in jobs.items():
        if job.description is not None and job.description in renewals:
            continue  # it extends the output of a download above
        if place not in served and (keys is None or _job_key(job) in keys):
            read = catalogue.inventories.has(*place)
            rows.append(_of_job(catalogue, job, past, ours=place in ours, read=read))
    drops = [drop for drop in catalogue.drops.shown() if keys is None or drop.key in keys]
    return [*rows, *(_of_drop(catalogue, drop, past) for drop in drops)]


def _wanted(catalogue: Catalogue, keys: frozenset[str] | None) -> list[Download]:
    if keys is not None:
        numbers = map(download_number, keys)
        return catalogue.downloads.numbered([n for n in numbers if n is not None])
    ended = [d for d in catalogue.downloads.recent() if not d.open]
    return [*catalogue.downloads.open(), *ended]  # recent() has a limit, which must hide no open one


def _read_and_dropped(catalogue: Catalogue, keys: frozenset[str]) -> dict[tuple[str, str], JobRecord]:
    """Return the inventory jobs of *keys* that were read before the service dropped them."""
    places = [tuple(key.split("/")[1:]) for key in keys if key.startswith("job/")]
    found = {(v, i): catalogue.jobs.get(v, i) for v, i in places if catalogue.inventories.has(v, i)}
    return {place: job for place, job in found.items() if job is not None}


def download_key(number: int) -> str:
    """Return the key of the row of a download."""
    return f"download-{number}"


def download_number(key: str) -> int | None:
    """Return the number of the download that a row's key names, or None."""
    return int(key.removeprefix("download-")) if key.startswith("download-") else None


def _job_key(job: JobRecord) -> str:
    return f"job/{job.vault}/{job.job_id}"


def _newest_batch_first(downloads: list[Download]) -> list[Download]:
    newest: dict[str, int] = {}
    for download in downloads:
        newest[download.batch] = max(download.id, newest.get(download.batch, 0))
    return sorted(downloads, key=lambda d: (-newest[d.batch], d.id))


def _of_download(
    download: Download, job: JobRecord | None, report: Report | None, now: datetime, past: PastDurations
) -> JobRow:
    known = "planned" if download.twin else download.state  # a twin waits for an equal archive
    state, due = _STATE.get(known, known), from_ms(download.due)
    if download.state == "planned" and download.on_hold:
        state, due = "held", None
    elif download.state == "planned" and due is not None and due > now:
        state = "scheduled"
    else:
        due = None
    row = JobRow(
        key=download_key(download.id),
        name=_name(download.name or download.archive_id, download.part),
        vault=download.vault,
        kind="archive",
        state=state,
        tier=download.tier,
        size=download.size,
        due=due,
        asked=None if due else from_ms(download.asked),
        expected=_expected(download, job, due, past),
        ready_until=kept_until(job) if job else None,
        done=download.done,
        file=download.target if state in ("verified", "unverified") else "",
        target=download.target,
        error=download.error or "",
        failure=download.failure or "",
        job_id=download.job_id or "",
    )
    return row if report is None else moving(row, report)


def moving(row: JobRow, report: Report) -> JobRow:
    """Return a row with the progress of its download in this process."""
    if row.state != "downloading":
        return row
    return replace(row, done=report.done, rate=report.rate, eta=report.eta, error=report.note or "")


_DROP = {"confirming": "ready", "dropped": "verified", "stopped": "failed"}


def _of_drop(catalogue: Catalogue, drop: Drop, past: PastDurations) -> JobRow:
    """Return the row of a drop; one that waits for the user is not ``ours``, so that no wait blocks."""
    queue = catalogue.deletions.get(drop.deletion) if drop.deletion is not None else None
    job = catalogue.jobs.get(drop.vault, drop.job_id) if drop.job_id else None
    looked = from_ms(drop.next_check) if drop.state == "proving" else None
    return JobRow(
        key=drop.key,
        name=f"drop of {drop.vault}",
        vault=drop.vault,
        kind="drop",
        state="held" if drop.open and drop.on_hold else _DROP.get(drop.state, "in progress"),
        tier="",
        size=queue.bytes if queue else None,
        asked=from_ms(drop.created),
        expected=expected(job, past) if job and drop.state == "listing" else looked,
        file="proven empty and dropped" if drop.state == "dropped" else "",
        error=_drop_words(drop, queue),
        job_id=drop.job_id or "",
        ours=drop.state != "confirming",
    )


def _drop_words(drop: Drop, queue: Deletion | None) -> str:
    done = f"{queue.deleted:,} of {queue.archives:,} deleted" if queue else ""
    return {
        "listing": drop.note or "waits for the inventory that lists its archives",
        "confirming": f"listed; {step('drop', f'{drop.vault} --with-archives')} shows it and asks",
        "deleting": f"{done}; {drop.note}" if drop.note else done,
        "proving": f"{done}; {drop.note or 'waits for the inventory that proves it empty'}",
        "dropped": drop.note or "",
    }.get(drop.state, drop.error or "")


def _expected(
    download: Download, job: JobRecord | None, due: datetime | None, past: PastDurations
) -> datetime | None:
    if due is not None:
        return due + past.usual(download.tier)
    return expected(job, past) if job and download.open else None


def _name(name: str, part: str | None) -> str:
    return name if part is None else f"{name} (bytes {part})"


def _of_job(catalogue: Catalogue, job: JobRecord, past: PastDurations, *, ours: bool, read: bool) -> JobRow:
    state = {"InProgress": "in progress", "Succeeded": "ready", "Failed": "failed"}[job.status]
    name = f"inventory of {job.vault}"
    if job.action != INVENTORY:
        archive = catalogue.archives.get(job.vault, job.archive_id or "")
        # Another client's job may be for an archive that no inventory read here has listed.
        name = archive.name if archive and archive.name else (job.archive_id or job.action)
        name = _name(name, None if job.whole_archive else job.byte_range)
    return JobRow(
        key=_job_key(job),
        name=name,
        vault=job.vault,
        kind="inventory" if job.action == INVENTORY else "archive",
        state="verified" if read else state,
        tier=job.tier or "",
        size=job.size,
        asked=from_ms(job.created),
        expected=expected(job, past) if job.status == "InProgress" else None,
        ready_until=kept_until(job),
        done=(job.size or 0) if read else 0,
        file="in the catalogue" if read else "",
        # Jobs in other states have a text as well, such as "Succeeded".
        error=(job.message or "") if job.status == "Failed" else "",
        job_id=job.job_id,
        ours=ours,
    )


MOST = 8
"""Sets of keys whose rows are cached: about the number of boards that are open at once."""


@dataclass(frozen=True)
class _CachedRows:
    rows: tuple[JobRow, ...]
    made: datetime
    until: datetime | None  # the first due time of a scheduled row
    moving: Mapping[int, int]  # the index of each row that is downloading, by download


class RowCache:
    """Caches the result of :func:`rows_of` until the catalogue changes.

    At ten thousand jobs it takes most of a second, and every board and the tracker need it.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._guard = threading.Lock()  # the tracker's thread and its callers share the cache
        self._cached: OrderedDict[frozenset[str] | None, _CachedRows] = OrderedDict()
        self._marker: tuple[int, ...] | None = None

    def rows(
        self, live: Mapping[int, Report], now: datetime, keys: frozenset[str] | None = None
    ) -> tuple[JobRow, ...]:
        """Return the rows at *now*; see :func:`rows_of`."""
        with self._guard:
            cached = self._current(now, keys)
        # Progress is not in the cache: it changes several times a second.
        running = [(cached.moving[i], r) for i, r in list(live.items()) if i in cached.moving]
        if not running:
            return cached.rows
        rows = list(cached.rows)
        for place, report in running:
            rows[place] = moving(rows[place], report)
        return tuple(rows)

    def _current(self, now: datetime, keys: frozenset[str] | None) -> _CachedRows:
        marker = self._catalogue.database.change_marker()
        if marker is None or marker != self._marker:
            self._cached.clear()
            self._marker = marker  # read before the rows: a write in between shows next time
        cached = self._cached.get(keys)
        # An emulator's clock may have been set back.
        if cached is None or now < cached.made or (cached.until is not None and now >= cached.until):
            cached = self._cached[keys] = _hold(tuple(self._made(now, keys)), now)
        self._cached.move_to_end(keys)
        if len(self._cached) > MOST:
            self._cached.popitem(last=False)
        return cached

    def _made(self, now: datetime, keys: frozenset[str] | None) -> list[JobRow]:
        """Return rows; those of a batch come from the cached rows of the whole board where possible."""
        if keys is None:
            return rows_of(self._catalogue, {}, now)
        found = [row for row in self._current(now, None).rows if row.key in keys]
        missing = keys - {row.key for row in found}
        return [*found, *(rows_of(self._catalogue, {}, now, missing) if missing else [])]


def _hold(rows: tuple[JobRow, ...], now: datetime) -> _CachedRows:
    moving = {
        number: place
        for place, row in enumerate(rows)
        if row.state == "downloading" and (number := download_number(row.key)) is not None
    }
    until = min((row.due for row in rows if row.state == "scheduled" and row.due), default=None)
    return _CachedRows(rows, now, until, moving)
