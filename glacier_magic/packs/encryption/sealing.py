"""Sealing and opening whole files with pyrage, in processes of their own.

pyrage holds the interpreter's lock: in this process, every other thread would stand still.  The plain
content goes through pipes, and is never on the disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...base.files import rename_new, sync_folder
from ...errors import GlacierError, IntegrityError, LocalError, WrongKey
from .identities import Identity, checked_recipient

LOCKED, DAMAGED = 3, 4
"""Exit codes of the process: no key opens the file; it is damaged."""


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A sealed file on the disk.

    :param size: its bytes; *tree_hash*: its tree hash, by which the service identifies it.
    """

    file: Path
    size: int
    tree_hash: str


class Sealing:
    """Writes a new sealed file; it has its name once it is whole, on the disk, and hashed.

    Used as a context: the file is removed unless :meth:`close` was called in it.

    :param file: it must not exist.
    :param recipients: who can open it, ``age1...``; none leaves it unencrypted.
    :raises InputError: a recipient is none.
    """

    def __init__(self, file: Path, recipients: Sequence[str]) -> None:
        self._file = file
        self._part = file.with_name(f".{file.name[:50]}.{uuid.uuid4().hex[:12]}.part")
        words = ["seal", str(self._part), *map(checked_recipient, recipients)]
        self._child = _process(words)

    def write(self, data: bytes | memoryview) -> None:
        """Append to the content.

        :raises LocalError: the file cannot be written.
        """
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(data)
        except BrokenPipeError:  # the process has ended, and says why
            self._finish()

    def close(self) -> Sealed:
        """Return the file, which now has its name.

        :raises LocalError: it cannot be written.
        """
        done = json.loads(self._finish())
        try:
            rename_new(self._part, self._file)
            sync_folder(self._file.parent)
        except OSError as error:
            raise _unwritten(self._file, error.strerror or "") from None
        return Sealed(file=self._file, size=done["size"], tree_hash=done["tree_hash"])

    def _finish(self) -> bytes:
        said, why = self._child.communicate()
        if self._child.returncode:
            raise _unwritten(self._file, _last_line(why))
        return said

    def __enter__(self) -> Sealing:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()  # no effect on one that has ended
        with suppress(BrokenPipeError):
            self._child.communicate()
        with suppress(OSError):  # a process that was killed has left it
            self._part.unlink(missing_ok=True)


@contextmanager
def opened(file: Path, identities: Sequence[Identity]) -> Iterator[IO[bytes]]:
    """Give the block the content of a sealed file as a stream.

    Each byte is authentic, but only the end of the block tells whether the file was whole.

    :raises WrongKey: no identity opens it.
    :raises IntegrityError: it is damaged.
    :raises LocalError: it cannot be read.
    """
    child = _process(["open", str(file)])
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with suppress(BrokenPipeError), child.stdin as keys:
            keys.write("\n".join(identity.text for identity in identities).encode())
        try:
            yield child.stdout
        except Exception:
            child.stdout.close()
            error = _error_of(child, file)
            if isinstance(error, WrongKey | IntegrityError):  # what the block met is a consequence
                raise error from None
            raise
        if not child.stdout.read(1) and (error := _error_of(child, file)):  # the block has read it all
            raise error
    finally:
        child.kill()
        with child:
            pass  # its pipes are closed


def _error_of(child: subprocess.Popen[bytes], file: Path) -> GlacierError | None:
    """Wait for the end of the process; return why it failed."""
    assert child.stderr is not None
    why, code = child.stderr.read(), child.wait()
    if code == LOCKED:
        cure = "Give the one that it was sealed for."
        return WrongKey(f"None of the given keys opens {str(file)!r}", cure=cure)
    if code == DAMAGED:
        return IntegrityError(f"{str(file)!r} is damaged, or not sealed with age", cure="Get it again.")
    return LocalError(f"{str(file)!r} cannot be read: {_last_line(why)}") if code else None


def _process(words: Sequence[str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    # -P: not from the working directory.
    command = [sys.executable, "-P", "-m", "glacier_magic.packs.encryption", *words]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)


def _last_line(text: bytes) -> str:
    return text.decode(errors="replace").strip().rpartition("\n")[2]


def _unwritten(file: Path, why: str) -> LocalError:
    return LocalError(f"{str(file)!r} cannot be written: {why}", cure="Choose another folder.")
