"""The sets of backups: last and next runs, sizes, and the price of their storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from ..base.dataframes import marked
from ..base.rendering import Rendered, escape, html_table, text_table, visible
from ..base.units import human_bytes, human_duration, plural
from ..catalogue.archives.states import IN_VAULT
from ..catalogue.records.backup_rows import BackupSet, SnapshotRecord
from ..errors.steps import step
from ..explore.snapshot_explorer import SnapshotExplorer
from ..plans.backup_plan import BackupPlan
from ..prices import Quote
from ..prices.money import to_millionth
from ..prices.storage_costs import Holding, monthly_storage

if TYPE_CHECKING:
    import pandas as pd

    from .session import Session

RECENT = 11
"""The number of snapshots whose intervals give the usual one."""


@dataclass(frozen=True, kw_only=True)
class SetState:
    """A set of backups now: times in milliseconds since 1970 UTC, sizes in bytes.

    :param last: when it last ran; None: never.
    :param state: ``done``, ``partial`` (files could not be read), ``interrupted``, ``running``, or empty.
    :param every: the usual milliseconds between two snapshots; None with less than two.
    :param files: of the newest snapshot, as *bytes* is; None without one.
    :param stored: bytes of its packs and manifests that are in the vault, which *archives* counts.
    :param month: the price of their storage.
    """

    id: int
    name: str
    vault: str
    last: int | None
    state: str
    every: int | None
    files: int | None
    bytes: int | None
    stored: int
    archives: int
    month: Quote

    @property
    def due(self) -> int | None:
        """When the next run is due: the usual interval between two snapshots after the last run."""
        return None if self.last is None or self.every is None else self.last + self.every

    def when(self, now: int) -> tuple[str, str]:
        """Return in words how long ago the last run was, and when the next one is due."""
        last = "never" if self.last is None else f"{_rough(now - self.last)} ago"
        if self.last is not None and now - self.last < 60_000:
            last = "just now"
        if self.due is None or self.every is None:
            return last, ""
        left = _rough(abs(self.due - now))
        words = f"in {left}" if self.due >= now else f"overdue by {left}"
        return last, f"{words}, every {_rough(self.every)}"


def _rough(milliseconds: int) -> str:
    """Return a duration rounded to one unit."""
    seconds = milliseconds / 1000
    unit = next((size for size in (86400, 3600, 60) if seconds >= 1.9 * size), 1)
    return human_duration(round(seconds / unit) * unit)


class BackupSets(Rendered):
    """The sets of one vault, or of all, as the catalogue has them when :meth:`read` was last called.

    >>> vault.backups().table                                            # doctest: +SKIP
    """

    HEAD = ("set", "vault", "last run", "state", "next due", "files", "size", "stored", "a month")
    NUMBERS: Sequence[int] = (5, 6, 7)
    """The places of the columns of numbers."""

    def __init__(self, session: Session, vault: str | None = None) -> None:
        self._session, self._vault = session, vault
        self.now = 0
        self.rows: list[SetState] = []
        self.read()

    def read(self) -> None:
        """Read the catalogue again."""
        self._session.catalogue.database.release_dead()  # a killed process leaves its lease
        self.now = self._session.plan_log.clock.now_ms()
        self.rows = [self._row(one) for one in self._session.catalogue.backups.sets(vault=self._vault)]

    def _row(self, found: BackupSet) -> SetState:
        backups, archives = self._session.catalogue.backups, self._session.catalogue.archives
        made = backups.snapshots(found.id)
        whole = [one for one in made if one.finished is not None]
        starts = [one.started for one in whole[-RECENT:]]
        state = ""
        if backups.leases.held(found.id):
            state = "running"
        elif made:
            state = "interrupted" if made[-1].finished is None else "partial" if made[-1].unread else "done"
        ids = [pack.archive_id for pack in backups.packs(found.id) if pack.archive_id]
        there = [one.size or 0 for one in archives.known(found.vault, ids) if one.state in IN_VAULT]
        stored = Holding(sum(there), len(there))
        return SetState(
            id=found.id,
            name=found.name,
            vault=found.vault,
            last=max(
                filter(None, [found.checked, *(one.finished or one.started for one in made)]), default=None
            ),
            state=state,
            every=round(median(b - a for a, b in pairwise(starts))) if len(starts) > 1 else None,
            files=whole[-1].files if whole else None,
            bytes=whole[-1].bytes if whole else None,
            stored=stored.bytes,
            archives=stored.archives,
            month=monthly_storage(self._session.plan_log.prices(), stored),
        )

    def plan(self, row: SetState) -> BackupPlan:
        """Return the plan to back a set up now; see :meth:`.Vault.backup`."""
        return self._session.vault(row.vault).backup(row.name)

    def snapshots(self, row: SetState) -> list[SnapshotRecord]:
        """Return the finished snapshots of a set, newest first."""
        made = self._session.catalogue.backups.snapshots(row.id)
        return [one for one in reversed(made) if one.finished is not None]

    def explore(self, row: SetState, ordinal: int | None = None) -> SnapshotExplorer:
        """Return the explorer of a snapshot; see :meth:`.Vault.explore_snapshot`."""
        return self._session.vault(row.vault).explore_snapshot(row.name, ordinal)

    @property
    def table(self) -> pd.DataFrame:
        """The sets as a DataFrame: times are UTC, sizes in bytes, and ``every`` is a time span."""
        import pandas as pd

        rows = [
            (
                *(one.name, one.vault, one.last, one.state, one.every, one.due, one.files, one.bytes),
                *(one.stored, one.archives, one.month.words(), to_millionth(one.month.total)),
            )
            for one in self.rows
        ]
        names = ("set", "vault", "last", "state", "every", "due", "files", "size", "stored", "archives")
        frame = pd.DataFrame(rows, columns=[*names, "month", "month_usd"])
        for name in ("last", "due"):
            frame[name] = pd.to_datetime(frame[name].astype("Int64"), unit="ms", utc=True)
        frame["every"] = pd.to_timedelta(frame["every"].astype("Int64"), unit="ms")
        return marked(frame.astype({"files": "Int64", "size": "Int64", "stored": "int64"}))

    def cells(self) -> list[tuple[str, ...]]:
        """Return the rows as text, for :data:`HEAD`."""
        return [
            (
                *(one.name, one.vault, one.when(self.now)[0], one.state, one.when(self.now)[1]),
                "" if one.files is None else f"{one.files:,}",
                "" if one.bytes is None else human_bytes(one.bytes),
                *(human_bytes(one.stored), one.month.words()),
            )
            for one in self.rows
        ]

    @property
    def title(self) -> str:
        """Their number and size."""
        archives = plural(sum(one.archives for one in self.rows), "archive")
        size = human_bytes(sum(one.stored for one in self.rows))
        return f"{plural(len(self.rows), 'set')}, {size} stored in {archives}"

    @property
    def summary(self) -> str:
        """Their number and size, and how the next run is estimated."""
        if not self.rows:
            where = f" of {self._vault}" if self._vault else ""
            return f"There is no backup{where} yet: {step('backup', 'SET FOLDER')} makes the first one."
        return (
            f"{self.title}. Next due: the last run, plus the usual interval between snapshots "
            "(the median of the last ten)."
        )

    def _repr_text(self) -> str:
        table = text_table(self.HEAD, self.cells(), numbers=self.NUMBERS)
        return "\n".join([*([table] if self.rows else []), visible(self.summary)])

    def _repr_html(self) -> str:
        table = html_table(self.HEAD, self.cells(), numbers=self.NUMBERS)
        return f"{table if self.rows else ''}<p>{escape(self.summary)}</p>"
