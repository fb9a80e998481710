"""Creating sessions with the service, or with its emulator on this computer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import emulator as emulation
from ..base.paths import emulator_folder, is_url
from ..errors import EmulatorFailed
from ..errors.steps import step
from ..service import Connection
from .session import Session


def connect(
    profile: str | None = None,
    region: str | None = None,
    *,
    endpoint_url: str | None = None,
    emulator: bool | str | os.PathLike[str] = False,
    speed: float | None = None,
    catalogue: str | os.PathLike[str] | None = None,
    account: str | None = None,
) -> Session:
    """Connect to the vault service, or to its emulator on this computer.

    :param profile: a profile of your AWS configuration; None for boto3's default credential chain.
    :param region: such as ``eu-west-1``; None for ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or the profile's.
    :param endpoint_url: another address of the service; None for the one in
        ``AWS_ENDPOINT_URL_GLACIER``, ``AWS_ENDPOINT_URL`` or the profile, or the region's own.
        Each server other than AWS has a catalogue of its own.
    :param emulator: True for the emulator in its default folder, or a folder for its data.  It takes
        nothing from the environment; its region is ``us-east-1`` unless one is given.  It is
        started if it is not running, and serves all processes that use the same folder.  One that a
        notebook's kernel started stops when the last of these processes has ended.
    :param speed: the emulator's seconds per second.
    :param catalogue: the SQLite file to use instead of the default, or a PostgreSQL URL:
        ``postgresql://user@host/database``.
    :param account: the 12-digit id of the account that owns the vaults, if it is not yours; its
        vault access policies must allow your requests.
    :raises ConnectionFailed: credentials, region, account or emulator do not work; the message
        says what to do.
    """
    connection = connection_for(
        profile, region, endpoint_url=endpoint_url, emulator=emulator, speed=speed, account=account
    )
    if catalogue is not None and not (isinstance(catalogue, str) and is_url(catalogue)):
        catalogue = Path(catalogue)  # not of a URL: a path has no double slash
    return Session(connection, catalogue=catalogue)


def connection_for(
    profile: str | None = None,
    region: str | None = None,
    *,
    endpoint_url: str | None = None,
    emulator: bool | str | os.PathLike[str] = False,
    speed: float | None = None,
    account: str | None = None,
) -> Connection:
    """Return the connection that :func:`connect` uses; start the emulator if it is one."""
    if emulator is not False:
        folder = emulator_folder(None if emulator is True else Path(emulator))  # the folder identifies it
        return _emulated(folder, region, speed, account)
    return Connection(profile=profile, region=region, endpoint_url=endpoint_url, account=account)


def _emulated(
    folder: Path, region: str | None, speed: float | None, account: str | None, *, until_unused: bool = False
) -> Connection:
    try:
        # Or finds the one that other processes use.  A shell's has to last until its next command.
        extra = ["--until-unused"] if until_unused or _in_a_kernel() else []
        running = emulation.start(folder, speed=speed, hold=True, extra=extra)
    except emulation.EmulatorError as error:
        raise EmulatorFailed(str(error)) from None
    except OSError as error:  # a full disk, or a folder that cannot be written
        raise EmulatorFailed(
            f"The emulator cannot store its data in {folder}: {error.strerror or error}",
            cure=f"Name another folder: {step('connect', '--data DIR')}",
        ) from None
    return Connection(region=region, endpoint_url=running.url, emulator=str(folder), account=account)


def _in_a_kernel() -> bool:
    ipython: Any = sys.modules.get("IPython")  # a kernel has imported it
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


def reconnect(
    connection: Connection, sessions: Callable[[Connection], Session] = Session, *, until_unused: bool = False
) -> Session:
    """Return a new session with a connection; start its emulator if it was stopped.

    :param sessions: opens the session of a connection.
    :param until_unused: whether an emulator that is started stops when its last process has ended.
    """
    if connection.emulator is not None:
        # Its port may have changed; without a speed, a running one keeps its own.
        folder = Path(connection.emulator)
        connection = _emulated(folder, connection.region, None, connection.account, until_unused=until_unused)
    return sessions(connection)  # the new session resumes the downloads that the old one left


def answers(connection: Connection) -> bool:
    """Return whether an emulator runs at its address; True for the real service."""
    if connection.emulator is None:
        return True
    running = emulation.find(Path(connection.emulator))
    # It may have been started again by another process.
    return running is not None and running.url == connection.endpoint_url


def service_time(connection: Connection) -> datetime | None:
    """Return the service's time without a request to AWS; None if the emulator of a connection is stopped."""
    if connection.emulator is None:
        return datetime.now(UTC)
    with suppress(emulation.EmulatorError, OSError):
        return datetime.fromisoformat(str(emulation.status(Path(connection.emulator))["time"]))
    return None


def runs(connection: Connection) -> bool:
    """Return whether an emulator runs, at whatever address; True for the real service."""
    return connection.emulator is None or emulation.find(Path(connection.emulator)) is not None
