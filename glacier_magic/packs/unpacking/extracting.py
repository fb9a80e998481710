"""Members of a tar or zip as files of a new folder, and of nothing outside it.

The folder is new, files come before links, and no link goes up from where it leads: so no member is
written through a link, and none leads out.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ...base.safenames import alternatives, safe_target
from ...errors import IntegrityError, describe
from ...peek.contents import FILE, FOLDER, LINK, Member
from ...peek.tars import Forward, walk
from .layers import PIECE, ZIP, Allowance, Layer, pieces_of

_NAMED = 1000
"""The most members that are left out by name."""


class Extraction:
    """The files of a new folder, under safe names.

    ``files`` and ``size`` count them and their bytes; ``left_out`` has names and reasons, ``omitted`` their
    number.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = self.size = self.omitted = 0
        self.left_out: list[tuple[str, str]] = []
        self._taken: set[str] = set()
        self._files: dict[str, Path] = {}
        self._folders: dict[str, Path] = {}
        self._others: dict[str, Iterator[Path]] = {}
        self._links: list[tuple[str, str, bool]] = []
        root.mkdir()

    def omit(self, name: str, reason: str) -> None:
        """Leave a member out."""
        self.omitted += 1
        if len(self.left_out) < _NAMED:
            self.left_out.append((name, reason))

    def folder(self, name: str) -> None:
        """Make a folder."""
        self._place(name, folder=True)

    def file(self, name: str, pieces: Iterable[bytes], *, mtime: int | None = None, mode: int = 0) -> None:
        """Write a file; it replaces an earlier one of exactly that name, as ``tar x`` does.

        :param mtime: in milliseconds since 1970.
        :param mode: permissions; others get no right to write.
        """
        path = self._files.get(name)
        if path is None:
            path = self._files[name] = self._place(name)
        else:
            self.files, self.size = self.files - 1, self.size - path.stat().st_size
            path.unlink()
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags, (mode & 0o755 or 0o644) | 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
                self.size += len(piece)
        self.files += 1
        if mtime is not None:
            with suppress(OSError, OverflowError):  # a time that the file system does not have
                os.utime(path, ns=(mtime * 1_000_000,) * 2)

    def link(self, name: str, target: str, *, hard: bool = False) -> None:
        """Make a link when all files are there.

        :param hard: the target is a member; otherwise a path from the link's folder.
        """
        self._links.append((name, target, hard))

    def finish(self) -> None:
        """Make the links."""
        for name, target, hard in sorted(self._links, key=lambda link: not link[2]):  # to files, not to links
            try:
                self._hard(name, target) if hard else self._soft(name, target)
            except (OSError, ValueError) as error:  # on Windows, a link needs a privilege
                self.omit(name, f"a link that cannot be made: {describe(error)}")

    def _hard(self, name: str, target: str) -> None:
        source = safe_target(self.root, target, fallback="member")
        if not source.is_file():
            self.omit(name, "a link to a member that is not there")
            return
        path = self._place(name)
        try:
            os.link(source, path)
        except OSError:  # a file system without them
            shutil.copy2(source, path)
        self.files += 1

    def _soft(self, name: str, target: str) -> None:
        path = self._place(name)
        depth = len(path.relative_to(self.root).parts) - 1
        steps = target.split("/")
        ups = next((number for number, step in enumerate(steps) if step != ".."), len(steps))
        # A step up after one down could have followed another link first.
        if ups > depth or ".." in steps[ups:] or re.match(r"/|[A-Za-z]:|.*\\|\Z", target, re.DOTALL):
            self.omit(name, "a link that leads out, or may")
            return
        path.symlink_to(target)

    def _place(self, name: str, *, folder: bool = False) -> Path:
        """Return a path for a member, whose folders are made."""
        path, wanted = self.root, safe_target(self.root, name, fallback="member").relative_to(self.root)
        for part in wanted.parts[:-1]:
            path = self._free(path / part, folder=True)
        return self._free(path / wanted.name, folder=folder)

    def _free(self, path: Path, *, folder: bool) -> Path:
        """Return a path, or a numbered one, that nothing has; only folders of one name are the same."""
        key = _folded(path)
        if folder and key in self._folders:
            return self._folders[key]
        if key in self._taken:
            others = self._others.setdefault(key, alternatives(path))  # goes on where it has come to
            path = next(each for each in others if _folded(each) not in self._taken)
        self._taken.add(_folded(path))
        if folder:
            path.mkdir()
            self._folders[key] = path
        return path


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path).casefold())  # what some file systems take for one name


def extract_tar(source: Layer, into: Extraction) -> None:
    """Extract a tar to its end, and read what is behind it: some layers are verified there.

    :raises IntegrityError: it is damaged or cut off.
    """
    tar = Forward(source)
    for member in walk(tar.read):
        if member.kind == FOLDER:
            into.folder(member.name)
        elif member.kind == LINK:
            into.link(member.name, member.target, hard=member.hard)
        elif member.kind != FILE:
            into.omit(member.name, "a device, a pipe or another special file")
        elif member.size != member.packed:
            into.omit(member.name, "a sparse file, which tar itself extracts")
        else:
            into.file(member.name, _content(tar, member), mtime=member.mtime, mode=member.mode)
    while source.read():
        pass


def _content(tar: Forward, member: Member) -> Iterator[bytes]:
    end = member.content + member.size
    for start in range(member.content, end, PIECE):
        data = tar.read(start, min(PIECE, end - start))
        if len(data) < min(PIECE, end - start):
            raise IntegrityError(f"It ends inside the member {member.name!r}", cure="")
        yield data


def extract_zip(file: Path, into: Extraction, allowance: Allowance) -> None:
    """Extract a zip.

    :param allowance: for all members together.
    :raises IntegrityError: it is damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                _extract_zipped(archive, member, into, allowance)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise IntegrityError(f"The zip is damaged: {describe(error)}", cure="") from None


def _extract_zipped(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, into: Extraction, allowance: Allowance
) -> None:
    mode = member.external_attr >> 16 if member.create_system == 3 else 0  # Unix
    if member.is_dir():
        into.folder(member.filename)
        return
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFLNK):
        into.omit(member.filename, "a device, a pipe or another special file")
        return
    try:
        opened = archive.open(member)
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or a method that Python lacks
        into.omit(member.filename, describe(error))
        return
    with opened:
        if stat.S_ISLNK(mode):
            into.link(member.filename, opened.read(4096).decode(errors="replace"))
            return
        content = Layer(ZIP, pieces_of(opened), allowance)
        into.file(member.filename, pieces_of(content), mtime=_mtime(member), mode=mode)


def _mtime(member: zipfile.ZipInfo) -> int | None:
    """Return its time, which is a local one, in milliseconds since 1970."""
    with suppress(ValueError, OverflowError, OSError):
        return int(time.mktime((*member.date_time, 0, 0, -1))) * 1000
    return None
