"""Content that takes no disk space: bytes computed from a short recipe, with their tree hash.

Sixteen blocks of 1 MiB repeat endlessly, starting at the recipe's number.  Because the sequence
repeats every 16 MiB, whole subtrees of the tree hash repeat too, so that hashing any size, even
terabytes, takes microseconds.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from glacier_magic.base.treehash import CHUNK

_PERIOD = 16  # blocks; 16 MiB of memory at most
_STEP = 1024  # bytes between stored hash states
_PREFIX = "generated:"


@cache
def _block(number: int) -> bytes:
    return hashlib.shake_128(b"glacier block %d" % number).digest(CHUNK)


@cache
def _states(number: int) -> list[hashlib._Hash]:
    """Return SHA-256 states after every KiB of a block, so that hashing a tail takes at most a KiB."""
    running, states = hashlib.sha256(), []
    view = memoryview(_block(number))
    for start in range(0, CHUNK, _STEP):
        states.append(running.copy())
        running.update(view[start : start + _STEP])
    states.append(running)
    return states


def _leaf(number: int, size: int) -> bytes:
    # Updating the stored state would spoil it for the next call.
    state = _states(number)[size // _STEP].copy()
    state.update(_block(number)[size // _STEP * _STEP : size])
    return state.digest()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where in the sequence of sixteen blocks the content starts."""

    phase: int

    @property
    def payload(self) -> str:
        """The text recorded as the archive's payload."""
        return f"{_PREFIX}{self.phase}"

    def chunks(self, start: int, count: int) -> Iterator[bytes]:
        """Yield *count* bytes from *start* on."""
        end = start + count
        while start < end:
            number, offset = divmod(start, CHUNK)
            piece = _block((number + self.phase) % _PERIOD)[offset : offset + end - start]
            yield piece
            start += len(piece)

    def tree_hash(self, size: int, start: int = 0, end: int | None = None) -> str:
        """Return the tree hash of bytes *start* to *end*, aligned to chunks or to the end."""
        behind = size if end is None else end + 1
        first, whole = start // CHUNK, behind // CHUNK
        roots = list(self._subtrees(first, whole))
        if behind % CHUNK:
            roots.append(_leaf((whole + self.phase) % _PERIOD, behind % CHUNK))
        root = roots.pop() if roots else hashlib.sha256(b"").digest()
        while roots:
            # From the right, as an odd last hash is promoted.
            root = hashlib.sha256(roots.pop() + root).digest()
        return root.hex()

    def _subtrees(self, first: int, behind: int) -> Iterator[bytes]:
        """Yield the roots of the full subtrees, largest first, that make up the chunks."""
        while first < behind:
            height = (behind - first).bit_length() - 1  # the tree hash splits at the largest power of two
            yield _subtree(height, (first + self.phase) % _PERIOD)
            first += 1 << height


@cache
def _subtree(height: int, number: int) -> bytes:  # 16 numbers and some 26 heights, even for 40 TiB
    """Return the root over 2**height blocks that start with block *number*."""
    if height == 0:
        return _leaf(number, CHUNK)
    right = (number + (1 << (height - 1))) % _PERIOD
    both = _subtree(height - 1, number) + _subtree(height - 1, right)
    return hashlib.sha256(both).digest()


def parse(payload: str) -> Recipe | None:
    """Return the recipe that *payload* names, or None if the bytes are in files."""
    if not payload.startswith(_PREFIX):
        return None
    return Recipe(int(payload.removeprefix(_PREFIX)))


class Generated:
    """A :class:`~glacier_magic.emulator.http.BodySource` of generated content."""

    def __init__(self, recipe: Recipe, size: int) -> None:
        self._recipe = recipe
        self.size = size

    def chunks(self, start: int, count: int) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most 1 MiB."""
        return self._recipe.chunks(start, count)

    def send(self, connection: socket.socket, start: int, count: int) -> None:
        """Send the bytes."""
        for piece in self._recipe.chunks(start, count):
            connection.sendall(piece)

    def close(self) -> None:
        """Do nothing: no file is open."""
