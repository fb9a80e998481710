"""Two ciphers without a signature of the password: bakthat's, and that of ``openssl enc`` and QNAP.

A wrong password makes random bytes of both, so that the contents tell: an archive by its magic, text,
and anything else by bytes that are far from random.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ...base.extras import library
from ...errors import WrongKey
from .keys import Keys
from .layers import HEAD, PIECE, Layer, kind_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    Candidate = Cipher[CBC]

_BLOCK = 16
"""Bytes of a block of AES, and of two of Blowfish."""
_VECTOR, _SALTED = 8, 16
"""Bytes before the data: bakthat's vector; ``Salted__`` and the salt of OpenSSL."""
_LEAST, _LONGEST = 4, 56
"""Bytes of a key of Blowfish; a shorter one is repeated, which makes the same cipher."""
_RANDOM = 480.0
"""Chi squared of bytes, all values being as frequent, of which random ones have 255, give or take 23."""


def bakthat(source: Layer, name: str, keys: Keys) -> Iterator[bytes]:
    """Yield what bakthat encrypted: 8 bytes of a vector, then Blowfish-CBC, keyed by the password itself.

    :raises WrongKey: the password does not make contents of it.
    """
    vector = source.head(_VECTOR).ljust(_VECTOR, b"\0")
    used = [each * -(-_LEAST // len(each)) for each in keys.spellings(name) if len(each) <= _LONGEST]
    ciphers = (_cipher(each, vector, old=True) for each in used)
    yield from _decrypted(source, _VECTOR, ciphers, _unpadded_of_bakthat)


def openssl(source: Layer, name: str, keys: Keys) -> Iterator[bytes]:
    """Yield what ``openssl enc -aes-256-cbc`` encrypted, with its derivations of a key of any age.

    :raises WrongKey: the password does not make contents of it with any of them.
    """
    salt = source.head(_SALTED)[8:]
    derived = (found for each in keys.spellings(name) for found in _derived(each, salt))
    ciphers = (_cipher(found[:32], found[32:]) for found in derived)
    yield from _decrypted(source, _SALTED, ciphers, _unpadded)


def _cipher(key: bytes, vector: bytes, *, old: bool = False) -> Candidate:
    library("cryptography", "backup")
    from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(Blowfish(key) if old else algorithms.AES(key), modes.CBC(vector))


def _derived(password: bytes, salt: bytes) -> Iterator[bytes]:
    """Yield key and vector, 48 bytes: by OpenSSL before 1.1, QNAP's too, since then, and with -pbkdf2."""
    for name in ("md5", "sha256"):
        found = block = b""
        while len(found) < 48:
            block = hashlib.new(name, block + password + salt, usedforsecurity=False).digest()
            found += block
        yield found[:48]
    yield hashlib.pbkdf2_hmac("sha256", password, salt, 10_000, 48)


def _chosen(
    source: Layer, start: int, candidates: Iterable[Candidate], unpadded: Callable[[bytes], bytes]
) -> Candidate:
    """Return the first cipher that makes contents of the first bytes."""
    head = source.head(start + HEAD)
    whole = len(head) < start + HEAD
    for cipher in candidates:
        plain = cipher.decryptor().update(head[start:])
        try:
            if _is_content(unpadded(plain) if whole else plain):  # padding is no content
                return cipher
        except ValueError:  # it has none
            continue
    raise WrongKey(
        "The password is wrong: it makes no known contents of the first bytes",
        cure="Or another program encrypted it than bakthat or openssl enc -aes-256-cbc.",
    )


def _is_content(data: bytes) -> bool:
    """Return whether bytes are not random: an archive, text, or of a form with a header."""
    beginning = data[:512]
    # The cut may fall inside a character.
    text = beginning.decode("utf-8", "ignore" if len(data) > len(beginning) else "surrogateescape")
    return (
        kind_of(data) is not None
        or all(character.isprintable() or character in "\t\n\r\f" for character in text)
        or max(map(_spread, (beginning, data))) > _RANDOM
    )


def _spread(data: bytes) -> float:
    """Return chi squared of the frequencies of bytes."""
    return 256 / len(data) * sum(count**2 for count in Counter(data).values()) - len(data)


def _decrypted(
    source: Layer, start: int, ciphers: Iterable[Candidate], unpadded: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    decryptor, last = _chosen(source, start, ciphers, unpadded).decryptor(), b""
    source.read(start)
    while piece := source.read(PIECE):
        plain = last + decryptor.update(piece)
        end = max(0, len(plain) - _BLOCK)
        yield plain[:end]
        last = plain[end:]
    decryptor.finalize()  # raises a ValueError if it does not end with a block
    yield unpadded(last)


def _unpadded(block: bytes) -> bytes:
    """Return bytes without their padding, which has the number of its bytes in each of them."""
    count = block[-1] if block else 0
    if not 1 <= count <= _BLOCK or block[-count:] != bytes([count]) * count:
        raise ValueError("it ends too early")
    return block[:-count]


def _unpadded_of_bakthat(block: bytes) -> bytes:
    """Return bytes without bakthat's padding, of which the last byte says, modulo 8, how many it has."""
    if not block:
        raise ValueError("it ends too early")
    return block[: -(block[-1] % 8 or 8)]
