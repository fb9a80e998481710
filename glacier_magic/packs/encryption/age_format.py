"""Opening ranges of a file that is sealed with age, version 1 (c2sp.org/age).

A header wraps the file's key for each recipient, in stanzas, and has a MAC.  A nonce of 16 bytes
follows, then the content in chunks of 64 KiB, each with an authentication tag: the position of a byte in the
sealed file is arithmetic.  All of it is untrusted, and limited.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence

from ...errors import IntegrityError, WrongKey
from .identities import Identity

CHUNK, TAG, NONCE = 64 << 10, 16, 16
HEAD = 64 << 10
"""Bytes at the start of a sealed file that hold its header and nonce."""
MOST_STANZAS = 128
"""Each costs a key agreement before anything is authenticated."""
MOST_WORK = 22
"""Of scrypt, as a power of two: 4 GiB of memory."""

Fetch = Callable[[int, int], bytes]
"""Returns the bytes of the sealed file from *start* to *end*, exclusive."""

_VERSION = b"age-encryption.org/v1"
# Lines of 64 characters, and a shorter one, which may be empty, at the end of each stanza.
_STANZA = rb"-> ([!-~]+(?: [!-~]+)*)\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)"
_HEADER = re.compile(rb"%b\n(?:%b){1,%d}---(?= ([A-Za-z0-9+/]{43})\n)" % (_VERSION, _STANZA, MOST_STANZAS))


class SealedFile:
    """Reads ranges of the content of a sealed file, through ranges of the file.

    What a read returns is authentic, but a cut is only found by a read of the last byte.

    :param size: bytes of the sealed file.
    :param identities: keys to try; *passphrase*: for a file that is sealed with one.
    :param head: the start of the file, as it was recorded; None to fetch it.
    :raises WrongKey: no key opens it.
    :raises IntegrityError: it is damaged, or no file of age, version 1.
    """

    def __init__(
        self,
        fetch: Fetch,
        size: int,
        identities: Sequence[Identity] = (),
        *,
        passphrase: str = "",
        head: bytes | None = None,
    ) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        self._fetch = fetch
        head = fetch(0, min(HEAD, size)) if head is None else head
        found = _header(head)
        file_key = _file_key(found[0], identities, passphrase)
        mac = _mac(_derived(file_key, b"", b"header"), found[0])
        if not hmac.compare_digest(mac, _decoded(found[3], 32)):
            raise _damaged("its header was changed")
        self._start = found.end(3) + 1 + NONCE
        self.head = head[: self._start]
        """Header and nonce, which a later reader of the same file can be given."""
        sealed = size - self._start
        self._chunks = max(1, -(-sealed // (CHUNK + TAG)))
        self.size = sealed - self._chunks * TAG
        """Bytes of the content."""
        # Only the one chunk of an empty file is empty.
        if len(self.head) < self._start or self.size < 0 or self.size <= (self._chunks - 1) * CHUNK != 0:
            raise _damaged("it is cut")
        self._cipher = ChaCha20Poly1305(_derived(file_key, self.head[-NONCE:], b"payload"))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the sealed file, end exclusive, that a read of the same words fetches."""
        first, last = self._numbers(start, end)
        at = self._start + first * (CHUNK + TAG)
        return at, min(self._start + (last + 1) * (CHUNK + TAG), self._start + self.size + self._chunks * TAG)

    def read(self, start: int, end: int) -> bytes:
        """Return the content from *start* to *end*, exclusive, or to its end; one range is fetched.

        :raises IntegrityError: the fetched bytes are not those that were sealed.
        """
        from cryptography.exceptions import InvalidTag

        first, last = self._numbers(start, end)
        sealed = memoryview(self._fetch(*self.span(start, end)))
        chunks = []
        for number in range(first, last + 1):
            at = (number - first) * (CHUNK + TAG)
            nonce = number.to_bytes(11, "big") + bytes([number == self._chunks - 1])
            try:
                chunks.append(self._cipher.decrypt(nonce, sealed[at : at + CHUNK + TAG], None))
            except InvalidTag:
                raise _damaged(f"its bytes from {number * CHUNK:,} on were changed or cut") from None
        return b"".join(chunks)[start - first * CHUNK : end - first * CHUNK]

    def _numbers(self, start: int, end: int) -> tuple[int, int]:
        """Return the first and the last chunk of a range; an empty one has one chunk, too."""
        if not 0 <= start <= end:
            raise ValueError(f"{start} to {end} is no range")
        most = self._chunks - 1
        return min(start // CHUNK, most), min(max(start, end - 1) // CHUNK, most)


def head_of(data: bytes) -> bytes:
    """Return header and nonce of a sealed file that begins with *data*.

    :raises IntegrityError: it is none.
    """
    return data[: _header(data).end(3) + 1 + NONCE]


def _header(head: bytes) -> re.Match[bytes]:
    found = _HEADER.match(head)
    if found is None:
        known = head.startswith(_VERSION + b"\n")
        raise _damaged("its header is damaged" if known else "it does not begin as one")
    return found


def _file_key(header: bytes, identities: Sequence[Identity], passphrase: str) -> bytes:
    """Return the key that the stanzas of a header wrap; all of them are checked."""
    keys, locked = [], False
    stanzas = re.findall(_STANZA, header)
    for words, lines in stanzas:
        kind, *arguments = words.decode("ascii").split(" ")
        body = _decoded(lines.replace(b"\n", b""))
        if kind == "X25519":
            keys.append(_by_agreement(arguments, body, identities))
        elif kind == "scrypt":
            if len(stanzas) > 1:  # else others could read what only the passphrase should open
                raise _damaged("it has other recipients beside its passphrase")
            locked = True
            keys.append(_by_passphrase(arguments, body, passphrase))
    found = next((key for key in keys if key), None)
    if found is None:
        what = "The passphrase does not open" if locked else "None of the given keys opens"
        raise WrongKey(f"{what} the file", cure="Give the one that it was sealed for.")
    return found


def _by_agreement(arguments: list[str], body: bytes, identities: Sequence[Identity]) -> bytes | None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    if len(arguments) != 1 or len(body) != 32:
        raise _damaged("a stanza of its header is damaged")
    share = _decoded(arguments[0].encode(), 32)
    for identity in identities:
        key = X25519PrivateKey.from_private_bytes(identity.secret())
        try:
            shared = key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:  # a point of low order, with which any key would agree
            raise _damaged("a stanza of its header is damaged") from None
        salt = share + key.public_key().public_bytes_raw()
        file_key = _unwrapped(_derived(shared, salt, _VERSION + b"/X25519"), body)
        if file_key is not None:
            return file_key
    return None


def _by_passphrase(arguments: list[str], body: bytes, passphrase: str) -> bytes | None:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if len(arguments) != 2 or len(body) != 32:
        raise _damaged("a stanza of its header is damaged")
    salt, work = _decoded(arguments[0].encode(), 16), arguments[1]
    if not re.fullmatch("[1-9][0-9]?", work) or int(work) > MOST_WORK:
        raise _damaged(f"the work factor of its passphrase is not 1 to {MOST_WORK}")
    if not passphrase:
        return None
    scrypt = Scrypt(salt=_VERSION + b"/scrypt" + salt, length=32, n=1 << int(work), r=8, p=1)
    return _unwrapped(scrypt.derive(passphrase.encode()), body)


def _unwrapped(key: bytes, body: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), body, None)
    except InvalidTag:
        return None


def _derived(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    """Return a key by HKDF with SHA-256; of 32 bytes, the first block is all of it."""
    return _mac(_mac(salt, secret), purpose + b"\1")


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)


def _decoded(text: bytes, length: int | None = None) -> bytes:
    """Return unpadded base64 as bytes; each bytes have one spelling."""
    try:
        data = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise _damaged("its header is damaged") from None
    if b64encode(data).rstrip(b"=") != text or length not in (None, len(data)):
        raise _damaged("its header is damaged")
    return data


def _damaged(why: str) -> IntegrityError:
    return IntegrityError(f"This is not a whole file as age seals it: {why}", cure="Get it again.")
