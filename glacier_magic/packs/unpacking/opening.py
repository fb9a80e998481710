"""How each kind of layer is opened."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

from ..zstd_frames import zstd
from .ciphers import bakthat, openssl
from .keys import Keys
from .layers import PIECE, Allowance, Layer, Opener, opened, pieces_of
from .programs import age, gpg

_MEMORY = 256 << 20
"""Bytes of memory for xz, whose highest level takes 65 MiB."""


def openers(keys: Keys) -> dict[str, Opener]:
    """Return the function that opens each kind of layer.

    :param keys: open the encrypted ones.
    """
    found: dict[str, Opener] = {
        "gzip": partial(_decompressed, lambda source: gzip.GzipFile(fileobj=source)),
        "bzip2": partial(_decompressed, bz2.BZ2File),
        "xz": _xz,
        "zstd": partial(_decompressed, _zstd_file),
    }
    for encrypted in (bakthat, openssl, gpg, age):
        found[encrypted.__name__] = partial(encrypted, keys=keys)
    return found


@contextmanager
def unwrap(stream: BinaryIO, *, name: str, keys: Keys, most: int) -> Iterator[Layer]:
    """Open all layers around a tar, as far as the bytes of a stream go.

    :param most: the most bytes that a layer may have.
    """
    with opened(stream, name, openers(keys), Allowance(most, "the limit of a listing")) as inside:
        yield inside.layer


def _decompressed(file: Callable[[Any], Any], source: Layer, _name: str) -> Iterator[bytes]:
    return pieces_of(file(source))


def _xz(source: Layer, _name: str) -> Iterator[bytes]:
    # Not LZMAFile: a file may ask for gigabytes of memory.
    data = b""
    while data := (data or source.read()).lstrip(b"\0"):  # streams may follow, and zeros between them
        stream = lzma.LZMADecompressor(memlimit=_MEMORY)
        while not stream.eof:
            if stream.needs_input and not (data := data or source.read()):
                raise EOFError
            yield stream.decompress(data, PIECE)
            data = b""
        data = stream.unused_data


def _zstd_file(source: Any) -> Any:
    return zstd().ZstdFile(source)
