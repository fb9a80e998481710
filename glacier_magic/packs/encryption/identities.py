"""The keys of age: an identity opens what is sealed for its recipient."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ...base.extras import library
from ...errors import InputError, LocalError, WrongKey

_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"  # of bech32, in the order of their values
_LOCKED = re.compile(rb"age-encryption\.org/v1\n|-----BEGIN AGE ENCRYPTED FILE-----")
_LONGEST = 1 << 20


class Identity:
    """The secret half of a key pair; it is shown by its recipient.

    :param text: ``AGE-SECRET-KEY-1...``
    :raises InputError: it is no X25519 identity.
    """

    def __init__(self, text: str) -> None:
        pyrage = library("pyrage", "backup")
        try:
            own = pyrage.x25519.Identity.from_str(text)
        except pyrage.IdentityError:
            raise InputError("This is no identity of age, which begins with AGE-SECRET-KEY-1") from None
        self.text = str(own)
        self.recipient = str(own.to_public())
        """The public half, for sealing: ``age1...``"""

    @classmethod
    def new(cls) -> Identity:
        """Return a random one."""
        return cls(str(library("pyrage", "backup").x25519.Identity.generate()))

    def __repr__(self) -> str:
        return f"Identity({self.recipient!r})"

    def secret(self) -> bytes:
        """Return the 32 bytes of the private key."""
        value = 0
        for character in self.text.lower().rpartition("1")[2][:-6]:  # six are a checksum, which has matched
            value = value << 5 | _CHARACTERS.index(character)
        return (value >> 4).to_bytes(32, "big")  # 52 characters have 260 bits

    def file(self) -> str:
        """Return the text of an identity file, as age-keygen writes it."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return f"# created: {now}\n# public key: {self.recipient}\n{self.text}\n"


def checked_recipient(text: str) -> str:
    """Return a recipient, ``age1...``.

    :raises InputError: it is none.
    """
    pyrage = library("pyrage", "backup")
    try:
        return str(pyrage.x25519.Recipient.from_str(text.strip()))
    except pyrage.RecipientError:
        secret = text.strip().upper().startswith("AGE-SECRET-KEY-")
        what = "A secret identity" if secret else repr(text)
        raise InputError(
            f"{what} is not a recipient: age1 and 58 more letters and digits",
            cure="Give the public key, which stands in the identity file, too.",
        ) from None


def read_identities(file: Path, passphrase: Callable[[], str] | None = None) -> list[Identity]:
    """Return the identities in a file of age's own form.

    :param passphrase: asked for if the file itself is sealed with one.
    :raises LocalError: it cannot be read.
    :raises InputError: it is no identity file, or has none of X25519.
    :raises WrongKey: the passphrase does not open it.
    """
    pyrage = library("pyrage", "backup")
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST)
    except OSError as error:
        raise LocalError(f"{str(file)!r} cannot be read: {error.strerror}", cure="Check the name.") from None
    if _LOCKED.match(data):
        try:
            data = pyrage.passphrase.decrypt(data, passphrase() if passphrase else "")
        except pyrage.DecryptError:
            raise WrongKey(f"The passphrase does not open {str(file)!r}", cure="Type it again.") from None
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    secrets = [line for line in lines if line and not line.startswith("#")]
    try:
        found = [Identity(line) for line in secrets]
    except InputError:
        found = []
    if not found:
        raise InputError(
            f"{str(file)!r} is not an identity file",
            cure="It has a line that begins with AGE-SECRET-KEY-1, and comments only.",
        )
    return found
