"""The layers around a tar, a zip or a file: each one's kind by its first bytes, opened as a stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from ...base.units import human_bytes
from ...errors import GlacierError, InputError, IntegrityError, LocalError, describe
from ...peek.tars import Readable, begins_tar

PIECE = 1 << 18
"""Bytes that are read at once."""
HEAD = 1 << 16
"""Bytes by which a kind is told, and a password."""
DEEPEST = 8
"""The most layers: a file can be made that unpacks to itself."""

TAR, ZIP = "tar", "zip"
_MAGICS: dict[str, re.Pattern[bytes]] = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bzip2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    "age": re.compile(rb"age-encryption\.org/v1\r?\n|-----BEGIN AGE ENCRYPTED FILE-----"),
    "openssl": re.compile(rb"Salted__"),
    # Packets of keys and of passwords with version and algorithm (RFC 9580, 5.1 and 5.3), and armor.
    "gpg": re.compile(
        rb"([\x84\xc1].|[\x85\xc1]..)\x03.{8}[\x01\x02\x10\x12\x19\x1a]"
        rb"|[\x8c\xc3].(\x04[\x01-\x0d][\x00-\x04]|\x05[\x01-\x0d][\x01-\x03])"
        rb"|-----BEGIN PGP (SIGNED )?MESSAGE-----",
        re.DOTALL,
    ),
    ZIP: re.compile(rb"PK(\x03\x04|\x05\x06)"),
}
_ENDINGS = {  # longest first
    "gzip": {".tgz": ".tar", ".taz": ".tar", ".gz": ""},
    "bzip2": {".tbz2": ".tar", ".tbz": ".tar", ".bz2": ""},
    "xz": {".txz": ".tar", ".xz": ""},
    "zstd": {".tzst": ".tar", ".zst": ""},
    "age": {".age": ""},
    "openssl": {".enc": ""},
    "bakthat": {".enc": ""},
    "gpg": {".gpg": "", ".pgp": "", ".asc": "", ".sig": ""},
    TAR: {".tar": ""},
    ZIP: {".zip": "", ".zipx": ""},
}
_DOCUMENTS = re.compile(r"\.(?!zipx?$)[a-z][a-z0-9]{1,4}$", re.IGNORECASE)
"""An ending of a zip that is a document, such as .docx or .jar, and stays one."""


def pieces_of(stream: Readable) -> Iterator[bytes]:
    """Return an iterator over a stream."""
    return iter(partial(stream.read, PIECE), b"")


class Allowance:
    """The bytes that may come out of a layer, or of the members of a zip.

    :param most: bytes.
    :param why: why there are no more, as the rest of a sentence.
    """

    def __init__(self, most: int, why: str, cure: str = "") -> None:
        self._left, self._most, self._why, self._cure = most, most, why, cure

    def fresh(self) -> Allowance:
        """Return the same allowance for another layer."""
        return Allowance(self._most, self._why, self._cure)

    def take(self, count: int) -> None:
        """Count bytes.

        :raises LocalError: they are too many.
        """
        self._left -= count
        if self._left < 0:
            most = human_bytes(self._most)
            raise LocalError(f"It unpacks to more than {most}, {self._why}", cure=self._cure)


class Layer:
    """What is inside one layer: a stream that can be looked at before it is read.

    :param kind: of the layer, for messages.
    :param pieces: the bytes; what they raise that is no :class:`GlacierError` means damage.
    """

    def __init__(self, kind: str, pieces: Iterator[bytes], allowance: Allowance) -> None:
        self.kind, self._pieces, self._allowance = kind, pieces, allowance
        self._held = memoryview(b"")
        self._failed: GlacierError | None = None

    def head(self, size: int) -> bytes:
        """Return the next bytes, which are read again; fewer at the end, or before damage.

        :raises GlacierError: not even one can be had.
        """
        while len(self._held) < size and (piece := self._next()):
            self._held = memoryview(b"".join((self._held, piece)))
        if self._failed and not self._held:
            raise self._failed
        return bytes(self._held[:size])

    def read(self, size: int = PIECE, /) -> bytes:
        """Return as many bytes, fewer only at the end.

        :raises IntegrityError: the layer is damaged, or ends too early.
        """
        parts: list[memoryview] = []
        while size and (self._held or self._fill()):
            part = self._held[:size]
            self._held = self._held[len(part) :]
            parts.append(part)
            size -= len(part)
        if self._failed and not parts:
            raise self._failed
        return b"".join(parts)

    def damage(self) -> IntegrityError | None:
        """Read on to the end; return the error if the layer is damaged, or one around it."""
        while self._fill():
            pass
        return self._failed if isinstance(self._failed, IntegrityError) else None

    def close(self) -> None:
        """End the processes that it is read from."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _fill(self) -> bool:
        self._held = memoryview(self._next())
        return bool(self._held)

    def _next(self) -> bytes:
        """Return the next piece; nothing at the end, or after a failure, which is kept."""
        if self._failed:
            return b""
        try:
            piece = next(filter(None, self._pieces), b"")
            self._allowance.take(len(piece))
        except GlacierError as error:
            self._failed = error
        except Exception as error:  # each library has errors of its own
            reason = "it ends too early" if isinstance(error, EOFError) else describe(error)
            self._failed = IntegrityError(f"The {self.kind} data is damaged: {reason}", cure="")
        else:
            return piece
        return b""


Opener = Callable[[Layer, str], Iterator[bytes]]
"""Returns the bytes inside a layer, of a file of that name."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What is inside all layers.

    :param kinds: the layers that were opened, the outermost first.
    :param archive: ``tar`` or ``zip``; None for a file.
    :param name: the file's name without the endings of the layers, and of the archive.
    """

    layer: Layer
    kinds: tuple[str, ...]
    archive: str | None
    name: str


@contextmanager
def opened(stream: BinaryIO, name: str, openers: dict[str, Opener], allowance: Allowance) -> Iterator[Opened]:
    """Open all layers of a stream, from the outermost on; on exit, their processes are ended.

    Where something is damaged, here or in the ``with`` block, the error is that of the outermost damaged
    layer. All layers are read to their end to find it.

    :param openers: how each kind of layer is opened; see :func:`.openers`.
    :param allowance: the bytes that each may unpack to.
    :raises WrongKey: a layer is not opened by the key or the password.
    :raises IntegrityError: a layer is damaged.
    :raises InputError: there are too many, or the program or library for one is not installed.
    """
    layers = [Layer("file", pieces_of(stream), allowance.fresh())]
    kinds: list[str] = []
    try:
        while (kind := kind_of(layers[-1].head(HEAD), name)) in openers:
            if len(kinds) == DEEPEST:
                raise InputError(f"It has more than {DEEPEST} layers, one in another", cure="")
            inside = Layer(kind, openers[kind](layers[-1], name), allowance.fresh())
            layers.append(inside)
            inside.head(1)  # a wrong key shows here, before anything else is made of it
            kinds.append(kind)
            name = _without_ending(name, kind)
        if kind == ZIP and _DOCUMENTS.search(name):
            kind = None
        yield Opened(
            layer=layers[-1],
            kinds=tuple(kinds),
            archive=kind,
            name=_without_ending(name, kind) if kind else name,
        )
    except IntegrityError as error:
        for layer in reversed(layers[1:]):  # damage of an outer layer explains that of the inner ones
            error = layer.damage() or error
        raise error from None
    finally:
        for layer in reversed(layers):  # a process waits for the one that reads from it
            layer.close()


def kind_of(head: bytes, name: str = "") -> str | None:
    """Return the kind of a layer or archive by its first bytes, else by its name; None for a file.

    Old signatures have no magic but that of compressed data, and bakthat's files have none at all.
    """
    if begins_tar(head):
        return TAR
    found = next((kind for kind, magic in _MAGICS.items() if magic.match(head)), None)
    named = (kind for kind in ("gpg", "bakthat") if name.lower().endswith(tuple(_ENDINGS[kind])))
    return found or next(named, None)


def _without_ending(name: str, kind: str) -> str:
    for ending, instead in _ENDINGS[kind].items():
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)] + instead
    return name
