"""What a session found out, so that the next shell reads its catalogue without connecting.

Importing boto3 and asking for the account takes longer than listing archives.  A known session is
used for a day, and only while the environment and the AWS configuration are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.files import write_atomically
from ..base.paths import data_folder, is_url
from ..catalogue import Catalogue, Scope

if TYPE_CHECKING:
    from .session import Session

FRESH = 86_400.0
"""Seconds for which a known session is used: a program may give a profile other credentials."""

MOST = 20
"""Known sessions that are stored."""


@dataclass(frozen=True)
class KnownSession:
    """The account and region of a session, the file of its catalogue, and whether it is an emulator's.

    ``file`` is empty if the catalogue is on the server that the environment names.
    """

    account: str
    region: str
    file: str
    emulated: bool
    seen: float

    @classmethod
    def of(cls, session: Session) -> KnownSession:
        """Return what a session knows now."""
        place = session.catalogue.place
        file = "" if is_url(place) else place  # a URL may have a password
        emulated = session.connection.emulator is not None
        return cls(session.account, session.region, file, emulated, time.time())

    def open(self) -> Catalogue | None:
        """Return the catalogue; None if its file does not exist any more."""
        if self.file and not Path(self.file).is_file():
            return None
        place = Path(self.file) if self.file else os.environ["GLACIER_MAGIC_CATALOGUE"]
        return Catalogue(place, Scope(self.account, self.region))


def remember(asked: str, session: Session) -> None:
    """Store what a session found out.

    :param asked: the connection that was asked for, as text.
    """
    sessions = {**_sessions(), _key(asked): asdict(KnownSession.of(session))}
    newest = sorted(sessions, key=lambda key: sessions[key]["seen"])[-MOST:]
    with suppress(OSError):  # the next shell connects
        write_atomically(_file(), json.dumps({key: sessions[key] for key in newest}))


def recall(asked: str) -> KnownSession | None:
    """Return what the last session with this connection found out, if that still holds."""
    try:
        known = KnownSession(**_sessions()[_key(asked)])
    except (KeyError, TypeError):  # none, or of another version
        return None
    whole = all(isinstance(text, str) for text in (known.account, known.region, known.file))
    return known if whole and 0 <= time.time() - known.seen < FRESH else None


def _file() -> Path:
    return data_folder() / "sessions.json"


def _sessions() -> dict[str, dict[str, Any]]:
    try:
        found = dict(json.loads(_file().read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):  # none, or damaged: the next shell connects
        return {}
    return {k: v for k, v in found.items() if isinstance(v, dict) and isinstance(v.get("seen"), float)}


def _key(asked: str) -> str:
    """Return a hash of a connection and of everything that decides its account and its catalogue."""
    mine = ("AWS_", "GLACIER_MAGIC_", "BOTO_CONFIG")
    settings = {k: v for k, v in os.environ.items() if k.startswith(mine)}
    files = [
        os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"),
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        "~/.boto",
    ]
    paths = [
        *files,
        *(settings.get(f"GLACIER_MAGIC_{name}", "/") for name in ("CATALOGUE", "EMULATOR", "HOME")),
    ]
    # A relative path means another file in another folder.
    here = str(Path.cwd()) if any(not name.startswith(("/", "~")) for name in paths) else ""
    marks = [(here, name, *_mark(name)) for name in files]
    # A hash: the environment has keys.
    return hashlib.sha256(json.dumps([asked, sorted(settings.items()), marks]).encode()).hexdigest()


def _mark(file: str) -> tuple[int, int]:
    try:
        found = Path(file).expanduser().stat()
        return found.st_mtime_ns, found.st_size
    except (OSError, RuntimeError):  # missing, or there is no home
        return 0, 0
