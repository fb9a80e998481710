"""Getting archives back: what is asked for, what is on its way, and where it will be."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue import ArchiveRecord, Catalogue, JobRecord
from ..errors import InputError, LocalError
from ..jobs import Batch, Tracker, window
from ..rendering import near
from ..safenames import UnsafePath, alternatives, safe_target
from ..service import ServiceClock
from ..treehash import FileChanged, tree_hash
from ..units import human_bytes, human_duration, local_time, plural, short_id
from .model import Cells, Plan

if TYPE_CHECKING:
    import pandas as pd

ASK, RUNNING, READY, UNDER_WAY, THERE = (
    "ask the service",
    "already asked for",
    "ready to fetch",
    "already on its way",
    "already there",
)


@dataclass(frozen=True, kw_only=True)
class RestoreItem:
    """One archive of a restore plan, where it goes and what it takes."""

    archive: ArchiveRecord
    target: Path
    action: str
    job: JobRecord | None = None
    download: int | None = None


class RestorePlan(Plan[Batch]):
    """Archives to get back: nothing is asked for until ``run()``.

    ``run()`` returns a :class:`~glacier_magic.jobs.Batch`; downloads start by themselves when
    their jobs are done.
    """

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        *,
        vault: str,
        tier: str,
        to: Path,
        catalogue: Catalogue,
        tracker: Tracker,
        clock: ServiceClock,
    ) -> None:
        super().__init__()
        self.vault, self.tier, self.to = vault, tier, to
        self._catalogue, self._tracker, self._clock = catalogue, tracker, clock
        self._archives = list(archives)
        self.items = self._decide()

    def _decide(self) -> list[RestoreItem]:
        self._tracker.refresh([self.vault])
        targets = _targets(self._archives, self.to)
        return [self._item(archive, targets[archive.archive_id]) for archive in self._archives]

    def _item(self, archive: ArchiveRecord, wanted: Path) -> RestoreItem:
        there = _present(archive, wanted)
        if there:
            return RestoreItem(archive=archive, target=there, action=THERE)
        target = next(path for path in alternatives(wanted) if not path.exists())
        open_one = self._catalogue.downloads.open_for(self.vault, archive.archive_id, str(self.to))
        if open_one:
            return RestoreItem(
                archive=archive, target=Path(open_one.target), action=UNDER_WAY,
                download=open_one.id,
            )  # fmt: skip
        job = self._catalogue.jobs.for_archive(self.vault, archive.archive_id)
        if job is None:
            return RestoreItem(archive=archive, target=target, action=ASK)
        action = READY if job.status == "Succeeded" else RUNNING
        return RestoreItem(archive=archive, target=target, action=action, job=job)

    # What it says

    def _having(self, *actions: str) -> list[RestoreItem]:
        return [item for item in self.items if item.action in actions]

    @property
    def bytes(self) -> int:
        """Bytes that the service is asked to retrieve."""
        return _size(self._having(ASK))

    @property
    def empty(self) -> bool:
        """Whether everything is there already."""
        return not self._having(ASK, RUNNING, READY, UNDER_WAY)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        return (
            f"Restore {plural(len(self.items), 'archive')} "
            f"({human_bytes(_size(self.items))}) from {self.vault} to {near(str(self.to))}"
        )

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What to know before running it."""
        asked = self._having(ASK)
        facts = [
            ("asked of the service", f"{plural(len(asked), 'archive')}, {human_bytes(self.bytes)}")
        ]
        if asked:
            facts += [("tier", self.tier), ("ready", self._when())]
        for action in (RUNNING, READY, UNDER_WAY, THERE):
            found = self._having(action)
            if found:
                words = f"{plural(len(found), 'archive')}, {human_bytes(_size(found))}"
                facts.append((action, f"{words}, not asked for again"))
        return [*facts, ("free space", self._space())]

    def _when(self) -> str:
        shortest, longest = window(self.tier)
        now = self._clock.now()
        words = (
            f"in {human_duration(shortest.total_seconds())} to "
            f"{human_duration(longest.total_seconds())}, between "
            f"{local_time(now + shortest, now)} and {local_time(now + longest, now)}"
        )
        if self._clock.virtual and self._clock.speed > 0:
            real = self._clock.real_seconds(longest.total_seconds())
            words += f" of emulator time ({human_duration(real)} on your clock at most)"
        return f"{words}; the output is kept for 24 hours after that"

    def _room(self) -> tuple[bool, str]:
        folder = self.to
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        needed = _size(self._having(ASK, RUNNING, READY, UNDER_WAY)) - self._on_disk()
        return needed <= free, f"{human_bytes(free)} free, {human_bytes(needed)} needed"

    def _on_disk(self) -> int:
        """Return the verified bytes of earlier tries, whose room is taken already."""
        downloads = self._catalogue.downloads
        begun = [
            downloads.get(item.download)
            if item.download is not None
            else downloads.stopped_for(self.vault, item.archive.archive_id, str(self.to))
            for item in self._having(ASK, RUNNING, READY, UNDER_WAY)
        ]
        return sum(download.done for download in begun if download is not None)

    def _space(self) -> str:
        enough, words = self._room()
        return words if enough else f"NOT ENOUGH: {words}"

    def _head(self) -> Sequence[str]:
        return ("name", "size", "archive id", "what happens", "file")

    def _cells(self) -> Cells[RestoreItem]:
        return Cells(self.items, _in_words)

    @property
    def table(self) -> pd.DataFrame:
        """One row an archive: name, size, archive_id, tree_hash, action, target, job_id."""
        import pandas as pd  # noqa: PLC0415

        columns = ("name", "size", "archive_id", "tree_hash", "action", "target", "job_id")
        rows = [
            (
                i.archive.name, i.archive.size, i.archive.archive_id, i.archive.tree_hash,
                i.action, str(i.target), i.job.job_id if i.job else None,
            )
            for i in self.items
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns).astype({"size": "Int64"})

    # What it does

    def _run(self) -> Batch:
        self.items = self._decide()  # hours may have passed since it was shown
        self._check_target()
        batch = uuid.uuid4().hex
        downloads = self._catalogue.downloads
        with self._catalogue.database.transaction():
            ids = downloads.want(self._wishes(batch))
            ids += [item.download for item in self.items if item.download is not None]
            ids += self._revived
        errors = self._tracker.ask_now(batch)
        if errors and len(errors) == len(self._having(ASK)):
            raise errors[0]
        self._tracker.start()
        return Batch(self._tracker, tuple(f"download-{i}" for i in ids), self.title)

    def _check_target(self) -> None:
        """Refuse before anything is paid for where the files could not be written.

        :raises LocalError: the folder cannot be written, or has too little room.
        """
        if self.empty:
            return
        try:
            self.to.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.to):
                pass
        except OSError as error:
            raise LocalError(
                f"Nothing was asked for: {self.to} cannot be written: {error.strerror or error}",
                cure="Name another folder with --to.",
            ) from None
        if not self._room()[0]:
            raise LocalError(
                f"Nothing was asked for: there is no room in {self.to}: {self._space()}",
                cure="Free some space, or name another folder with --to.",
            )

    def _wishes(self, batch: str) -> Iterable[Mapping[str, Any]]:
        self._revived: list[int] = []
        for item in self._having(ASK, RUNNING, READY):
            wish = self._wish(item, batch)
            stopped = self._catalogue.downloads.stopped_for(
                self.vault, item.archive.archive_id, str(self.to)
            )
            if stopped is None:
                yield wish
            else:  # its verified pieces are used again
                del wish["target"]
                self._catalogue.downloads.update(
                    stopped.id, **wish, error=None, failure=None, ended=None
                )
                self._revived.append(stopped.id)

    def _wish(self, item: RestoreItem, batch: str) -> dict[str, Any]:
        archive, job = item.archive, item.job
        return {
            "vault": self.vault,
            "batch": batch,
            "archive_id": archive.archive_id,
            "name": archive.name,
            "size": archive.size or (job.size if job else None),
            "tree_hash": archive.tree_hash or (job.tree_hash if job else None),
            "mtime": archive.mtime,
            "tier": self.tier,
            "root": str(self.to),
            "target": str(item.target),
            "token": f"glacier_magic {uuid.uuid4()}",
            "state": {ASK: "planned", RUNNING: "waiting", READY: "ready"}[item.action],
            "job_id": job.job_id if job else None,
            "asked": self._clock.now_ms(),
        }


def _in_words(item: RestoreItem) -> tuple[str, ...]:
    return (
        item.archive.name or item.archive.archive_id,
        human_bytes(item.archive.size),
        short_id(item.archive.archive_id),
        item.action,
        near(str(item.target)),
    )


def _size(items: Iterable[RestoreItem]) -> int:
    return sum(item.archive.size or 0 for item in items)


def _present(archive: ArchiveRecord, wanted: Path) -> Path | None:
    """Return the file that is this archive already, by size and tree hash."""
    for path in alternatives(wanted):
        if not path.exists():
            return None
        try:
            same = path.is_file() and path.stat().st_size == archive.size
            if same and tree_hash(path) == archive.tree_hash:
                return path
        except (OSError, FileChanged):
            continue
    return None


def _targets(archives: Sequence[ArchiveRecord], root: Path) -> dict[str, Path]:
    """Return a path of its own below *root* for each archive, by archive id.

    Two archives of one name, and a file where another needs a folder, get numbered names.
    """
    wanted = {a.archive_id: _safe(a, root) for a in archives}
    parents = {path.parent for path in wanted.values()}  # far fewer than archives
    folders = {folder for path in parents for folder in (path, *path.parents)}
    folder_names = {str(path).casefold() for path in folders}
    taken: set[str] = set()
    for archive_id, path in wanted.items():
        chosen = next(
            candidate
            for candidate in alternatives(path)
            if (plain := str(candidate).casefold()) not in taken and plain not in folder_names
        )
        taken.add(str(chosen).casefold())
        wanted[archive_id] = chosen
    return wanted


def _safe(archive: ArchiveRecord, root: Path) -> Path:
    try:
        return safe_target(root, archive.name, fallback=archive.archive_id)
    except UnsafePath:
        pass
    try:  # a link below the target folder leads out of it: no folders then
        return safe_target(root, archive.name.replace("/", "_"), fallback=archive.archive_id)
    except UnsafePath as error:
        raise InputError(f"{archive.name!r} cannot be written below {root}: {error}") from None


def unknown_archive(vault: str, archive_id: str) -> ArchiveRecord:
    """Return the little that is known of an archive the catalogue has never seen."""
    empty = ArchiveRecord.described(
        "", vault=vault, archive_id=archive_id, size=None, created=None, tree_hash=None,
        state="unknown", seen=None,
    )  # fmt: skip
    return replace(empty, name=archive_id)
