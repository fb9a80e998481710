"""An emulator for tests: a pytest fixture, and a context manager for other frameworks.

In ``conftest.py``::

    from glacier_magic.emulator.testing import glacier_emulator

    @pytest.fixture
    def client(glacier_emulator):
        return glacier_emulator.client()

The clock of this emulator is paused until a test advances it:
``glacier_emulator.advance(hours=4)`` completes a standard retrieval at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from glacier_magic.emulator import process
from glacier_magic.emulator.bare_session import bare_session
from glacier_magic.emulator.emulator_keys import ACCESS_KEY, SECRET_KEY


class Emulator:
    """A running emulator, with the methods that tests need."""

    def __init__(self, running: process.RunningEmulator) -> None:
        self.folder = running.folder
        self.url = running.url
        self.account = running.account

    @cached_property
    def _session(self) -> Any:
        return bare_session()

    def client(self, region: str = "us-east-1", **config: Any) -> Any:
        """Return a boto3 client for this emulator; *config* goes to ``botocore``'s ``Config``."""
        return self._client("glacier", region, config)

    def s3_client(self, region: str = "us-east-1", **config: Any) -> Any:
        """Return a boto3 client for the S3 of this emulator, which answers at the same address."""
        return self._client("s3", region, config)

    def _client(self, service: str, region: str, config: dict[str, Any]) -> Any:
        from botocore.config import Config

        return self._session.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(**{"retries": {"max_attempts": 0}} | config),  # retries would hide faults
        )

    def advance(self, seconds: float = 0, *, hours: float = 0, days: float = 0) -> None:
        """Advance the virtual clock."""
        process.advance(self.folder, seconds + 3600 * hours + 86400 * days)

    def fault(self, kind: str, operation: str = "*", **more: object) -> None:
        """Make the next call of *operation* fail; see :func:`~glacier_magic.emulator.add_fault`."""
        process.add_fault(self.folder, kind, operation, **more)

    def clear_faults(self) -> None:
        """Remove all faults."""
        process.clear_faults(self.folder)

    def status(self) -> dict[str, object]:
        """Return the emulator's status."""
        return process.status(self.folder)


@contextmanager
def running(folder: Path, *, speed: float = 0, extra: Sequence[str] = ()) -> Iterator[Emulator]:
    """Serve *folder* while the context lasts; by default, with a paused clock."""
    try:
        yield Emulator(process.start(folder, speed=speed, extra=extra))
    finally:
        process.stop(folder)


def _emulator() -> Iterator[Emulator]:
    """One emulator for the whole test session, with a clock that only tests move."""
    with tempfile.TemporaryDirectory(prefix="glacier-") as folder, running(Path(folder)) as found:
        yield found


def __getattr__(name: str) -> Any:
    # The fixture is made on first access: the rest of this module works without pytest.
    if name != "glacier_emulator":
        raise AttributeError(name)
    import pytest  # noqa: PLC0415 - costs time: imported when used

    fixture = pytest.fixture(scope="session", name=name)(_emulator)
    globals()[name] = fixture
    return fixture
