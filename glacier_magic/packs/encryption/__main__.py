"""The process that seals or opens one file: ``seal FILE RECIPIENT...`` from stdin, ``open`` stdin to stdout.

``seal`` answers with the size and the tree hash of the sealed file as JSON; ``open`` first reads a line with
the identities or the passphrase, as the arguments of a process are public.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from ...base.treehash import CHUNK, TreeHasher
from ...errors.scrubbing import scrub
from .sealing import LOCKED

_READ = 1 << 20
_WRONG = {"No matching keys found", "Decryption failed"}
"""What pyrage says of another key or passphrase, in an error of the same class as for damage."""


class _Hashed:
    """A file that a thread hashes and writes, while the next bytes are encrypted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.hasher = file, TreeHasher()
        self._gathered, self._thread = bytearray(), ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def write(self, data: bytes) -> int:
        self._gathered += data
        if len(self._gathered) >= CHUNK:
            self._hand_over()
        return len(data)

    def flush(self) -> None:
        self._hand_over()
        self._hand_over()  # waits for the last bytes
        self._file.flush()

    def _hand_over(self) -> None:
        if self._last is not None:
            self._last.result()  # no second MiB waits; a full disk is heard of here
        self._last = self._thread.submit(self._store, self._gathered)
        self._gathered = bytearray()

    def _store(self, data: bytearray) -> None:
        self.hasher.update(data)
        self._file.write(data)


def _seal(path: str, recipients: Sequence[str]) -> int:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    # pyrage reads 8 kB at a time.
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file, os.fdopen(0, "rb", _READ) as content:
        try:
            target = _Hashed(file)
            _write(content, target, recipients)
            target.flush()
            os.fsync(file.fileno())
            json.dump({"size": target.hasher.size, "tree_hash": target.hasher.hexdigest()}, sys.stdout)
            sys.stdout.flush()  # fails where the parent was killed, and the content is not whole
        except BaseException:
            Path(path).unlink()
            raise
    return 0


def _write(content: BinaryIO, target: _Hashed, recipients: Sequence[str]) -> None:
    import pyrage

    if recipients:
        known = [pyrage.x25519.Recipient.from_str(each) for each in recipients]
        pyrage.encrypt_io(content, target, known)
    else:
        shutil.copyfileobj(content, target)


def _open() -> int:
    import pyrage

    source, target = sys.stdin.buffer, sys.stdout.buffer
    kind, _, secret = source.readline().rstrip(b"\n").partition(b" ")
    try:
        if kind == b"passphrase":
            target.write(pyrage.passphrase.decrypt(source.read(), secret.decode()))
        else:
            identities = [pyrage.x25519.Identity.from_str(each) for each in secret.decode().split()]
            pyrage.decrypt_io(source, target, identities)
        target.flush()
    except Exception as error:  # its traceback has the secret's line
        sys.stderr.write(f"{scrub(error)}\n")
        return LOCKED if str(error) in _WRONG or type(error).__name__ == "IdentityError" else 1
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which ends this process
    verb, *words = sys.argv[1:]
    sys.exit(_seal(words[0], words[1:]) if verb == "seal" else _open())
