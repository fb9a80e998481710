"""What a restore has to do: which archives are there, staged, on their way, or to be asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ...base.rendering import near
from ...base.safenames import UnsafePath, alternatives, safe_target
from ...base.treehash import FileChanged, tree_hash
from ...base.units import local_time
from ...catalogue import ArchiveRecord, Catalogue, Download, JobRecord
from ...errors import InputError
from ...jobs import kept_until
from ...jobs.copying import verified_copy

ASK, RUNNING, READY, UNDER_WAY, THERE, COPY = (
    "ask the service",
    "already asked for",
    "ready to fetch",
    "already on its way",
    "already there",
    "copy what is here",
)
"""Staged archives are ready to fetch: their job has finished, and its output is still kept."""


@dataclass(frozen=True, kw_only=True)
class RestoreItem:
    """One archive of a restore plan, where it goes and what it takes.

    :param download: our number of the download that is under way already.
    :param stopped: our number of one that failed or expired, whose pieces are used again.
    :param replaces: our number of one that is scheduled in another tier, and taken back.
    :param copy: a verified file of it in another folder, which is copied.
    :param done: its verified bytes, which are on the disk and not fetched again.
    """

    archive: ArchiveRecord
    target: Path
    action: str
    job: JobRecord | None = None
    download: int | None = None
    stopped: int | None = None
    replaces: int | None = None
    copy: Path | None = None
    done: int = 0

    @property
    def size(self) -> int | None:
        """Bytes of the archive, by the catalogue or else by its job; None if neither knows."""
        return self.archive.size or (self.job.size if self.job else None)


def total(items: Iterable[RestoreItem]) -> int:
    """Return the bytes of some items, as far as they are known."""
    return sum(item.size or 0 for item in items)


def staged_until(found: Sequence[RestoreItem], now: datetime) -> str:
    """Return until when staged outputs are kept for certain; fetching them is no retrieval."""
    moments = [kept_until(item.job) for item in found if item.job and item.action == READY]
    known = [moment for moment in moments if moment is not None]
    if not known:
        return ""
    until = local_time(min(known), now)
    # service documentation does not say it; AWS's own vault-to-S3 solution relies on it
    return f": staged until {until}, and while it is, asking again would be free as well"


def copies(found: Sequence[RestoreItem]) -> str:
    """Return where the verified copies are."""
    paths = [near(str(item.copy)) for item in found if item.copy is not None]
    if not paths:
        return ""
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    return f": a verified copy is at {paths[0]}{more}"


def decide(
    archives: Sequence[ArchiveRecord], *, vault: str, tier: str, to: Path, catalogue: Catalogue
) -> list[RestoreItem]:
    """Return what each archive takes, by files, downloads and jobs as they are known now.

    :raises InputError: a name cannot be written below *to*.
    """
    targets = _targets(archives, to)
    jobs = catalogue.jobs.by_archive(vault)
    verified = catalogue.downloads.verified_files(vault)
    under_way, stopped = _begun(catalogue.downloads.below(vault, str(to)))
    return [
        _item(
            archive, targets[archive.archive_id], jobs.get(archive.archive_id),
            under_way.get(archive.archive_id), stopped.get(archive.archive_id), tier,
            verified.get(archive.archive_id, ()),
        )
        for archive in archives
    ]  # fmt: skip


def _begun(found: Iterable[Download]) -> tuple[dict[str, Download], dict[str, Download]]:
    under_way: dict[str, Download] = {}
    stopped: dict[str, Download] = {}
    for download in found:  # the oldest that is open, the newest that stopped
        if download.open:
            under_way.setdefault(download.archive_id, download)
        else:
            stopped[download.archive_id] = download
    return under_way, stopped


def _item(
    archive: ArchiveRecord, wanted: Path, job: JobRecord | None, under_way: Download | None,
    stopped: Download | None, tier: str, verified: Iterable[str],
) -> RestoreItem:  # fmt: skip
    there = _present(archive, wanted)
    if there:
        return RestoreItem(archive=archive, target=there, action=THERE)
    scheduled = under_way is not None and under_way.state == "planned" and bool(under_way.due)
    replaced = under_way if under_way and scheduled and under_way.tier != tier else None
    if under_way and not replaced:
        return RestoreItem(
            archive=archive, target=Path(under_way.target), action=UNDER_WAY,
            job=job, download=under_way.id, done=under_way.done,
        )  # fmt: skip
    copy = verified_copy(verified, archive.size, archive.tree_hash) if job is None else None
    without = COPY if copy else ASK
    return RestoreItem(
        archive=archive,
        target=next(path for path in alternatives(wanted) if not path.exists()),
        action=without if job is None else READY if job.status == "Succeeded" else RUNNING,
        copy=copy,
        job=job,
        stopped=stopped.id if stopped else None,
        replaces=replaced.id if replaced else None,
        done=stopped.done if stopped else 0,
    )


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
    taken = {str(path).casefold() for path in folders}
    for archive_id, path in wanted.items():
        chosen = next(
            candidate for candidate in alternatives(path) if str(candidate).casefold() not in taken
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
