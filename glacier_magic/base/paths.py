"""The paths of this program's own files."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CatalogueError, InputError, LocalError
from .files import write_new

if TYPE_CHECKING:
    from ..service.connection import Connection

_SCHEMES = ("postgresql://", "postgres://")


def data_folder() -> Path:
    """Return the user's folder for this program's data.

    ``GLACIER_MAGIC_HOME``, else the platform's folder for application data.
    """
    given = os.environ.get("GLACIER_MAGIC_HOME")
    if given:
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        # By the XDG rules, an empty variable is not set.
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "glacier_magic"


def as_utf8(path: str) -> str:
    """Return a path as text: its bytes are read as UTF-8 if they are, whatever encoding the locale has."""
    try:
        return path if sys.getfilesystemencoding() == "utf-8" else os.fsencode(path).decode()
    except UnicodeError:
        return path


def is_url(place: object) -> bool:
    """Return whether a catalogue's place is the URL of a database server, not a file.

    :raises InputError: it is a URL with another scheme.
    """
    if not isinstance(place, str) or not re.match(r"[A-Za-z][\w+.-]+://", place):
        return False
    if not place.startswith(_SCHEMES):
        scheme = place.partition("://")[0]  # the rest may hold a password
        raise InputError(
            f"A catalogue cannot be stored at {scheme}://",
            cure="Name a file, or a PostgreSQL database: postgresql://user@host/database",
        )
    return True


def catalogue_place(connection: Connection) -> Path | str:
    """Return the file of a connection's catalogue, or the URL of a shared one."""
    given = os.environ.get("GLACIER_MAGIC_CATALOGUE")
    return given if given and is_url(given) else catalogue_file(connection)


def catalogue_file(connection: Connection) -> Path:
    """Return the file of a connection's catalogue.

    ``GLACIER_MAGIC_CATALOGUE`` if set.  An emulator has its catalogue in its data folder, and any
    server outside AWS has its own, so that real archives never mix with others.

    :param connection: as :func:`.located` returns it.
    :raises CatalogueError: the catalogue is on a server.
    """
    given = os.environ.get("GLACIER_MAGIC_CATALOGUE")
    if given and is_url(given):
        raise CatalogueError(
            "The catalogue is on a server and has no file",
            cure="Its administrator backs it up with pg_dump and restores it with pg_restore.",
        )
    if given:
        return Path(given).expanduser().absolute()
    if connection.emulator is not None:
        return Path(connection.emulator) / "catalogue.sqlite"
    if connection.endpoint_url is not None:
        # A URL has characters that a file name cannot have.
        mark = hashlib.sha256(connection.endpoint_url.encode()).hexdigest()[:12]
        other = data_folder() / f"catalogue-{mark}.sqlite"
        # Earlier versions created one for AWS's own addresses, too; an existing one stays in use.
        if connection.elsewhere or other.exists():
            return other
    return data_folder() / "catalogue.sqlite"


def emulator_folder(given: Path | None = None) -> Path:
    """Return the emulator's data folder: *given*, ``GLACIER_MAGIC_EMULATOR``, or ``~/glacier-emulator``."""
    if given is None:
        given = Path(os.environ.get("GLACIER_MAGIC_EMULATOR") or Path.home() / "glacier-emulator")
    return given.expanduser().absolute()


def last_connection_file() -> Path:
    """Return the file with the last connection; it contains no credentials."""
    return data_folder() / "connection.json"


def home_id() -> str:
    """Return the unique id of this user's data folder, which is created if missing.

    :raises LocalError: it cannot be saved.
    """
    file = data_folder() / "home-id"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            with suppress(FileExistsError):  # another process was faster: its id counts
                write_new(file, uuid.uuid4().hex.encode())
        return file.read_text().strip()
    except OSError as error:
        raise LocalError(
            f"The folder {file.parent} cannot be written: {error.strerror or error}",
            cure="Set GLACIER_MAGIC_HOME to a writable folder.",
        ) from None
