"""The catalogues that this user has used, each with its connection: a watcher goes on with what is open."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.files import write_atomically
from ..base.paths import data_folder, is_url
from ..service.connection import Connection
from .known_session import KnownSession

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True)
class UsedCatalogue:
    """A catalogue, an account and a region in it, and the last connection to them; it has no credential."""

    connection: Connection
    known: KnownSession

    @property
    def key(self) -> str:
        """Identifies it among others."""
        whole = json.dumps([self.known.file, self.known.account, self.known.region])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    @property
    def words(self) -> str:
        """The connection in a few words."""
        named = self.connection.emulator or self.connection.profile or "the default credentials"
        return f"{named}, {self.known.region}"


def note_use(session: Session) -> None:
    """Store the connection of a session, unless it is stored already."""
    if is_url(session.catalogue.place) and not is_url(os.environ.get("GLACIER_MAGIC_CATALOGUE")):
        return  # named by a program: the URL may have a password, and no other process knows it
    connection = replace(session.connection, region=session.region)
    if connection.emulator is not None:
        connection = replace(connection, endpoint_url=None)  # the folder identifies it, its port changes
    used = UsedCatalogue(connection, KnownSession.of(session))
    file = _folder() / f"{used.key}.json"
    with suppress(OSError):  # the session works without it
        if (before := _read(file)) is None or before.connection != used.connection:
            text = {"connection": used.connection.to_json(), "known": asdict(used.known)}
            write_atomically(file, json.dumps(text))


def used_catalogues() -> list[UsedCatalogue]:
    """Return the catalogues that are still there."""
    try:
        files = sorted(_folder().glob("*.json"))
    except OSError:
        return []
    found = [used for file in files if (used := _read(file)) is not None]
    return [used for used in found if _is_there(used.known.file)]


def _is_there(file: str) -> bool:
    return Path(file).is_file() if file else is_url(os.environ.get("GLACIER_MAGIC_CATALOGUE"))


def _folder() -> Path:
    return data_folder() / "catalogues"


def _read(file: Path) -> UsedCatalogue | None:
    try:
        text = json.loads(file.read_text("utf-8"))
        return UsedCatalogue(Connection.from_json(text["connection"]), KnownSession(**text["known"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # none, damaged, or another version
        return None
