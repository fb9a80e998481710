"""The key file and the password that open encrypted files."""

from __future__ import annotations

import getpass
import os
import warnings
from contextlib import suppress
from pathlib import Path

from ...errors import InputError, LocalError, WrongKey
from ...errors.scrubbing import hide
from ...errors.steps import option

ASK = "-"
"""The password file that stands for a question to the user."""
_LONGEST = 64 << 10
"""Bytes that are read of a key file or a password file."""


class Keys:
    """What opens encrypted files: a file of age identities, and a password.

    Each is read, or asked for, when the first file needs it; neither is displayed or stored.

    :param key: a file with lines ``AGE-SECRET-KEY-1...``, as age-keygen writes it.
    :param password_file: a file whose first line is the password, in UTF-8; ``-`` asks for it at once.
    :param asks: whether a password is asked for that a file needs and no file has.
    :raises InputError: there is nobody to ask.
    """

    def __init__(
        self,
        key: str | os.PathLike[str] | None = None,
        password_file: str | os.PathLike[str] | None = None,
        *,
        asks: bool = True,
    ) -> None:
        self._key, self._file, self._asks = key, password_file, asks
        self._password = _asked("Password: ") if password_file == ASK else None

    @property
    def given(self) -> bool:
        """Whether there is a key file or a password."""
        return self._key is not None or self.has_password

    @property
    def has_password(self) -> bool:
        """Whether there is a password without a question."""
        return self._file is not None or self._password is not None

    def password(self, name: str) -> bytes:
        """Return the password, in UTF-8 or as it is in its file.

        :param name: of the file that needs it, for the question.
        :raises InputError: there is none, and nobody to ask.
        :raises LocalError: its file cannot be read.
        :raises WrongKey: it is empty.
        """
        if self._password is None:
            if self._file is not None:
                self._password = _hidden(_read(self._file).splitlines()[0])
            elif self._asks:
                self._password = _asked(f"Password of {name}: ")
            else:
                raise _unanswered()
        if not self._password:  # nobody encrypts with it: a mistake
            raise WrongKey("The password is empty", cure="")
        return self._password

    def spellings(self, name: str) -> list[bytes]:
        """Return the password as the bytes that a terminal made of it: in UTF-8, and in Latin-1."""
        found = [self.password(name)]
        with suppress(UnicodeError):
            found.append(found[0].decode().encode("latin-1"))
        return list(dict.fromkeys(found))

    def identities(self) -> list[str]:
        """Return the identities in the key file.

        :raises WrongKey: there are none in it, or there is no key file.
        :raises LocalError: it cannot be read.
        """
        if self._key is None:
            raise WrongKey("It is encrypted for a key", cure=f"Give its file: {option('key', 'FILE')}.")
        lines = _read(self._key).decode(errors="replace").split()
        found = [line for line in lines if line.startswith("AGE-SECRET-KEY-1")]
        hide(*found)
        if not found:
            raise WrongKey(f"{os.fspath(self._key)} has no line that begins with AGE-SECRET-KEY-1", cure="")
        return found


def _read(file: str | os.PathLike[str]) -> bytes:
    try:
        with Path(file).expanduser().open("rb") as opened:
            return opened.read(_LONGEST) + b"\n"  # so that there is a first line
    except OSError as error:
        raise LocalError(f"{os.fspath(file)} cannot be read: {error.strerror or error}") from None


def _asked(question: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # a password that is seen is not asked for
            # Of the module, which a notebook's kernel replaces.
            return _hidden(getpass.getpass(question).encode(errors="surrogateescape"))
    except (EOFError, OSError, RuntimeError, getpass.GetPassWarning):
        raise _unanswered() from None


def _hidden(password: bytes) -> bytes:
    hide(password.decode(errors="replace"))
    return password


def _unanswered() -> InputError:
    return InputError(
        "It needs a password, and there is nobody to ask for it",
        cure=f"{option('password-file', 'FILE')} reads it from the first line of a file.",
    )
