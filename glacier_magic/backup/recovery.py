"""The recovery of files from a snapshot: the ranges of packs to retrieve, and the extraction."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from ..base.files import rename_new
from ..base.ranges import ByteRange, megabyte_cover
from ..base.rendering import Rendered, near, visible
from ..base.safenames import UnsafePath, alternatives, safe_parts, safe_target
from ..base.units import human_bytes, plural
from ..catalogue import Catalogue
from ..catalogue.records.backup_rows import BackedUp, BackupSet, PackRecord, SnapshotRecord, StoredContent
from ..errors import IntegrityError, LocalError, NotFound
from ..errors.scrubbing import scrub
from ..errors.steps import left_out, step
from ..packs import PackMember, PackReader, PlainRanges
from ..packs.encryption import Identity, SealedFile
from ..packs.encryption.age_format import Fetch

GAP = 4 << 20
"""The most bytes between two ranges of a pack that are retrieved as one: a second request costs more."""
_SHOWN = 10


@dataclass(frozen=True, kw_only=True, repr=False)
class Recovered(Rendered):
    """The files that were recovered: *files* with *size* bytes below *folder*.

    :param there: how many files were there already.
    :param skipped: names and reasons of what could not be written.
    :param renamed: how many files have another name than in the snapshot.
    """

    folder: Path
    files: int
    size: int
    there: int
    skipped: tuple[tuple[str, str], ...] = ()
    renamed: int = 0

    def _repr_text(self) -> str:
        lines = [f"{near(str(self.folder))}: {plural(self.files, 'file')} ({human_bytes(self.size)}) written"]
        if self.renamed:
            lines.append(f"{plural(self.renamed, 'name')} changed: not allowed on every system, or taken")
        if self.there:
            lines.append(f"{plural(self.there, 'file')} with the same content there already")
        lines += [f"not written: {name}: {reason}" for name, reason in self.skipped[:_SHOWN]]
        lines.append(left_out(len(self.skipped) - _SHOWN))
        return "\n".join(visible(line) for line in lines if line)


@dataclass
class Recovery:
    """Files of a snapshot, and the parts of packs that have them.

    :param patterns: names, globs and folders, and collections of exact paths; none means all.
    :param identities: keys of encrypted packs; they are tried now, so that a wrong one costs nothing.
    :param held: parts of archives that were requested before; ranges within them are not requested again.
    :raises NotFound: nothing matches, or a pack is no longer in the catalogue.
    :raises WrongKey: no key opens a pack.
    """

    catalogue: Catalogue
    set: BackupSet
    snapshot: SnapshotRecord
    patterns: Sequence[str | Collection[str]]
    folder: Path
    identities: Sequence[Identity] = ()
    held: Sequence[tuple[str, ByteRange]] = ()
    entries: list[BackedUp] = field(init=False)
    there: int = field(init=False, default=0)
    ranges: dict[int, list[ByteRange]] = field(init=False)
    """The parts of each pack, by its number."""

    def __post_init__(self) -> None:
        backups, wanted = self.catalogue.backups, matcher(self.patterns)
        found = self._chosen(e for e in backups.entries(self.set.id, self.snapshot.ordinal) if wanted(e.path))
        if not found:
            what = f"matches {', '.join(map(repr, self.patterns))}" if self.patterns else "was there"
            raise NotFound(
                f"Nothing in the snapshot {what}",
                cure=f"{step('snapshots', f'{self.set.name} --files')} lists the files.",
            )
        self.contents: Mapping[int, StoredContent] = backups.contents(
            self.set.id, [entry.content_id for entry in found if entry.content_id is not None]
        )
        self.entries = [entry for entry in found if not self._is_there(entry)]
        self.there = len(found) - len(self.entries)
        self.packs: dict[int, PackRecord] = {pack.id: pack for pack in backups.packs(self.set.id)}
        self.ranges = self._ranges()

    def _chosen(self, matching: Iterator[BackedUp]) -> list[BackedUp]:
        """Return those of the entries that match which are wanted."""
        return list(matching)

    @property
    def files(self) -> list[BackedUp]:
        """The files that are still to be written."""
        return [entry for entry in self.entries if entry.kind == "file"]

    @property
    def size(self) -> int:
        """The bytes of these files."""
        return sum(entry.size for entry in self.files)

    def _is_there(self, entry: BackedUp) -> bool:
        """Return whether a file is in the folder with the same content."""
        content = self.contents.get(entry.content_id or 0)
        if entry.kind != "file" or content is None:
            return False
        with suppress(OSError, UnsafePath):
            # If another file had its name, it was written with a number.
            for file in takewhile(os.path.lexists, alternatives(self._target(entry))):
                if file.is_file() and file.stat().st_size == entry.size and _hash(file) == content.sha256:
                    return True
        return False

    def _target(self, entry: BackedUp) -> Path:
        return safe_target(self.folder, _name(entry), fallback="file")

    # Ranges

    def _ranges(self) -> dict[int, list[ByteRange]]:
        spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
        readers: dict[int, OpenedPack] = {}
        for entry in self.files:
            content = self.contents.get(entry.content_id or 0)
            if content is None or not content.size:
                continue
            if content.pack_id not in readers:
                readers[content.pack_id] = OpenedPack(
                    self.packs[content.pack_id], self.identities, _not_retrieved
                )
            spans[content.pack_id].append(readers[content.pack_id].span(content))
        held = defaultdict(list)
        for archive_id, part in self.held:
            held[archive_id].append(part)
        return {
            number: _held(merged(found, pack.size or 0), held[pack.archive_id or ""])
            for number, found in spans.items()
            for pack in [self.packs[number]]
        }

    # Extraction

    def extract(self, parts: Mapping[int, Sequence[tuple[ByteRange, Path]]]) -> Recovered:
        """Write the files; each has its name only when its content matches its hash.

        :param parts: of each pack, the files with its ranges.
        :raises IntegrityError: a content does not match, or a part is missing.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        reading = self._reading(parts)
        files, size, renamed, skipped = 0, 0, 0, []
        for entry in self.entries:
            try:
                if entry.kind == "file":
                    renamed += self._write(entry, reading(entry)) != self.folder / entry.path
                    files, size = files + 1, size + entry.size
                elif entry.kind == "folder":
                    self._target(entry).mkdir(parents=True, exist_ok=True)
            except (OSError, UnsafePath) as error:  # not IntegrityError, which ends the extraction
                skipped.append((entry.path, scrub(error)))
        # Links come last, so that nothing is written through them; then folders, the innermost first.
        for entry in self.entries:
            if entry.kind == "link":
                try:
                    self._link(entry)
                except (OSError, UnsafePath) as error:
                    skipped.append((entry.path, scrub(error)))
        for entry in reversed(self.entries):
            if entry.kind == "folder":
                with suppress(OSError, UnsafePath):
                    _set_facts(self._target(entry), entry)
        return Recovered(
            folder=self.folder,
            files=files,
            size=size,
            there=self.there,
            skipped=tuple(skipped),
            renamed=renamed,
        )

    def _reading(
        self, parts: Mapping[int, Sequence[tuple[ByteRange, Path]]]
    ) -> Callable[[BackedUp], Iterator[bytes]]:
        """Return a function that yields the content of a file, and compares its hash at the end."""
        readers: dict[int, OpenedPack] = {}

        def reading(entry: BackedUp) -> Iterator[bytes]:
            content = self.contents[entry.content_id or 0]
            if content.pack_id not in readers:
                fetch = HeldParts(parts.get(content.pack_id, ())).fetch
                readers[content.pack_id] = OpenedPack(self.packs[content.pack_id], self.identities, fetch)
            return readers[content.pack_id].read(content, entry)

        return reading

    def _link(self, entry: BackedUp) -> None:
        there = self.folder.joinpath(*safe_parts(_name(entry), fallback="link"))
        if there.is_symlink() and str(there.readlink()) == entry.target:
            return  # _target() refuses a link that leads out of the folder
        target = self._target(entry)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(entry.target or "")

    def _write(self, entry: BackedUp, content: Iterator[bytes]) -> Path:
        """Write a file; return its path, with another name where its own is taken or not safe."""
        target = self._target(entry)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name[:50]}.{uuid.uuid4().hex[:12]}.part")
        try:
            with part.open("xb") as file:
                for piece in content:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            _set_facts(part, entry)
            for name in alternatives(target):
                try:
                    rename_new(part, name)
                    break
                except FileExistsError:  # a file is never replaced
                    continue
            return name
        finally:
            part.unlink(missing_ok=True)


def _not_retrieved(start: int, end: int) -> bytes:
    raise IntegrityError(f"The bytes {start}-{end} of a pack were read before they were retrieved")


@dataclass
class HeldParts:
    """Reads ranges of a pack from the files that have parts of it."""

    files: Sequence[tuple[ByteRange, Path]]

    def has(self, start: int, end: int) -> bool:
        """Return whether a file has this range, whose end is exclusive."""
        return any(part.first <= start and end <= part.last + 1 for part, _ in self.files)

    def fetch(self, start: int, end: int) -> bytes:
        """Return a range.

        :raises IntegrityError: no file has it.
        """
        for part, file in self.files:
            if part.first <= start and end <= part.last + 1:
                with file.open("rb") as opened:
                    opened.seek(start - part.first)
                    return opened.read(end - start)
        return _not_retrieved(start, end)


class OpenedPack:
    """A pack, opened with the header and the table of frames that the catalogue has."""

    def __init__(self, pack: PackRecord, identities: Sequence[Identity], fetch: Fetch) -> None:
        size = pack.size or 0
        self._ranges: SealedFile | PlainRanges = PlainRanges(fetch, size)
        if pack.head:
            self._ranges = SealedFile(fetch, size, identities, head=pack.head)
        self._reader = PackReader(self._ranges, pack.frames)

    def span(self, content: StoredContent) -> tuple[int, int]:
        """Return the range of the archive, end exclusive, with a content."""
        return self._ranges.span(*self._reader.table.span(content.start, content.start + content.size))

    def read(self, content: StoredContent, entry: BackedUp) -> Iterator[bytes]:
        """Yield a content, and compare its hash at the end."""
        member = PackMember(
            entry.path, "file", content.start, content.size, entry.mtime_ns, entry.mode, content.sha256
        )
        return self._reader.read(member)


def merged(spans: Sequence[tuple[int, int]], size: int) -> list[ByteRange]:
    """Return ranges of whole MiB that contain all spans; ranges near each other are joined."""
    merged: list[ByteRange] = []
    for start, end in sorted(spans):
        wanted = megabyte_cover(ByteRange(start, end - 1), size)
        if merged and wanted.first <= merged[-1].last + 1 + GAP:
            merged[-1] = ByteRange(merged[-1].first, max(merged[-1].last, wanted.last))
        else:
            merged.append(wanted)
    return merged


def _held(wanted: Sequence[ByteRange], held: Sequence[ByteRange]) -> list[ByteRange]:
    """Return the wanted ranges, each replaced by a held one that contains it, if there is one."""
    chosen = [next((one for one in held if one.holds(part)), part) for part in wanted]
    return list(dict.fromkeys(chosen))


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def matcher(patterns: Sequence[str | Collection[str]]) -> Callable[[str], bool]:
    """Return a function that tells whether a path is that of a name or glob, or below a folder.

    A collection of paths stands for exactly these.  Without patterns, all paths match.
    """
    exact = frozenset[str]().union(*(paths for paths in patterns if not isinstance(paths, str)))
    texts = [pattern for pattern in patterns if isinstance(pattern, str)]
    expressions = [re.compile(fnmatch.translate(pattern.rstrip("/"))) for pattern in texts]

    def matches(path: str) -> bool:
        name = path.rstrip("/")
        return (
            not patterns
            or path in exact
            or any(
                one.match(name) or name == pattern.rstrip("/") or name.startswith(f"{pattern.rstrip('/')}/")
                for one, pattern in zip(expressions, texts, strict=True)
            )
        )

    return matches


def _name(entry: BackedUp) -> str:
    return entry.path.rstrip("/").replace("\\", "_")  # or Windows would read it as a separator


def _set_facts(path: Path, entry: BackedUp) -> None:
    path.chmod(entry.mode & 0o777)
    os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))


def folder_of_parts(to: Path, backup: BackupSet) -> Path:
    """Return the folder for retrieved parts of packs."""
    if to.exists() and not to.is_dir():
        raise LocalError(f"{str(to)!r} is not a folder", cure="Choose another one.")
    return to / f".{backup.name}.parts"
