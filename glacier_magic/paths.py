"""Where this program keeps its own files."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from .catalogue.places import is_url
from .service.connection import Connection


def data_folder() -> Path:
    """Return the user's folder for this program's data.

    ``GLACIER_MAGIC_HOME``, else the platform's own place for such things.
    """
    given = os.environ.get("GLACIER_MAGIC_HOME")
    if given:
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "glacier_magic"


def catalogue_place(connection: Connection) -> Path | str:
    """Return the file of a connection's catalogue, or the URL of a team's.

    ``GLACIER_MAGIC_CATALOGUE`` where set.  An emulator's catalogue lies in its data folder, and
    another endpoint has a catalogue of its own, so that real archives never mix with others.
    """
    given = os.environ.get("GLACIER_MAGIC_CATALOGUE")
    if given and is_url(given):
        return given
    if given:
        return Path(given).expanduser().absolute()
    if connection.emulator is not None:
        return Path(connection.emulator) / "catalogue.sqlite"
    if connection.endpoint_url is not None:
        mark = hashlib.sha256(connection.endpoint_url.encode()).hexdigest()[:12]
        return data_folder() / f"catalogue-{mark}.sqlite"
    return data_folder() / "catalogue.sqlite"


def emulator_folder(given: Path | None = None) -> Path:
    """Return the emulator's data folder: *given*, ``GLACIER_MAGIC_EMULATOR``, or one at home."""
    if given is None:
        given = Path(os.environ.get("GLACIER_MAGIC_EMULATOR") or Path.home() / "glacier-emulator")
    return given.expanduser().absolute()


def last_connection_file() -> Path:
    """Return the file that remembers the last connection; it holds no credential."""
    return data_folder() / "connection.json"
