"""Files of age for a passphrase, written from its specification with little work: pyrage takes a second."""

import base64
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK = 64 << 10


def _base64(data):
    return base64.b64encode(data).rstrip(b"=")


def _derived(key, salt, info):
    return HKDF(SHA256(), 32, salt, info).derive(key)


def sealed(data, passphrase):
    """Return *data* as ``age -p`` writes it."""
    key, salt, nonce = (os.urandom(16) for _ in range(3))
    salted = b"age-encryption.org/v1/scrypt" + salt
    wrapping = hashlib.scrypt(passphrase.encode(), salt=salted, n=1 << 10, r=8, p=1, dklen=32)
    body = ChaCha20Poly1305(wrapping).encrypt(bytes(12), key, None)
    header = b"age-encryption.org/v1\n-> scrypt %s 10\n%s\n---" % (_base64(salt), _base64(body))
    mac = hmac.digest(_derived(key, b"", b"header"), header, "sha256")
    stream = ChaCha20Poly1305(_derived(key, nonce, b"payload"))
    starts = range(0, max(len(data), 1), CHUNK)
    chunks = [
        stream.encrypt(
            number.to_bytes(11, "big") + bytes([start == starts[-1]]), data[start : start + CHUNK], None
        )
        for number, start in enumerate(starts)
    ]
    return header + b" " + _base64(mac) + b"\n" + nonce + b"".join(chunks)
