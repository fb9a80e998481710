"""Sealing whole files with pyrage, in processes of their own.

pyrage holds the interpreter's lock: in this process, every other thread would stand still.  The plain
content goes through pipes, and is never on the disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...base.files import rename_new, sync_folder
from ...errors import LocalError
from .identities import checked_recipient

LOCKED = 3
"""The exit code of the process if no key or passphrase opens the file."""


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
        command, pipe = process("seal", str(self._part), *map(checked_recipient, recipients)), subprocess.PIPE
        self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)

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


def process(*words: str) -> list[str]:
    """Return the command of the process that seals or opens."""
    return [sys.executable, "-P", "-m", __package__, *words]  # -P: not from the working directory


def _last_line(text: bytes) -> str:
    return text.decode(errors="replace").strip().rpartition("\n")[2]


def _unwritten(file: Path, why: str) -> LocalError:
    return LocalError(f"{str(file)!r} cannot be written: {why}", cure="Choose another folder.")
