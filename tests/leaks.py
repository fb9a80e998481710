"""Looking for the secrets that the tests use in everything that they print and write."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.credentials import Credentials, ReadOnlyCredentials

from glacier_magic.errors.scrubbing import SHORTEST
from glacier_magic.packs.encryption import Identity
from glacier_magic.packs.unpacking import Keys

WRITTEN_BY_TESTS = (
    "credentials",
    "config",
    "keys",
    "keys.json",
    "cli/cache/*.json",
    "*.py",
    "*.pem",
    "*.key",
    "password*.txt",
    "wrong.txt",
)
"""Files that a user, here a test, writes secrets to; everything else is the program's."""
MOST = (1 << 20) - 1
"""Bytes of the longest file that is read; longer ones are archives and large catalogues."""


class Leaks:
    """The secrets that were used in this process, and the places in which one was found."""

    def __init__(self) -> None:
        self._forms: set[bytes] = set()
        self.found: set[str] = set()

    def use(self, *values: str | None) -> None:
        """Add values that must not be found."""
        # Shorter ones may be words, such as the published key of the emulator.
        long = {value.strip() for value in values if value and len(value.strip()) >= SHORTEST}
        self._forms |= {
            form.encode(errors="replace") for value in long for form in (value, quote(value, safe=""))
        }

    def use_settings(self, environment: Mapping[str, str]) -> None:
        """Add the secrets in environment variables, and in the credentials file that they name."""
        self.use(
            *(
                environment.get(f"AWS_{name}")
                for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
            )
        )
        path = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE", ""))
        if path.is_file():
            written = path.read_bytes().decode(errors="replace")
            self.use(*re.findall(r"^\s*aws_(?:secret|session|access)\w+\s*=\s*(.+)", written, re.M))

    def read(self, place: str, content: str | bytes | None) -> None:
        """Note the place if a secret is in its content."""
        data = content.encode(errors="replace") if isinstance(content, str) else content or b""
        if any(form in data for form in self._forms):
            self.found.add(place)

    def read_files(self, folder: Path) -> int:
        """Read all files below a folder but those that tests write secrets to; return their number."""
        count = 0
        # os.walk() and this pass over what a process that is ending removes meanwhile.
        for path in (Path(parent, name) for parent, _, names in os.walk(folder) for name in names):
            ours = not path.is_symlink() and path.is_file() and not any(map(path.match, WRITTEN_BY_TESTS))
            with suppress(FileNotFoundError):
                if ours and path.stat().st_size <= MOST:
                    self.read(str(path.relative_to(folder.parent)), path.read_bytes())
                    count += 1
        return count

    def watch(self) -> None:
        """Note each secret that is used; read what tests and children print."""
        _after(Credentials, "__init__", lambda _, __, *keys, **named: self._used(*keys, **named))
        _after(Identity, "__init__", lambda _, identity, *__: self.use(identity.text))
        _after(Keys, "identities", lambda found, *_: self.use(*found))
        _after(Keys, "password", lambda password, *_: self.use(password.decode(errors="replace")))
        _after(
            subprocess.Popen,
            "__init__",
            lambda _, *__, **named: self.use_settings(named.get("env") or os.environ),
        )
        # Not Popen.communicate(), by which botocore reads the keys that a credential_process prints.
        _after(subprocess, "run", lambda done, *_, **__: self._ran(done))
        _after(pytest.CaptureFixture, "readouterr", lambda output, *_: self._printed(output))
        original = ReadOnlyCredentials.__new__  # those that were renewed

        def new(kind: Any, *keys: Any, **named: Any) -> Any:
            self._used(*keys, **named)
            return original(kind, *keys, **named)

        ReadOnlyCredentials.__new__ = staticmethod(new)  # type: ignore[method-assign, assignment]

    def _used(self, *keys: Any, **named: Any) -> None:
        words = [*keys[:3], *(named.get(name) for name in ("access_key", "secret_key", "token"))]
        self.use(*(word for word in words if isinstance(word, str)))

    def _ran(self, done: subprocess.CompletedProcess[Any]) -> None:
        # The package reads what a credential_process prints.  The caller is behind a lambda and a wrapper.
        if not sys._getframe(3).f_globals["__name__"].startswith("glacier_magic."):
            self._printed((done.stdout, done.stderr))

    def _printed(self, output: Iterable[str | bytes | None]) -> None:
        for content in output:
            self.read(os.environ.get("PYTEST_CURRENT_TEST", "output"), content)


def _after(owner: Any, name: str, note: Callable[..., None]) -> None:
    before = getattr(owner, name)

    @functools.wraps(before)
    def noted(*words: Any, **named: Any) -> Any:
        result = before(*words, **named)
        note(result, *words, **named)
        return result

    setattr(owner, name, noted)
