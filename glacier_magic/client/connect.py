"""Making sessions: with the service, or with the emulator of it on this computer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from .. import emulator as emulation
from ..base.paths import emulator_folder, is_url
from ..errors import EmulatorFailed
from ..service import Connection
from ..steps import step
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
    """Connect to the vault service, or to the emulator of it on this computer.

    :param profile: a profile of boto3's configuration; None for its default credential chain.
    :param region: such as ``eu-west-1``; None for the profile's or ``AWS_DEFAULT_REGION``.
    :param endpoint_url: another address of the service; None for the one that
        ``AWS_ENDPOINT_URL_GLACIER``, ``AWS_ENDPOINT_URL`` or the profile names, else the region's
        own.  Another server than AWS's has a catalogue of its own.
    :param emulator: True for the emulator in its usual folder, or a folder for its data; it is
        started when it does not run, and serves every process that names the same folder.
    :param speed: how many of the emulator's seconds pass in one of ours.
    :param catalogue: the SQLite file to use instead of the usual one, or the URL of a team's:
        ``postgresql://user@host/database``.
    :param account: the 12-digit id of the account that owns the vaults, where that is another
        one, whose vaults' access policies let yours in.
    :raises ConnectionFailed: credentials, region, account or emulator do not work; the message
        says what to do.
    """
    connection = connection_for(
        profile, region, endpoint_url=endpoint_url, emulator=emulator, speed=speed, account=account
    )
    return Session(connection, catalogue=None if catalogue is None else _place(catalogue))


def _place(catalogue: str | os.PathLike[str]) -> Path | str:
    return catalogue if isinstance(catalogue, str) and is_url(catalogue) else Path(catalogue)


def connection_for(
    profile: str | None = None,
    region: str | None = None,
    *,
    endpoint_url: str | None = None,
    emulator: bool | str | os.PathLike[str] = False,
    speed: float | None = None,
    account: str | None = None,
) -> Connection:
    """Return the connection that :func:`connect` would make, with the emulator running."""
    if emulator is not False:
        folder = emulator_folder(None if emulator is True else Path(emulator))
        return _emulated(folder, region, speed, account)
    return Connection(profile=profile, region=region, endpoint_url=endpoint_url, account=account)


def _emulated(folder: Path, region: str | None, speed: float | None, account: str | None) -> Connection:
    try:
        running = emulation.start(folder, speed=speed)
    except emulation.EmulatorError as error:
        raise EmulatorFailed(str(error)) from None
    except OSError as error:
        raise EmulatorFailed(
            f"The emulator cannot keep its data in {folder}: {error.strerror or error}",
            cure=f"Name another folder: {step('connect', '--data DIR')}",
        ) from None
    return Connection(region=region, endpoint_url=running.url, emulator=str(folder), account=account)


def reconnect(connection: Connection, sessions: Callable[[Connection], Session] = Session) -> Session:
    """Connect again as before; an emulator that was stopped is started again.

    :param sessions: opens the session of a connection.
    """
    if connection.emulator is not None:
        connection = _emulated(Path(connection.emulator), connection.region, None, connection.account)
    return sessions(connection)
