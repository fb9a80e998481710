"""Unpacking a local file beside itself, or into another folder."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...base.files import rename_new
from ...base.rendering import Rendered, near, visible
from ...base.safenames import UnsafePath, alternatives, safe_parts
from ...base.units import human_bytes, plural
from ...errors import GlacierError, InputError, LocalError
from ...errors.steps import left_out, option
from .extracting import Extraction, extract_tar, extract_zip
from .keys import Keys
from .layers import PIECE, TAR, Allowance, Opened, opened, pieces_of
from .opening import openers

RATIO, LEAST = 100, 1 << 30
"""How many times its size, and how many bytes in any case, a file may unpack to."""
_ROOM = 0.9
"""The part of the free space that may be filled."""
_SHOWN = 10
"""The most members left out that are displayed."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Unpacked(Rendered):
    """What a file was unpacked to.

    :param target: the new folder with the members of an archive, or the new file.
    :param kinds: what was opened, the outermost first: ``gpg``, ``bzip2``, ``tar``, ...
    :param files: how many files there are, with *size* bytes.
    :param left_out: names and reasons of members that were left out, the first thousand.
    :param omitted: how many were left out.
    """

    source: Path
    target: Path
    kinds: tuple[str, ...]
    files: int
    size: int
    left_out: tuple[tuple[str, str], ...] = ()
    omitted: int = 0

    def _repr_text(self) -> str:
        what = f"{plural(self.files, 'file')}, {human_bytes(self.size)}"
        lines = [f"{near(str(self.target))}: {what}, from {self.source.name} ({', '.join(self.kinds)})"]
        if self.omitted:
            lines.append(f"{plural(self.omitted, 'member')} left out:")
            lines += [f"  {name}: {reason}" for name, reason in self.left_out[:_SHOWN]]
            lines.append(left_out(self.omitted - _SHOWN))
        return "\n".join(visible(line) for line in lines if line)


def unpack(
    file: str | os.PathLike[str],
    to: str | os.PathLike[str] | None = None,
    *,
    keys: Keys | None = None,
    max_size: int | None = None,
) -> Unpacked:
    """Open all layers of a file, and extract the tar or zip inside; the file itself stays.

    Layers are gzip, bzip2, xz, zstd, age, OpenPGP, ``openssl enc -aes-256-cbc`` (QNAP) and bakthat's. The
    result, a folder for an archive, has the file's name without their endings, and a number if there is such
    a file. It gets its name when it is complete and all that can be verified is.

    :param to: the folder for the result; by default, that of the file.
    :param keys: open the encrypted layers; by default, a password is asked for.
    :param max_size: the most bytes of a layer; by default 100 times those of the file, and at least 1 GiB.
    :raises WrongKey: the key or the password does not open it.
    :raises IntegrityError: it is damaged, or ends too early.
    :raises InputError: it is nothing that can be unpacked, or a library or program is not installed.
    :raises LocalError: it cannot be read, there is no room, or it is larger than *max_size*.
    """
    with open_package(file, to, keys=keys, max_size=max_size) as found:
        return found.extract()


@contextmanager
def open_package(
    file: str | os.PathLike[str],
    to: str | os.PathLike[str] | None = None,
    *,
    keys: Keys | None = None,
    max_size: int | None = None,
) -> Iterator[Package]:
    """Open all layers of a file, which shows whether the key is right, and extract nothing yet.

    Parameters and errors are those of :func:`unpack`, but a file without layers is no error.
    """
    source = Path(file).expanduser().absolute()
    folder = source.parent if to is None else Path(to).expanduser().absolute()
    with _local_errors(source), source.open("rb") as stream:
        folder.mkdir(parents=True, exist_ok=True)
        allowance = _allowance(source.stat().st_size, folder, max_size)
        try:
            with opened(stream, source.name, openers(keys or Keys()), allowance) as inside:
                yield Package(source, folder, inside, allowance)
        except GlacierError as error:
            error.message = f"{source.name}: {error.message}"
            raise


class Package:
    """A file whose layers are open; see :func:`open_package`."""

    def __init__(self, source: Path, folder: Path, inside: Opened, allowance: Allowance) -> None:
        self._source, self._folder, self._inside, self._allowance = source, folder, inside, allowance

    @property
    def plain(self) -> bool:
        """Whether there is nothing to unpack."""
        return not self._inside.kinds and self._inside.archive is None

    def extract(self) -> Unpacked:
        """Extract what is inside, once; see :func:`unpack`."""
        if self.plain:
            raise InputError(
                "This is no archive or encrypted file that can be unpacked",
                cure="It is told by its first bytes.",
            )
        (name,) = safe_parts(self._inside.name.replace("/", "_"), fallback="unpacked")
        work = self._folder / f".{name[:50]}.{uuid.uuid4().hex[:12]}.part"  # on the disk of the target
        work.mkdir(mode=0o700)
        try:
            into = self._extracted(work, name)
            target = _named(into.root if self._inside.archive else into.root / name, self._folder / name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return Unpacked(
            source=self._source,
            target=target,
            kinds=(*self._inside.kinds, *([self._inside.archive] if self._inside.archive else [])),
            files=into.files,
            size=into.size,
            left_out=tuple(into.left_out),
            omitted=into.omitted,
        )

    def _extracted(self, work: Path, name: str) -> Extraction:
        into, layer = Extraction(work / "files"), self._inside.layer
        if self._inside.archive is None:
            into.file(name, pieces_of(layer), mtime=int(self._source.stat().st_mtime * 1000))
        elif self._inside.archive == TAR:
            extract_tar(layer, into)
        else:
            file = self._source
            if self._inside.kinds:  # a zip is read from its end
                file = work / "zip"
                with file.open("wb") as copy:
                    shutil.copyfileobj(layer, copy, PIECE)
            extract_zip(file, into, self._allowance.fresh())
        into.finish()
        return into


def _named(source: Path, target: Path) -> Path:
    """Give what is complete its name, or the next free one; return it."""
    for path in alternatives(target):
        if not os.path.lexists(path):
            if source.is_dir():
                source.rename(path)  # over an empty folder at most
            else:
                rename_new(source, path)
            return path
    raise AssertionError("names never end")


def _allowance(size: int, folder: Path, max_size: int | None) -> Allowance:
    most = max(RATIO * size, LEAST) if max_size is None else max_size
    room = int(shutil.disk_usage(folder).free * _ROOM)
    if room < most:
        return Allowance(
            room, f"nine tenths of the free space of {folder}", f"Choose another: {option('to')}."
        )
    why = "the limit" if max_size is not None else f"the limit for a file of {human_bytes(size)}"
    return Allowance(most, why, f"If you trust it, raise the limit with {option('max-size', 'SIZE')}.")


@contextmanager
def _local_errors(source: Path) -> Iterator[None]:
    try:
        yield
    except GlacierError:  # some are an OSError, too
        raise
    except UnsafePath as error:
        raise LocalError(f"{source.name} cannot be unpacked: {error}") from None
    except OSError as error:
        path = error.filename or source
        raise LocalError(f"{source.name} cannot be unpacked: {path}: {error.strerror or error}") from None
