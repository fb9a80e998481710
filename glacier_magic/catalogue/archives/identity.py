"""The numbers that identify vaults and archives in the catalogue, and the forms of a tree hash.

A vault has the id of its row.  An archive id has 138 characters; two integers stand for it.
``id_key`` begins with the rank of the first five characters, so that ids are found by a prefix, and
ends with 32 bits of a hash; ``id_check`` is 63 bits of a second hash.  The service's ids are random:
two of ten million share both numbers with a probability of 10^-23.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...inventories.listed_archive import ID_LENGTH
from ..storage.database import Database, Scope

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

ARCHIVE_ID = re.compile(rf"[A-Za-z0-9_-]{{{ID_LENGTH}}}")
"""An archive id, in base64url."""

_PIECE = 100_000
_WORDS = 18  # of eight bytes: 138 characters and their padding
_MASK = (1 << 64) - 1
_ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_RANK = [min(63, sum(ord(known) < code for known in _ALPHABET)) for code in range(256)]


def _constants(seed: str) -> tuple[int, ...]:
    """Return odd 64-bit numbers without a pattern."""
    # The numbers are stored in catalogues: a change would make every archive unfindable.
    noise = hashlib.shake_256(seed.encode()).digest(8 * _WORDS)
    return tuple(int.from_bytes(noise[i : i + 8], "little") | 1 for i in range(0, 8 * _WORDS, 8))


_KEY, _CHECK = _constants("glacier_magic id_key"), _constants("glacier_magic id_check")


@dataclass(frozen=True)
class KnownVault:
    """The id of a vault, and the ordinal of its last complete inventory."""

    id: int
    current: int


def find_vault(database: Database, scope: Scope, vault: str) -> KnownVault | None:
    """Return a vault that the catalogue knows, or None."""
    row = database.row(
        "SELECT id, current FROM vaults WHERE account=? AND region=? AND vault=?",
        (scope.account, scope.region, vault),
    )
    return None if row is None else KnownVault(row["id"], row["current"])


def find_or_add_vault(database: Database, scope: Scope, vault: str) -> KnownVault:
    """Return a vault; add it if it is new."""
    found = find_vault(database, scope, vault)
    if found is None:
        database.execute(
            "INSERT INTO vaults(account, region, vault) VALUES(?,?,?) "
            "ON CONFLICT(account, region, vault) DO NOTHING",  # another process may be quicker
            (scope.account, scope.region, vault),
        )
        found = find_vault(database, scope, vault)
    if found is None:
        raise LookupError(vault)
    return found


def numbers(archive_id: str) -> tuple[int, int]:
    """Return ``id_key`` and ``id_check`` of one archive id."""
    raw = archive_id.encode()
    if len(raw) == ID_LENGTH:
        padded = raw.ljust(8 * _WORDS, b"\0")
        words = [int.from_bytes(padded[i : i + 8], "little") for i in range(0, 8 * _WORDS, 8)]
        # A sum of products: numpy does a column at once.
        first = sum(w * c for w, c in zip(words, _KEY, strict=True)) & _MASK
        second = sum(w * c for w, c in zip(words, _CHECK, strict=True)) & _MASK
    else:  # not of Amazon Glacier: an emulator, or a test
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
    """Return the lowest and the highest ``id_key`` of the ids that begin with *prefix*."""
    raw = prefix.encode()
    return _rank(raw) << 32, _rank(raw, 63) << 32 | 0xFFFFFFFF


def columns(ids: pa.Array[Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the results of :func:`numbers` for many ids as two int64 arrays."""
    import numpy as np
    import pyarrow.compute as pc

    count = len(ids)
    if count == 0 or not pc.all(pc.equal(pc.binary_length(ids), ID_LENGTH)).as_py():
        return _one_by_one(ids.to_pylist())  # ids that are not those of the service
    _, offsets, data = ids.buffers()
    start = np.frombuffer(offsets, np.int32)[ids.offset]  # a slice shares the buffer of the whole
    text = np.frombuffer(data, np.uint8, count * ID_LENGTH, start).reshape(count, ID_LENGTH)
    padded = np.zeros((count, 8 * _WORDS), np.uint8)
    padded[:, :ID_LENGTH] = text
    words = padded.view("<u8")
    first, second = (words @ np.array(each, np.uint64) for each in (_KEY, _CHECK))
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


@dataclass(frozen=True)
class IdIndex:
    """The numbers of all archives of a vault in memory, in the order of the keys."""

    keys: np.ndarray[Any, Any]
    checks: np.ndarray[Any, Any]
    ids: np.ndarray[Any, Any]

    @classmethod
    def read(cls, database: Database, vault_id: int, last: int) -> IdIndex | None:
        """Return the index of the rows up to the id *last*; None where they are too many."""
        import numpy as np

        parts, count = [np.zeros((0, 3), np.int64)], 0
        for rows in database.stream(
            "SELECT id_key, id_check, id FROM archive_rows WHERE vault_id=? AND id<=? "
            "ORDER BY id_key, id_check",
            (vault_id, last),
            _PIECE,
        ):
            count += len(rows)
            if count > database.limits.known_ids:
                return None
            parts.append(np.array(rows, np.int64))
        whole = np.concatenate(parts)
        return cls(*(np.ascontiguousarray(whole[:, place]) for place in range(3)))

    def find(self, keys: np.ndarray[Any, Any], checks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the row id of each pair of numbers, -1 for an unknown one."""
        import numpy as np

        found = np.full(len(keys), -1, np.int64)
        places = np.searchsorted(self.keys, keys)
        pending = np.flatnonzero(places < len(self.keys))
        while len(pending):  # a second round only where two ids share the key
            at = places[pending]
            pending = pending[self.keys[at] == keys[pending]]
            at = places[pending]
            same = self.checks[at] == checks[pending]
            found[pending[same]] = self.ids[at[same]]
            places[pending] += 1
            pending = pending[~same & (places[pending] < len(self.keys))]
        return found


def learn_hash(database: Database, scope: Scope, vault: str, archive_id: str, tree_hash: str) -> None:
    """Write the tree hash of an archive that had none: an object's, known once its bytes are verified."""
    known = find_vault(database, scope, vault)
    if known is not None:
        database.execute(
            "UPDATE archive_rows SET tree_hash=? WHERE vault_id=? AND id_key=? AND id_check=?",
            (pack_hash(tree_hash), known.id, *numbers(archive_id)),
        )


def bytes_key(size: int | None, tree_hash: str | None) -> str | None:
    """Return a key that archives with the same bytes share; None if size or hash is unknown."""
    return f"{size} {tree_hash}" if size and tree_hash else None


def pack_hash(tree_hash: str | None) -> bytes | None:
    """Return a tree hash as it is stored: 32 bytes for 64 lower-case hexadecimal digits."""
    if tree_hash is None:
        return None
    if len(tree_hash) == 64 and not tree_hash.strip("0123456789abcdef"):
        return bytes.fromhex(tree_hash)
    spelled = b"text:" + tree_hash.encode()
    return spelled + b"\0" if len(spelled) == 32 else spelled  # 32 bytes would be read as a hash


def pack_hashes(tree_hashes: pa.ChunkedArray[Any]) -> list[bytes | None]:
    """Return the results of :func:`pack_hash` for many tree hashes."""
    import numpy as np
    import pyarrow.compute as pc

    texts = tree_hashes.to_pylist()
    usual = pc.match_substring_regex(tree_hashes, r"\A[0-9a-f]{64}\z")
    if not pc.all(usual, skip_nulls=False).as_py():
        return list(map(pack_hash, texts))
    packed: list[bytes | None] = np.frombuffer(bytes.fromhex("".join(texts)), "V32").tolist()
    return packed


def unpack_hash(packed: bytes | None) -> str | None:
    """Return the tree hash that :func:`pack_hash` packed."""
    if packed is None:
        return None
    if len(packed) == 32:
        return bytes(packed).hex()
    return bytes(packed)[5:].removesuffix(b"\0").decode()
