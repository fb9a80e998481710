"""The items of a restore: the action for each archive, or part of one.

A whole archive is a part without a range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import ClassVar

from ...base.bucket_names import is_bucket
from ...base.files import occupied
from ...base.ranges import ByteRange, cover, is_verifiable, megabyte_cover
from ...base.treehash import FileChanged, tree_hash
from ...catalogue import ArchiveRecord, Catalogue, Download, JobRecord
from ...catalogue.records import twins
from ...catalogue.storage.letters import folded
from ...jobs.copying import verified_copy
from ...transfer.layout import DOUBT
from .targets import ExistingFiles, Wanted, free_path, targets

ASK, RUNNING, READY, UNDER_WAY, THERE, COPY, TWIN, SAME, DELETED = (
    "request",
    "already requested",
    "ready to download",
    "already in progress",
    "already restored",
    "copy a local file",
    "copy the file of another",
    "the same file as another",
    "deleted from here",
)
"""The actions of an item.

Of archives with the same bytes one is requested; another of the same name is the same file, and one
of another name is copied from it.  A deleted archive is not requested.
"""
SCHEDULED = "already scheduled"
"""What people read instead of :data:`UNDER_WAY` while an earlier plan has not requested it yet."""
TO_FETCH = (ASK, RUNNING, READY)
"""Items that this plan downloads; those in progress belong to earlier plans."""
TO_WRITE = (*TO_FETCH, COPY, TWIN)
"""Items that this plan writes."""
CONFLICT = "its key has another object"
"""The action of a move that would have to overwrite an object: nothing is requested."""
OTHERS = (RUNNING, READY, UNDER_WAY, THERE, COPY, TWIN, SAME, DELETED, CONFLICT)
"""Items without a request."""
ACTIONS = (ASK, *OTHERS)
NOTHING = (THERE, SAME, DELETED, CONFLICT)
"""Items that are neither downloaded nor written."""
STATES = {ASK: "planned", RUNNING: "waiting", READY: "ready", COPY: "ready", TWIN: "waiting"}
"""The state in which a download begins."""
_FIRST = (THERE, COPY, UNDER_WAY, READY, RUNNING, ASK)
"""The order in which one of several items with the same bytes is chosen as their source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrievalItem:
    """An archive, or a part of one, and the action that gets its bytes.

    :param part: the bytes that are written; None for the whole archive.
    :param cover: the bytes that the service retrieves for the part.
    :param download: the download that is in progress, or whose file exists.
    :param stopped: our number of a failed or expired download, whose pieces are used again.
    :param replaces: our number of a download on hold, or scheduled in another tier: withdrawn.
    :param done: verified bytes that are not fetched again.
    """

    own_words: ClassVar[Mapping[str, str]] = {}  # what people read where it is not the action
    archive: ArchiveRecord
    action: str
    part: ByteRange | None = None
    cover: ByteRange | None = None
    job: JobRecord | None = None
    download: Download | None = None
    stopped: int | None = None
    replaces: int | None = None
    done: int = 0

    @property
    def place(self) -> str:
        """Where the bytes are written."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The key of its request: archive and part, or the bytes of a whole archive."""
        return f"{self.archive.archive_id} {self.part}" if self.part else self.archive.bytes_key

    def serves(self, other: RetrievalItem) -> bool:
        """Return whether the output of its request has the bytes of another item of its vault."""
        if other.part is None:
            return self.part is None and self.key == other.key
        # A job of an equal archive is not looked for.
        same = self.archive.archive_id == other.archive.archive_id
        return same and (self.cover is None or self.cover.holds(other.part))

    @property
    def size(self) -> int | None:
        """Bytes of the file, by the job or else by the catalogue; None if neither knows."""
        if self.part is not None:
            return self.part.size
        size = self.archive.size
        if (self.job is None and size) or is_bucket(self.archive.vault):
            return size  # an object may be empty
        # First the job's, which the service tells: a plan file may claim any size.
        return (self.job and self.job.size) or size or None  # 0 is unknown: none is empty

    @property
    def retrieved(self) -> int | None:
        """Bytes that the service retrieves, and charges for; None if they are not known."""
        return self.cover.size if self.cover is not None else self.size

    @property
    def fetched(self) -> int | None:
        """Bytes that are downloaded for it, without those of :attr:`done`; None if they are not known.

        Of a part they are the whole MiB that it overlaps, however much is retrieved: hashes cover no
        less.
        """
        if self.action not in TO_FETCH:
            return 0
        size = megabyte_cover(self.part, self.archive.size or 0).size if self.part else self.size
        return None if size is None else size - self.done

    @property
    def words(self) -> str:
        """The action as people read it."""
        row = self.download
        waits = row is not None and row.state == "planned" and row.due is not None
        words = SCHEDULED if self.action == UNDER_WAY and waits else self.action
        return self.own_words.get(words, words)

    @property
    def verifiable(self) -> bool:
        """Whether the service gives the tree hashes of what it sends."""
        if self.part is None or self.cover is None:
            return True  # a whole archive is the root of its own tree
        if self.job is not None:
            return self.job.verifiable
        if self.download is not None:  # its file says so in its name
            return self.download.state != "unverified"
        return is_verifiable(self.cover, self.archive.size or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreItem(RetrievalItem):
    """An archive, or a part of one, in a restore: its file, and the action that restores it.

    :param copy: a verified file of the archive in another folder, which is copied.
    :param held: bytes that need no more room, as they are on the disk, verified or not.
    """

    target: Path
    copy: Path | None = None
    held: int = 0

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self.target)


def total(items: Iterable[RetrievalItem]) -> int:
    """Return the bytes of the files of items; unknown sizes count as 0."""
    return sum(item.size or 0 for item in items)


def retrieved(items: Iterable[RetrievalItem]) -> int:
    """Return the bytes that the service retrieves for items; unknown sizes count as 0."""
    return sum(item.retrieved or 0 for item in items)


def decide(
    archives: Sequence[ArchiveRecord],
    parts: Sequence[ByteRange | None],
    *,
    vault: str,
    tier: str,
    to: Path,
    catalogue: Catalogue,
    exact: bool = False,
) -> list[RestoreItem]:
    """Return an item for each part of an archive, by the present files, downloads and jobs.

    :param parts: the bytes of each archive that are wanted; None for all of them, which
        :func:`.whole_archives.decide_whole` decides faster.
    :param exact: retrieve no more than the whole MiB of a part.
    :raises InputError: a name cannot be written below *to*.
    """
    wanted = list(zip(archives, parts, strict=True))
    paths = targets(wanted, to)
    known = RestoreFacts(catalogue, vault, tier, to, [str(path) for _, path in paths])
    known.exact = exact
    items = [known.item(one, names) for one, names in zip(wanted, paths, strict=True)]
    return once(items, [path for _, path in paths])


class RestoreFacts:
    """The known downloads, jobs and files of archives of one vault in one folder.

    :param paths: those to write of all archives.
    """

    exact = False

    def __init__(self, catalogue: Catalogue, vault: str, tier: str, to: Path, paths: Sequence[str]) -> None:
        self._catalogue, self._vault, self._tier = catalogue, vault, tier
        self._chosen = cache(lambda: frozenset(map(folded, paths)))  # mostly no file has another's name
        self._files, self._copies = ExistingFiles(), _Copies(twins.verified_files(catalogue.database))
        self._deleted = catalogue.archives.deleted(vault)
        self._open: dict[tuple[str, str | None], Download] = {}
        self._stopped: dict[tuple[str, str | None], Download] = {}
        self._ended: dict[tuple[str, str | None], list[Download]] = {}
        for row in catalogue.downloads.below(vault, str(to)):  # another folder gets files of its own
            key = row.archive_id, row.part
            if row.open:
                self._open.setdefault(key, row)  # the oldest
            elif row.state in ("failed", "expired"):
                if row.part_path is not None:
                    self._stopped[key] = row  # the newest
            else:
                self._ended.setdefault(key, []).append(row)

    @cached_property
    def _jobs(self) -> dict[str, JobRecord]:
        return self._catalogue.jobs.by_archive(self._vault)  # one query for any number of archives

    def contents(self) -> set[str]:
        """Return the ids, and keys of bytes, of the archives that are perhaps not requested."""
        rows = (self._open, self._stopped, self._ended)
        ids = {archive_id for found in rows for archive_id, part in found if part is None}
        return self._deleted | ids | self._jobs.keys() | self._copies.paths.keys()

    def _job(
        self, archive: ArchiveRecord, part: ByteRange | None, row: Download | None = None
    ) -> JobRecord | None:
        if part is not None and row is not None:  # whether it can be verified depends on its own job
            return self._catalogue.jobs.get(self._vault, row.job_id) if row.job_id else None
        if part is not None:
            return self._catalogue.jobs.for_archive(self._vault, archive.archive_id, part)
        return self._jobs.get(archive.archive_id) or self._jobs.get(archive.bytes_key)  # twins are equal

    def _cover(self, part: ByteRange, size: int) -> ByteRange:
        return megabyte_cover(part, size) if self.exact else cover(part, size)

    def item(self, wanted: Wanted, names: tuple[Path, Path], *, look: bool = True) -> RestoreItem:
        """Return the item of an archive or part.

        :param names: the path of its own name, and the path to write.
        :param look: whether a file of these names may exist.
        """
        archive, part = wanted
        key = archive.archive_id, str(part) if part else None
        item = RestoreItem(
            archive=archive,
            part=part,
            cover=self._cover(part, archive.size or 0) if part else None,
            target=names[1],
            action=ASK,
        )
        if part is None and look:
            file = self._files.holding(archive, *names)
            if file is not None:
                return replace(item, action=THERE, target=file)
        for ended in self._ended.get(key, ()):  # the plan may not know the tree hash: see below()
            if is_there(ended):
                return replace(item, action=THERE, target=Path(ended.target), download=ended)
        row, stopped = self._open.get(key), self._stopped.get(key)
        if row is not None and not self._replaced(row):
            job = self._job(archive, part, row)
            target = Path(row.target)
            item = replace(item, action=UNDER_WAY, target=target, job=job, download=row)
            return replace(item, done=_done(row), held=_held(row))
        job = self._job(archive, part)  # of any client: the output belongs to the account
        # A job costs nothing more, and reading a local file takes long.
        copy = self._copies.of(archive) if job is None and part is None else None
        if job is not None:
            action = READY if job.status == "Succeeded" else RUNNING
        elif copy is not None:
            action = COPY
        else:  # the service may accept a request for a deleted archive, and fail the job hours later
            action = DELETED if archive.archive_id in self._deleted else ASK
        return replace(
            item,
            action=action,
            target=free_path(names[1], part, self._chosen) if look else names[1],
            job=job,
            copy=copy,
            stopped=stopped.id if stopped else None,
            replaces=row.id if row else None,
            done=_done(stopped) if stopped else 0,
            held=_held(stopped) if stopped else 0,
        )

    def _replaced(self, row: Download) -> bool:
        """Return whether a new download takes the place of one that has not been requested."""
        scheduled = row.twin or bool(row.due)  # neither is paid yet: another tier costs nothing more
        return row.on_hold or (scheduled and row.unasked and row.tier != self._tier)


def _done(row: Download) -> int:
    """Return the bytes of a download that are not fetched again: of a part, none where some are doubtful."""
    return 0 if DOUBT in (row.pieces or "") else row.done


def _held(row: Download) -> int:
    """Return the bytes of a download that its part file has room for already."""
    return max(row.done, min(row.size or 0, occupied(row.part_path) if row.part_path else 0))


def is_there(row: Download) -> bool:
    """Return whether the file of an ended download has the bytes that it had then."""
    if row.state not in ("verified", "unverified") or row.tree_hash is None:
        return False
    with suppress(OSError, FileChanged):
        file = Path(row.target)
        return file.stat().st_size == row.size and tree_hash(file) == row.tree_hash  # the hash reads it all
    return False


def once(items: list[RestoreItem], paths: Sequence[Path] = ()) -> list[RestoreItem]:
    """Let items with the same bytes come from one of them.

    :param paths: the path that each part is to be written to, whether it exists or not.
    """
    groups: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(f"{item.archive.bytes_key} {item.part}", []).append(place)
    for places in groups.values():
        known = [place for place in places if items[place].action in _FIRST]
        if len(places) < 2 or not known:
            continue
        source = min(known, key=lambda place: (_FIRST.index(items[place].action), -items[place].done))
        first = items[source]
        # Names that this plan must not write twice.
        files = {items[place].target for place in known if items[place].action in (THERE, UNDER_WAY)}
        files.add(first.target)
        for place in places:
            item = items[place]
            if item is first or item.action in (THERE, UNDER_WAY):
                continue
            if item.target in files or (item.part and paths[place] == paths[source]):
                target = first.target if item.part else item.target
                items[place] = replace(item, action=SAME, target=target, job=None, copy=None, replaces=None)
            elif item.part is None:  # a part of another name is a request of its own
                items[place] = _copied(item, first)
            files.add(items[place].target)
    return items


def _copied(item: RestoreItem, first: RestoreItem) -> RestoreItem:
    """Return an item that is copied from the file that another one has, or gets."""
    if first.action in (THERE, COPY):
        copy = first.target if first.action == THERE else first.copy
        return replace(item, action=COPY, copy=copy, job=None)
    return replace(item, action=TWIN, job=first.job, copy=None)


def besides(items: Iterable[RestoreItem], asked: Iterable[RestoreItem]) -> list[RestoreItem]:
    """Return the items without the requests that earlier plans of the vault make.

    :param asked: the items of those requests.
    """
    requests: dict[str, list[RestoreItem]] = {}
    for item in asked:
        requests.setdefault(item.archive.bytes_key, []).append(item)

    def beside(item: RestoreItem) -> RestoreItem:
        earlier = requests.get(item.archive.bytes_key, ())
        if item.action != ASK or not any(request.serves(item) for request in earlier):
            return item
        # A part is cut from the output; a whole archive is copied from the file if it is known by its hash.
        return replace(item, action=RUNNING if item.part or not item.archive.tree_hash else TWIN)

    return [beside(item) for item in items]


class _Copies:
    """The verified files of other folders; each is read at most once.

    :param paths: their paths by the key of their bytes.
    """

    def __init__(self, paths: Mapping[str, Sequence[str]]) -> None:
        self.paths = paths
        self._found: dict[str, Path | None] = {}

    def of(self, archive: ArchiveRecord) -> Path | None:
        """Return a file that still has the bytes of an archive, or None."""
        key = archive.bytes_key
        if key not in self._found:
            paths = self.paths.get(key, ())
            self._found[key] = verified_copy(paths, archive.size, archive.tree_hash)  # reads the file: once
        return self._found[key]
