"""Two whole numbers that stand for an archive id, so that ten million are looked up compactly.

An archive id has 138 characters.  ``id_key`` begins with the rank of its first five, so that ids
are found by their beginning, and goes on with 32 bits of a hash; ``id_check`` is 63 bits of a
second hash.  Ids are random: that two of them share both numbers is not to be expected in the
life of the service (one in 10^23 for a vault of ten million).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

LENGTH = 138
"""Characters of an archive id (service documentation, "Upload Archive")."""

_WORDS = 18
_MASK = (1 << 64) - 1
_ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_RANK = [min(63, sum(ord(known) < code for known in _ALPHABET)) for code in range(256)]


def _constants(seed: str) -> tuple[int, ...]:
    """Return odd 64-bit numbers without a pattern, the same for ever."""
    noise = hashlib.shake_256(seed.encode()).digest(8 * _WORDS)
    return tuple(int.from_bytes(noise[i : i + 8], "little") | 1 for i in range(0, 8 * _WORDS, 8))


_KEY, _CHECK = _constants("glacier_magic id_key"), _constants("glacier_magic id_check")


def numbers(archive_id: str) -> tuple[int, int]:
    """Return ``id_key`` and ``id_check`` of one archive id."""
    raw = archive_id.encode()
    if len(raw) == LENGTH:
        padded = raw.ljust(8 * _WORDS, b"\0")
        words = [int.from_bytes(padded[i : i + 8], "little") for i in range(0, 8 * _WORDS, 8)]
        first = sum(w * c for w, c in zip(words, _KEY, strict=True)) & _MASK
        second = sum(w * c for w, c in zip(words, _CHECK, strict=True)) & _MASK
    else:  # of another service, or of a test
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        first = int.from_bytes(digest[:8], "little")
        second = int.from_bytes(digest[8:], "little")
    return _rank(raw) << 32 | first >> 32, second >> 1


def _rank(raw: bytes, fill: int = 0) -> int:
    rank = 0
    for place in range(5):
        rank = rank << 6 | (_RANK[raw[place]] if place < len(raw) else fill)
    return rank


def span(prefix: str) -> tuple[int, int]:
    """Return the least and the greatest ``id_key`` of the ids that begin with *prefix*."""
    raw = prefix.encode()
    return _rank(raw) << 32, _rank(raw, 63) << 32 | 0xFFFFFFFF


def columns(ids: pa.Array[Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the numbers of many ids as two int64 arrays: the same as :func:`numbers` gives."""
    import numpy as np
    import pyarrow.compute as pc

    count = len(ids)
    if count == 0 or not pc.all(pc.equal(pc.binary_length(ids), LENGTH)).as_py():
        return _one_by_one(ids.to_pylist())
    _, offsets, data = ids.buffers()
    start = np.frombuffer(offsets, np.int32)[ids.offset] if count else 0
    text = np.frombuffer(data, np.uint8, count * LENGTH, start).reshape(count, LENGTH)
    padded = np.zeros((count, 8 * _WORDS), np.uint8)
    padded[:, :LENGTH] = text
    words = padded.view("<u8")
    first, second = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    for place in range(_WORDS):
        first += words[:, place] * np.uint64(_KEY[place])
        second += words[:, place] * np.uint64(_CHECK[place])
    ranks = np.array(_RANK, np.uint64)[text[:, :5]]
    rank = np.zeros(count, np.uint64)
    for place in range(5):
        rank = rank << np.uint64(6) | ranks[:, place]
    keys = rank << np.uint64(32) | first >> np.uint64(32)
    return keys.astype(np.int64), (second >> np.uint64(1)).astype(np.int64)


def _one_by_one(ids: Sequence[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    import numpy as np

    pairs = np.array([numbers(each) for each in ids], np.int64).reshape(len(ids), 2)
    return pairs[:, 0], pairs[:, 1]


def bytes_key(size: int | None, tree_hash: str | None) -> str | None:
    """Return what archives with the same bytes have in common; None where that is not known."""
    return f"{size} {tree_hash}" if size and tree_hash else None


def pack_hash(tree_hash: str | None) -> bytes | None:
    """Return a tree hash as it is kept: 32 bytes for 64 lower-case hexadecimal digits."""
    if tree_hash is None:
        return None
    if len(tree_hash) == 64 and not tree_hash.strip("0123456789abcdef"):
        return bytes.fromhex(tree_hash)
    spelled = b"text:" + tree_hash.encode()
    return spelled + b"\0" if len(spelled) == 32 else spelled


def unpack_hash(packed: bytes | None) -> str | None:
    """Return what :func:`pack_hash` was given."""
    if packed is None:
        return None
    if len(packed) == 32:
        return bytes(packed).hex()
    return bytes(packed)[5:].removesuffix(b"\0").decode()
