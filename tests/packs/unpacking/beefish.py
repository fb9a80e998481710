"""bakthat's encryption, written from the description of Blowfish: its tables are the digits of pi."""

import os
import struct
from functools import cache

WORDS = 18 + 4 * 256


@cache
def _digits():
    """Return the first bits of pi behind its point, in words of 32."""
    bits = 32 * WORDS
    one = 1 << (bits + 64)

    def arccot(x):
        total = term = one // x
        number, sign = 3, -1
        while term:
            term //= x * x
            total += sign * (term // number)
            number, sign = number + 2, -sign
        return total

    fraction = (4 * (4 * arccot(5) - arccot(239)) >> 64) - (3 << bits)
    return [fraction >> (bits - 32 * (number + 1)) & 0xFFFFFFFF for number in range(WORDS)]


class Blowfish:
    """The cipher, with a key of any number of bytes from 1 on, which is used over and over."""

    def __init__(self, key):
        words = _digits()
        cycle = (key * -(-72 // len(key)))[:72]
        self._p = [word ^ key for word, key in zip(words[:18], struct.unpack(">18L", cycle), strict=True)]
        self._s = [words[18 + 256 * number : 274 + 256 * number] for number in range(4)]
        left = right = 0
        for table in (self._p, *self._s):
            for number in range(0, len(table), 2):
                left, right = self._both(left, right)
                table[number : number + 2] = left, right

    def _both(self, left, right):
        s = self._s
        for number in range(16):
            left ^= self._p[number]
            mixed = s[0][left >> 24] + s[1][left >> 16 & 255] & 0xFFFFFFFF
            mixed = (mixed ^ s[2][left >> 8 & 255]) + s[3][left & 255] & 0xFFFFFFFF
            left, right = right ^ mixed, left
        return right ^ self._p[17], left ^ self._p[16]

    def block(self, data):
        return struct.pack(">2L", *self._both(*struct.unpack(">2L", data)))


@cache
def _cipher(password):
    return Blowfish(password)


def encrypted(data, password, vector=None):
    """Return what bakthat makes of *data*: a vector, and blocks that are chained."""
    count = 8 - len(data) % 8
    data += os.urandom(count - 1) + bytes([count % 8 + 8 * (os.urandom(1)[0] % 31)])
    cipher, blocks = _cipher(password), [vector or os.urandom(8)]
    for start in range(0, len(data), 8):
        mixed = bytes(a ^ b for a, b in zip(data[start : start + 8], blocks[-1], strict=True))
        blocks.append(cipher.block(mixed))
    return b"".join(blocks)
