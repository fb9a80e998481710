"""Files of OpenPGP and age, opened by ``gpg`` and by a process that calls pyrage.

Both read the file from their standard input and write to their standard output, so that nothing
decrypted is on the disk.  A password is the first line of the input: not an argument, nor in the environment.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec

from ...base.extras import missing
from ...base.rendering import visible
from ...base.units import human_bytes
from ...errors import GlacierError, InputError, IntegrityError, LocalError, WrongKey
from ...errors.steps import option
from ..encryption import sealing
from .keys import Keys
from .layers import HEAD, PIECE, Layer, pieces_of

IN_MEMORY = 1 << 30
"""The most bytes of a file that a passphrase opens: pyrage needs three times as much memory for it."""
_STATUS = "[GNUPG:] "
_STANZAS = 128
"""The most keys of a file of age: each costs time before anything is known to be right."""


class _Process:
    """A process that a layer passes through.

    :param first: what it reads before the layer.
    :param most: the most bytes of the layer; None for any number.
    """

    def __init__(self, command: Sequence[str], first: bytes, source: Layer, most: int | None = None) -> None:
        self._command, self._first, self._source, self._most = command, first, source, most
        self._failed: GlacierError | None = None
        self.code, self.said = 0, ""

    def pieces(self) -> Iterator[bytes]:
        """Yield what it writes; afterwards, ``code`` and ``said`` are its exit code and its messages."""
        with (
            tempfile.TemporaryFile() as said,  # a pipe that nobody reads would stop it
            subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
            ) as process,
        ):
            feeder = threading.Thread(target=self._feed, args=(process,), daemon=True)
            feeder.start()
            try:
                assert process.stdout is not None
                yield from pieces_of(process.stdout)
                self.code = process.wait()
            finally:
                process.kill()
                feeder.join()
            said.seek(0)
            self.said = said.read(PIECE).decode(errors="replace")
        if self._failed:
            raise self._failed

    def _feed(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with suppress(OSError), process.stdin as stdin:  # it has ended before its input: its code tells
            stdin.write(self._first)
            done = 0
            try:
                for piece in pieces_of(self._source):
                    done += len(piece)
                    if self._most is not None and done > self._most:
                        raise LocalError(
                            f"A passphrase opens files of up to {human_bytes(self._most)} here, in memory",
                            cure="Decrypt it with age -d.",
                        )
                    stdin.write(piece)
            except GlacierError as error:
                self._failed = error


def gpg(source: Layer, name: str, keys: Keys) -> Iterator[bytes]:
    """Yield what is encrypted, signed or both, with the keys and the agent of ``gpg``.

    A signature is refused if it is bad, and not checked if ``gpg`` lacks the key of who made it.

    :raises WrongKey: ``gpg`` has no secret key for it, or the password is wrong.
    :raises InputError: ``gpg`` is not installed.
    """
    program = shutil.which("gpg")
    if program is None:
        raise InputError("This needs the program gpg, which is not installed", cure="Install GnuPG.")
    command = [program, "--batch", "--no-tty", "--status-fd", "2"]
    first = b""
    if keys.has_password:
        command += ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
        first = keys.password(name) + b"\n"
    process = _Process([*command, "--decrypt"], first, source)
    yield from process.pieces()
    status = [line.removeprefix(_STATUS) for line in process.said.splitlines() if line.startswith(_STATUS)]
    events = {line.partition(" ")[0] for line in status}
    # Without the key of a signature the contents are whole, though gpg ends with an error.
    unchecked = "NO_PUBKEY" in events and not events & {"BADSIG", "DECRYPTION_FAILED", "BADMDC"}
    if process.code == 0 or (process.code > 0 and unchecked):
        return
    words = [line for line in process.said.splitlines() if line.startswith("gpg: ")]
    said = visible(words[-1]) if words else f"gpg: exit code {process.code}"
    if "DECRYPTION_FAILED" in events and "PLAINTEXT" not in events:
        raise WrongKey(
            f"gpg does not open it ({said})",
            cure="It needs the secret key in gpg's keyring, or the password: "
            f"{option('password-file', 'FILE')}, where gpg's agent cannot ask for it.",
        )
    raise IntegrityError(f"The gpg data is damaged ({said})", cure="")


def age(source: Layer, name: str, keys: Keys) -> Iterator[bytes]:
    """Yield what is encrypted with age for a key, or with a passphrase.

    :raises LocalError: it is for a passphrase, and larger than is decrypted in memory.
    :raises WrongKey: no identity of the key file opens it, or the passphrase does not.
    """
    if find_spec("pyrage") is None:  # it is imported by the other process alone
        raise missing("pyrage", "backup")
    header = _age_header(source.head(HEAD))
    if not 0 < header.count(b"\n-> ") <= _STANZAS:
        raise InputError(f"The age header has more than {_STANZAS} keys, or no end", cure="Use age itself.")
    if b"\n-> scrypt " in header:
        first, most = b"passphrase " + keys.password(name), IN_MEMORY
    else:
        first, most = b"identities " + " ".join(keys.identities()).encode(), None
    process = _Process(sealing.process("open"), first + b"\n", source, most)
    yield from process.pieces()
    if process.code == sealing.LOCKED:
        raise WrongKey(f"It is encrypted for another key or passphrase ({process.said.strip()})", cure="")
    if process.code:
        said = visible((process.said.strip().splitlines() or [f"exit code {process.code}"])[-1])
        raise IntegrityError(f"The age data is damaged, or ends too early ({said})", cure="")


def _age_header(head: bytes) -> bytes:
    """Return the header, in which each key begins with an arrow; nothing if it has no end."""
    if head.startswith(b"-----"):
        with suppress(ValueError):
            head = base64.b64decode(b"".join(head.splitlines()[1:-1]))  # the last line may be cut
    header, end, _ = head.partition(b"\n--- ")
    return header if end else b""
