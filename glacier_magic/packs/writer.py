"""Writing a pack: this thread reads and hashes files, two compress, and a process seals and stores."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from ..base.files import read_at
from ..errors import LocalError
from .encryption import Sealed, Sealing
from .pack_members import (
    BLOCK,
    FILE,
    FOLDER,
    HARDLINK,
    SYMLINK,
    PackMember,
    first_line,
    header,
    line,
    padding,
)
from .zstd_frames import FrameWriter, options, zstd

_READ = 1 << 20
_INDEX_LEVEL = 1  # half of it are hashes, which no level compresses
_LINES = 1 << 18
"""Bytes of the index that are compressed at once."""
# A link or a pipe that took the place of a file is not followed, or waited for.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))


@dataclass(frozen=True, kw_only=True)
class Pack(Sealed):
    """A pack on the disk.

    :param table: of its frames, which a later reader can be given.
    """

    table: bytes


class PackWriter:
    """Writes a new pack; the file has its name once it is whole, on the disk, and hashed.

    Used as a context: the file is removed unless :meth:`close` was called in it.

    :param file: it must not exist.
    :param recipients: who can open it, ``age1...``; none leaves it unencrypted.
    :param about: written into its index, such as the name of its set.
    :param level: of zstd.
    """

    def __init__(
        self, file: Path, recipients: Sequence[str], *, about: Mapping[str, Any] | None = None, level: int = 3
    ) -> None:
        self._sealing = Sealing(file, recipients)
        self._frames = FrameWriter(self._sealing.write, level)
        self._compressor = zstd().ZstdCompressor(options=options(_INDEX_LEVEL))
        self._index, self._lines = bytearray(), bytearray(first_line(about or {}))
        self._inodes: dict[tuple[int, int], str] = {}

    @property
    def size(self) -> int:
        """Bytes of the tar so far."""
        return self._frames.position

    def add(self, path: str, source: str | os.PathLike[str]) -> PackMember:
        """Append a file, a folder without its contents, or a link as such.

        Of files that are one on the disk, the second is a hard link to the first.  A file that changes while
        it is read is read once more: the later member replaces the earlier one, as ``tar x`` does.

        :param path: in the pack, relative and with slashes; members are added in the order of :func:`walk`.
        :return: the member; it is torn if the file changed both times.
        :raises LocalError: it cannot be read, or is none of these.
        """
        try:
            status = os.lstat(source)
            if stat.S_ISREG(status.st_mode):
                member = self._add_file(path, source)
                return self._add_file(path, source) if member.torn else member
            if stat.S_ISDIR(status.st_mode):
                return self._add(path, FOLDER, status)
            if stat.S_ISLNK(status.st_mode):
                return self._add(path, SYMLINK, status, target=os.readlink(source))
        except LocalError:
            raise
        except OSError as error:
            raise LocalError(f"{str(source)!r} cannot be read: {error.strerror}") from None
        raise LocalError(f"{str(source)!r} is not a file, folder or link")

    def note(self, member: PackMember) -> None:
        """Append a line to the index alone: of a member whose start is 0."""
        self._lines += line(member)
        if len(self._lines) > _LINES:
            self._index += self._compressor.compress(self._lines)
            self._lines.clear()

    def close(self) -> Pack:
        """Return the pack, which now has its name.

        :raises LocalError: it cannot be written.
        """
        self._frames.write(bytes(2 * BLOCK))
        index = self._index + self._compressor.compress(self._lines) + self._compressor.flush()
        table = self._frames.close(index)
        return Pack(**vars(self._sealing.close()), table=table)

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(self, *about: object) -> None:
        self._frames.stop()
        self._sealing.__exit__(*about)

    def _add_file(self, path: str, source: str | os.PathLike[str]) -> PackMember:
        descriptor = os.open(source, _FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise LocalError(f"{str(source)!r} changed its kind")
            if status.st_nlink > 1:
                first = self._inodes.setdefault((status.st_dev, status.st_ino), path)
                if first != path:
                    return self._add(path, HARDLINK, status, target=first)
            return self._add(path, FILE, status, descriptor=descriptor)
        finally:
            os.close(descriptor)

    def _add(
        self, path: str, kind: str, status: os.stat_result, *, target: str = "", descriptor: int | None = None
    ) -> PackMember:
        size = status.st_size if descriptor is not None else 0
        member = PackMember(path, kind, 0, size, status.st_mtime_ns, stat.S_IMODE(status.st_mode), "", target)
        head = header(member, status.st_uid, status.st_gid)
        self._frames.keep_whole(len(head) + size)
        self._frames.write(head)
        start = self._frames.position
        sha256 = "" if descriptor is None else self._content(descriptor, status)
        member = PackMember(path, kind, start, size, member.mtime, member.mode, sha256, target)
        self.note(member)
        return member

    def _content(self, descriptor: int, status: os.stat_result) -> str:
        """Write as many bytes as the header says; return their hash, or "" if the file changed meanwhile."""
        left, hasher = status.st_size, hashlib.sha256()
        try:
            while left:
                room = self._frames.room(min(left, _READ))
                count = read_at(descriptor, room, status.st_size - left)
                if not count:
                    break
                hasher.update(room[:count])
                self._frames.advance(count)
                left -= count
            after = os.fstat(descriptor)
            same = not left and (after.st_size, after.st_mtime_ns) == (status.st_size, status.st_mtime_ns)
        except OSError:  # of the disk: the header is written, so zeros have to follow
            same = False
        while left > _READ:
            self._frames.write(bytes(_READ))
            left -= _READ
        self._frames.write(bytes(left) + padding(status.st_size))
        return hasher.hexdigest() if same else ""


def walk(folder: str | os.PathLike[str], below: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and source of all that is below a folder, in the order of a pack.

    A folder comes before its contents, and they follow it without a gap.  Links are not followed.

    :param below: what the paths begin with.
    :raises LocalError: a folder cannot be listed.
    """
    try:
        with os.scandir(os.fspath(folder)) as entries:
            found = sorted(entries, key=attrgetter("name"))
    except OSError as error:
        raise LocalError(f"{str(folder)!r} cannot be listed: {error.strerror}") from None
    for entry in found:
        yield below + entry.name, entry.path
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path, f"{below}{entry.name}/")
