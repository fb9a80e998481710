"""The rows of the job board: one for each job, download and drop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..base.bucket_names import is_bucket
from ..base.dataframes import marked
from ..base.units import from_ms
from ..catalogue import Catalogue, Deletion, Download, Drop, JobRecord
from ..catalogue.records.job_records import INVENTORY
from ..errors.steps import step
from ..transfer.progress import Report
from .durations import OUTPUT_KEPT, PastDurations, expected, kept_until

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


ENDED = ("verified", "unverified", "done", "failed", "expired", "forgotten", "held")
"""States after which nothing more happens automatically."""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One job, or one archive waiting for its job; times are aware UTC, sizes bytes.

    ``target`` is the path of the file to be written; ``file`` is the path once it exists.

    ``state`` is one of: held (until the user resumes it: the catalogue was restored, copied or
    moved), scheduled (not requested before ``due``), requested, in progress, ready, downloading,
    verified, unverified (a part without a hash from the service), failed, expired, forgotten
    (removed from the board).  ``ended_at`` is the time of a final state, if it is known.
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
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens automatically."""
        return self.state in ENDED or (self.state == "ready" and not self.ours)  # another client fetches it

    @property
    def lost_at(self) -> datetime | None:
        """About when its output goes if nobody fetches it; None without a request for an archive."""
        if self.kind != "archive" or not self.ours or self.ended:
            return None
        return self.ready_until or (self.expected + OUTPUT_KEPT if self.job_id and self.expected else None)


def first_lost(rows: Iterable[JobRow]) -> JobRow | None:
    """Return the row whose output goes first if nobody fetches it, if there is one."""
    found = [(row.lost_at, row.key, row) for row in rows if row.lost_at is not None]
    return min(found)[2] if found else None


@dataclass(frozen=True)
class RecordedRows:
    """Rows as the catalogue has them, and what the progress of downloads does not change of them."""

    rows: tuple[JobRow, ...]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each row by its key."""
        return {row.key: place for place, row in enumerate(self.rows)}

    @cached_property
    def states(self) -> Mapping[str, int]:
        """The number of rows in each state."""
        return Counter(row.state for row in self.rows)

    @cached_property
    def vaults(self) -> frozenset[str]:
        """The vaults of the rows."""
        return frozenset(row.vault for row in self.rows)

    @cached_property
    def finished(self) -> bool:
        """Whether all rows have ended."""
        return all(row.ended for row in self.rows)

    @cached_property
    def first_lost(self) -> JobRow | None:
        """The row whose output goes first if nobody fetches it."""
        return first_lost(self.rows)

    def of(self, state: str) -> list[JobRow]:
        """Return the rows in a state."""
        return [row for row in self.rows if row.state == state] if self.states.get(state) else []

    def replaced(self, rows: Mapping[int, JobRow]) -> RecordedRows:
        """Return these rows with others in some places, of the same keys and vaults.

        ``places`` is the same object, and ``states`` is one while no state is another.
        """
        changed = list(self.rows)
        for place, row in rows.items():
            changed[place] = row
        found = RecordedRows(tuple(changed))
        same = all(row.state == self.rows[place].state for place, row in rows.items())
        names = ("places", "vaults", *(("states", "finished", "first_lost") if same else ()))
        vars(found).update({name: getattr(self, name) for name in names})  # or each would be made again
        return found


@dataclass(frozen=True, kw_only=True)
class BoardSnapshot:
    """All rows at one time of the service's clock.

    ``shared``: the rows without the progress of downloads, of all snapshots until the catalogue changes.
    """

    rows: tuple[JobRow, ...]
    now: datetime
    virtual: bool = False
    next_check: datetime | None = None
    note: str = ""
    trouble: str = ""
    watched_by: str = ""
    shared: RecordedRows | None = None

    @cached_property
    def recorded(self) -> RecordedRows:
        """The rows without the progress of downloads."""
        return self.shared or RecordedRows(self.rows)

    def count(self, *states: str) -> int:
        """Return how many rows are in one of *states*."""
        return sum(self.recorded.states.get(state, 0) for state in states)

    @property
    def finished(self) -> bool:
        """Whether nothing more happens automatically."""
        return self.recorded.finished

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
        return marked(frame, as_of=self.now.isoformat())


_STATE = {
    "planned": "requested",
    "asking": "requested",
    "waiting": "in progress",
    "ready": "ready",
    "downloading": "downloading",
}


class MadeRows(NamedTuple):
    """Rows, and which downloads they depend on beyond their own.

    ``oldest``: those before it leave the whole board when they end; ``last``: the newest of each batch,
    which determine the order; ``renewing``: those whose output is kept longer by another job.
    """

    rows: list[JobRow]
    oldest: int
    last: frozenset[int]
    renewing: frozenset[int]


def rows_of(catalogue: Catalogue, now: datetime, keys: frozenset[str] | None = None) -> MadeRows:
    """Return the rows of the board: downloads, then inventories and jobs of other clients, then drops.

    :param now: the service's time; a planned download that is due later is shown as scheduled.
    :param keys: the keys of the rows; None for all open ones and the newest ended ones.
    """
    jobs = {(job.vault, job.job_id): job for job in catalogue.jobs.known()}
    jobs |= _read_and_dropped(catalogue, keys or frozenset())  # an inventory that was read is a success
    past, rows, served, renewals = PastDurations(catalogue), [], set(), {}
    wanted, oldest = _wanted(catalogue, keys)
    last: dict[str, int] = {}
    for download in wanted:
        last[download.batch] = max(download.id, last.get(download.batch, 0))
    for download in sorted(wanted, key=lambda d: (-last[d.batch], d.id)):  # the newest batch first
        key = (download.vault, download.job_id or "")
        served.add(key)
        if download.renewal:
            renewals[download.renewal] = download.id
        rows.append(of_download(download, jobs.get(key), now, past))
    if keys is None:
        served |= catalogue.downloads.ended_jobs()  # or the job would appear in place of its download
    ours = {(job.vault, job.job_id) for job in catalogue.jobs.inventories_to_read()}
    for place, job in jobs.items():
        if job.description is not None and job.description in renewals:
            continue  # it extends the output of a download above
        if place not in served and (keys is None or job_key(job) in keys):
            read = job.action == INVENTORY and catalogue.inventories.has(*place)
            rows.append(_of_job(catalogue, job, past, ours=place in ours, read=read))
    drops = [drop for drop in catalogue.drops.shown() if keys is None or drop.key in keys]
    rows += (_of_drop(catalogue, drop, past) for drop in drops)
    return MadeRows(rows, oldest, frozenset(last.values()), frozenset(renewals.values()))


def _wanted(catalogue: Catalogue, keys: frozenset[str] | None) -> tuple[list[Download], int]:
    """Return the downloads to show, and the oldest one that is shown when it has ended."""
    if keys is not None:
        numbers = map(download_number, keys)
        return catalogue.downloads.numbered([n for n in numbers if n is not None]), 0
    recent = catalogue.downloads.recent()
    ended = [download for download in recent if not download.open]
    # recent() has a limit, which must hide no open one.
    return [*catalogue.downloads.open(), *ended], recent[-1].id if recent else 0


def _read_and_dropped(catalogue: Catalogue, keys: frozenset[str]) -> dict[tuple[str, str], JobRecord]:
    """Return the inventory jobs of *keys* that were read before the service dropped them."""
    named = [key.removeprefix("job/") for key in keys if key.startswith("job/")]
    places = [tuple(place.split("/")) for place in named if not is_bucket(place)]
    found = {(v, i): catalogue.jobs.get(v, i) for v, i in places if catalogue.inventories.has(v, i)}
    return {place: job for place, job in found.items() if job is not None}


def download_key(number: int) -> str:
    """Return the key of the row of a download."""
    return f"download-{number}"


def download_number(key: str) -> int | None:
    """Return the number of the download that a row's key names, or None."""
    return int(key.removeprefix("download-")) if key.startswith("download-") else None


def job_key(job: JobRecord) -> str:
    """Return the key of the row of a job that no download here waits for."""
    return f"job/{job.vault}/{job.job_id}"


def of_download(download: Download, job: JobRecord | None, now: datetime, past: PastDurations) -> JobRow:
    """Return the row of a download without its progress in this process.

    :param job: its job, if the service still knows it.
    """
    known = "planned" if download.twin else download.state  # a twin waits for an equal archive
    state, due = _STATE.get(known, known), from_ms(download.due)
    if download.state == "planned" and download.on_hold:
        state, due = "held", None
    elif download.state == "planned" and due is not None and due > now:
        state = "scheduled"
    else:
        due = None
    return JobRow(
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
        ended_at=None if download.open else from_ms(download.ended),
    )


def moving(row: JobRow, report: Report) -> JobRow:
    """Return a row with the progress of its download in this process."""
    if row.state != "downloading":
        return row
    return replace(row, done=report.done, rate=report.rate, eta=report.eta, error=report.note or "")


_DROP = {"confirming": "ready", "dropped": "done", "stopped": "failed"}


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
        key=job_key(job),
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
        ended_at=from_ms(job.completed),
    )
