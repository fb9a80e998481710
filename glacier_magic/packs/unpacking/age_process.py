"""The process that decrypts a file of age, for pyrage holds the lock of the interpreter while it does.

It reads a line with the identities or the passphrase, then the file, and writes what is in it.
"""

from __future__ import annotations

import sys

from ...errors.scrubbing import scrub

WRONG = 3
"""The exit code for another key or passphrase."""
_WRONG = {"No matching keys found", "Decryption failed"}
"""What pyrage says of one, in an error of the same class as for damage."""


def main() -> int:
    """Decrypt standard input to standard output; return the exit code."""
    import pyrage

    source, target = sys.stdin.buffer, sys.stdout.buffer
    kind, _, secret = source.readline().rstrip(b"\n").partition(b" ")
    try:
        if kind == b"passphrase":
            target.write(pyrage.passphrase.decrypt(source.read(), secret.decode()))
        else:
            identities = [pyrage.x25519.Identity.from_str(each) for each in secret.decode().split()]
            pyrage.decrypt_io(source, target, identities)
        target.flush()
    except Exception as error:  # its traceback has the secret's line
        sys.stderr.write(f"{scrub(error)}\n")
        return WRONG if str(error) in _WRONG or type(error).__name__ == "IdentityError" else 1
    return 0
