"""Cyclic redundancy checks by the arithmetic of long numbers, which is faster than a table for each byte.

Bits are reflected, as in CRC-32: bit 0 of the first byte has the highest power of x.  A little-endian
number of bytes is thus the polynomial itself.  Where a multiple of the check's polynomial has few terms,
x**n = x**a + x**b + ..., the first bits are folded onto later ones by as many shifts.  The square of such a
multiple is one, too, with the same number of terms twice as far apart.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar

Gaps = tuple[int, ...]
"""The distances in bits over which a bit is folded, ascending."""


class Crc64Nvme:
    """CRC-64/NVME, as the ``update()`` and ``digest()`` of a hash."""

    width: ClassVar = 64
    bits: ClassVar = 0x9A6C9329AC4BC9B5
    # x**825023 = x**235232 + x**87206 + x**59713 + 1, found by a search of Wagner's kind
    sparse: ClassVar[Gaps] = (589791, 737817, 765310, 825023)

    def __init__(self) -> None:
        self._ones = (1 << self.width) - 1
        self._value = self._ones  # the first bits are inverted
        self._count = 0

    def update(self, data: bytes | memoryview, /) -> None:
        """Add the next bytes."""
        self._value ^= int.from_bytes(data, "little") << self._count
        self._count += 8 * len(data)
        self._value, self._count = _fold(self._value, self._count, self.sparse)

    def digest(self) -> bytes:
        """Return the check of the bytes so far."""
        value, count = _fold(self._value, self._count, _gaps(self.bits, self.width))
        return (_reduce(value, count, self.bits) ^ self._ones).to_bytes(self.width // 8, "big")

    @classmethod
    def combine(cls, first: bytes, second: bytes, size: int) -> bytes:
        """Return the check of two byte strings from their checks and the *size* of the second one."""
        moved = _multiply(
            int.from_bytes(first, "big"), _power(8 * size, cls.bits, cls.width), cls.bits, cls.width
        )
        return (moved ^ int.from_bytes(second, "big")).to_bytes(cls.width // 8, "big")


class Crc32C(Crc64Nvme):
    """CRC-32C (Castagnoli)."""

    width: ClassVar = 32
    bits: ClassVar = 0x82F63B78
    # x**28692 = x**513 + x**164 + 1
    sparse: ClassVar[Gaps] = (28179, 28528, 28692)


class Crc32(Crc64Nvme):
    """CRC-32; only its combination, as zlib has the rest."""

    width: ClassVar = 32
    bits: ClassVar = 0xEDB88320
    sparse: ClassVar[Gaps] = ()


_STEP = 1024
"""The power of x by whose remainder the last bits are folded."""


@cache
def _gaps(bits: int, width: int) -> Gaps:
    """Return the gaps of x**1024 and its remainder."""
    remainder = _power(_STEP, bits, width)
    return tuple(_STEP - width + 1 + bit for bit in range(width) if remainder >> bit & 1)


def _fold(value: int, count: int, gaps: Gaps) -> tuple[int, int]:
    """Fold the first of *count* bits onto later ones as long as there are enough; return what is left."""
    scale = 1 << (count // gaps[-1]).bit_length() if gaps else 0
    while scale:
        shortest, longest = gaps[0] * scale, gaps[-1] * scale
        moved = min(shortest, count - longest) // 8 * 8  # whole bytes, as what is left ends with one
        if moved < shortest // 4:
            scale >>= 1
            continue
        low = folded = value & (1 << moved) - 1
        for gap in gaps[1:]:
            folded ^= low << gap * scale - shortest
        value = value >> moved ^ folded << shortest - moved
        count -= moved
    return value, count


@cache
def _table(bits: int) -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ bits * (value & 1)
        table.append(value)
    return table


def _reduce(value: int, count: int, bits: int) -> int:
    """Return the remainder of *count* bits, byte after byte."""
    table = _table(bits)
    for _ in range(count // 8):
        value = value >> 8 ^ table[value & 0xFF]
    return value


def _multiply(first: int, second: int, bits: int, width: int) -> int:
    """Return the product of two remainders; the highest bit is 1."""
    product = 0
    for place in range(width - 1, -1, -1):
        product ^= second * (first >> place & 1)
        second = second >> 1 ^ bits * (second & 1)
    return product


@cache
def _power(exponent: int, bits: int, width: int) -> int:
    """Return the remainder of a power of x."""
    if exponent == 0:
        return 1 << width - 1
    half = _power(exponent // 2, bits, width)
    square = _multiply(half, half, bits, width)
    return square >> 1 ^ bits * (square & 1) if exponent % 2 else square
