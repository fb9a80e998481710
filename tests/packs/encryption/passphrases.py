"""Sealing with a passphrase, by little work: pyrage's own takes a second, or many."""

import hashlib
import hmac
import os
from base64 import b64encode

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

VERSION = b"age-encryption.org/v1"


def mac(key, data):
    return hmac.digest(key, data, "sha256")


def sealed_by(passphrase, content, work=3):
    """Return content of at most 64 KiB, sealed."""
    salt, file_key, nonce = (os.urandom(16) for _ in range(3))
    key = hashlib.scrypt(
        passphrase.encode(), salt=VERSION + b"/scrypt" + salt, n=1 << work, r=8, p=1, dklen=32
    )
    body = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    salt, body = (b64encode(each).rstrip(b"=") for each in (salt, body))
    header = b"%b\n-> scrypt %b %d\n%b\n---" % (VERSION, salt, work, body)
    signed = b64encode(mac(mac(mac(b"", file_key), b"header\1"), header)).rstrip(b"=")
    cipher = ChaCha20Poly1305(mac(mac(nonce, file_key), b"payload\1"))
    return b"%b %b\n%b%b" % (header, signed, nonce, cipher.encrypt(bytes(11) + b"\1", content, None))


def armored(sealed):
    """Return the form that can be pasted into a mail."""
    text = b64encode(sealed)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join(
        [b"-----BEGIN AGE ENCRYPTED FILE-----", *lines, b"-----END AGE ENCRYPTED FILE-----", b""]
    )
