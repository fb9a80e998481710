"""What a restore has to do: which archives are there, staged, on their way, or to be asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import takewhile
from pathlib import Path

from ...base.rendering import near
from ...base.safenames import UnsafePath, alternatives, safe_target
from ...base.treehash import FileChanged, tree_hash
from ...base.units import human_bytes, local_time, short_id
from ...catalogue import ArchiveRecord, Catalogue, Download, JobRecord
from ...catalogue.archives import identity, states
from ...catalogue.records import twins
from ...errors import InputError
from ...jobs import kept_until
from ...jobs.copying import verified_copy

ASK, RUNNING, READY, UNDER_WAY, THERE, COPY, TWIN, SAME, DELETED = (
    "ask the service",
    "already asked for",
    "ready to fetch",
    "already on its way",
    "already there",
    "copy what is here",
    "copy another of these",
    "the same file as another",
    "deleted from here",
)
"""Staged archives are ready to fetch: their job has finished, and its output is still kept.

Of archives with the same bytes one is asked for; another one of the same name is the same file, and
one of another name is copied from it.  What was deleted from here is not asked for.
"""
TO_FETCH = (ASK, RUNNING, READY)
"""What this plan moves out of the vault; what is under way, an earlier plan does."""
TO_WRITE = (*TO_FETCH, COPY, TWIN)
"""What this plan writes."""
OTHERS = (RUNNING, READY, UNDER_WAY, THERE, COPY, TWIN, SAME, DELETED)
"""What is not asked for."""
NOTHING = (THERE, SAME, DELETED)
"""What is neither fetched nor written."""
STATES = {ASK: "planned", RUNNING: "waiting", READY: "ready", COPY: "ready", TWIN: "waiting"}
"""The state in which a download begins."""
_FIRST = (THERE, COPY, UNDER_WAY, READY, RUNNING, ASK)
"""Which of several archives with the same bytes the others come from: the first of these."""


@dataclass(frozen=True, kw_only=True)
class PlanItem:
    """What becomes of an archive, or of a part of one, and where its file goes."""

    archive: ArchiveRecord
    target: Path
    action: str

    @property
    def size(self) -> int | None:
        """Bytes of the file; None if they are not known."""
        return self.archive.size


@dataclass(frozen=True, kw_only=True)
class RestoreItem(PlanItem):
    """One archive of a restore plan, where it goes and what it takes.

    :param download: our number of the download that is under way already.
    :param stopped: our number of one that failed or expired, whose pieces are used again.
    :param replaces: our number of one that is on hold, or scheduled in another tier: taken back.
    :param copy: a verified file of it in another folder, which is copied.
    :param done: its verified bytes, which are on the disk and not fetched again.
    """

    job: JobRecord | None = None
    download: int | None = None
    stopped: int | None = None
    replaces: int | None = None
    copy: Path | None = None
    done: int = 0

    @property
    def key(self) -> str:
        """What it has in common with archives of the same bytes."""
        return bytes_key(self.archive)

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
    targets, files = _targets(archives, to), _Files()
    jobs = catalogue.jobs.by_archive(vault)
    copies = _Copies(twins.verified_files(catalogue.database))
    under_way, stopped = _begun(catalogue.downloads.below(vault, str(to)))
    known = catalogue.archives.known(vault, [archive.archive_id for archive in archives])
    deleted = {record.archive_id for record in known if record.state == states.DELETED}
    items = [
        _item(
            archive,
            targets[archive.archive_id],
            files,
            jobs.get(archive.archive_id) or jobs.get(bytes_key(archive)),
            under_way.get(archive.archive_id),
            stopped.get(archive.archive_id),
            tier,
            copies,
        )
        for archive in archives
    ]
    return _once(
        [
            replace(item, action=DELETED)
            if item.action == ASK and item.archive.archive_id in deleted
            else item
            for item in items
        ]
    )


def _once(items: list[RestoreItem]) -> list[RestoreItem]:
    """Let archives with the same bytes come from one of them."""
    groups: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(item.key, []).append(place)
    for places in groups.values():
        known = [items[place] for place in places if items[place].action in _FIRST]
        if len(places) > 1 and known:
            first = min(known, key=lambda item: (_FIRST.index(item.action), -item.done))
            files = {item.target for item in known if item.action in (THERE, UNDER_WAY)}
            files.add(first.target)
            for place in places:
                item = items[place]
                if item is not first and item.action not in (THERE, UNDER_WAY):
                    items[place] = _like(first, item, files)
                    files.add(item.target)
    return items


def _like(first: RestoreItem, item: RestoreItem, files: Collection[Path]) -> RestoreItem:
    """Return what an archive takes whose bytes another one has, or gets."""
    if item.target in files:
        return replace(item, action=SAME, job=None, copy=None, replaces=None)
    if first.action in (THERE, COPY):
        copy = first.target if first.action == THERE else first.copy
        return replace(item, action=COPY, copy=copy, job=None)
    return replace(item, action=TWIN, job=first.job, copy=None)


def besides(items: Iterable[RestoreItem], asked: Collection[str]) -> list[RestoreItem]:
    """Return the items, of which those are copied that another plan asks for before.

    :param asked: their keys.
    """
    return [
        replace(item, action=TWIN) if item.action == ASK and item.key in asked else item for item in items
    ]


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
    archive: ArchiveRecord,
    names: tuple[Path, Path],
    files: _Files,
    job: JobRecord | None,
    under_way: Download | None,
    stopped: Download | None,
    tier: str,
    copies: _Copies,
) -> RestoreItem:
    there = files.holding(archive, *names)
    if there:
        return RestoreItem(archive=archive, target=there, action=THERE)
    scheduled = under_way is not None and (under_way.twin or bool(under_way.due))
    replaced = under_way is not None and (
        under_way.on_hold or (scheduled and under_way.unasked and under_way.tier != tier)
    )
    if under_way and not replaced:
        return RestoreItem(
            archive=archive,
            target=Path(under_way.target),
            action=UNDER_WAY,
            job=job,
            download=under_way.id,
            done=under_way.done,
        )
    copy = copies.of(archive) if job is None else None
    without = COPY if copy else ASK
    return RestoreItem(
        archive=archive,
        target=next(path for path in alternatives(names[1]) if not path.exists()),
        action=without if job is None else READY if job.status == "Succeeded" else RUNNING,
        copy=copy,
        job=job,
        stopped=stopped.id if stopped else None,
        replaces=under_way.id if under_way else None,
        done=stopped.done if stopped else 0,
    )


class _Copies:
    """The verified files of other folders, each of which is read at most once.

    :param paths: where they are, by the key of their bytes.
    """

    def __init__(self, paths: Mapping[str, Sequence[str]]) -> None:
        self._paths = paths
        self._found: dict[str, Path | None] = {}

    def of(self, archive: ArchiveRecord) -> Path | None:
        """Return a file that still has the bytes of an archive."""
        key = bytes_key(archive)
        if key not in self._found:
            paths = self._paths.get(key, ())
            self._found[key] = verified_copy(paths, archive.size, archive.tree_hash)
        return self._found[key]


class _Files:
    """The files that are there under names, each of which is read at most once."""

    def __init__(self) -> None:
        self._named: dict[Path, list[tuple[Path, int]]] = {}
        self._hash = cache(_hash_of)

    def holding(self, archive: ArchiveRecord, *names: Path) -> Path | None:
        """Return the file of a name, or a numbered one of it, that is an archive, by its hash."""
        for name in dict.fromkeys(names):
            for path, size in self._existing(name):
                if size == archive.size and self._hash(path) == (archive.tree_hash or ""):
                    return path
        return None

    def _existing(self, name: Path) -> list[tuple[Path, int]]:
        if name not in self._named:
            paths = takewhile(Path.exists, alternatives(name))
            self._named[name] = [(p, p.stat().st_size) for p in paths if p.is_file()]
        return self._named[name]


def _hash_of(path: Path) -> str | None:
    with suppress(OSError, FileChanged):
        return tree_hash(path)
    return None


def _targets(archives: Sequence[ArchiveRecord], root: Path) -> dict[str, tuple[Path, Path]]:
    """Return the path of each archive's name below *root*, and the one to write, by archive id.

    Two archives of one name and different bytes, and a file where another needs a folder, get
    numbered names.
    """
    wanted = {a.archive_id: _safe(a, root) for a in archives}
    parents = {path.parent for path in wanted.values()}  # far fewer than archives
    folders = {folder for path in parents for folder in (path, *path.parents)}
    taken = {str(path).casefold() for path in folders}
    chosen: dict[tuple[Path, str], Path] = {}
    found: dict[str, tuple[Path, Path]] = {}
    for archive in archives:
        path = wanted[archive.archive_id]
        one = path, bytes_key(archive)
        if one not in chosen:
            chosen[one] = next(each for each in alternatives(path) if str(each).casefold() not in taken)
            taken.add(str(chosen[one]).casefold())
        found[archive.archive_id] = path, chosen[one]
    return found


def _safe(archive: ArchiveRecord, root: Path) -> Path:
    try:
        return safe_target(root, archive.name, fallback=archive.archive_id)
    except UnsafePath:
        pass
    try:  # a link below the target folder leads out of it: no folders then
        return safe_target(root, archive.name.replace("/", "_"), fallback=archive.archive_id)
    except UnsafePath as error:
        raise InputError(f"{archive.name!r} cannot be written below {root}: {error}") from None


def in_words(item: PlanItem) -> tuple[str, ...]:
    """Return the row of an item in a plan's table."""
    return (
        item.archive.name or item.archive.archive_id,
        human_bytes(item.size),
        short_id(item.archive.archive_id),
        item.action,
        near(str(item.target)),
    )


def bytes_key(archive: ArchiveRecord) -> str:
    """Return what archives with the same bytes have in common; the id where they are not known."""
    return identity.bytes_key(archive.size, archive.tree_hash) or archive.archive_id


def unknown_archive(vault: str, archive_id: str) -> ArchiveRecord:
    """Return the little that is known of an archive the catalogue has never seen."""
    empty = ArchiveRecord.described(
        "",
        vault=vault,
        archive_id=archive_id,
        size=None,
        created=None,
        tree_hash=None,
        state="unknown",
        seen=None,
    )
    return replace(empty, name=archive_id)
