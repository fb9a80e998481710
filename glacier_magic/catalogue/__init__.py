"""The catalogue: a local record of archives, inventories, uploads, retrieval jobs and downloads.

It is an SQLite file, or for a team a database of a PostgreSQL server.  A paid request is recorded
before it is sent, and its response in the transaction that processes it, so that a process killed at
any line loses nothing and repeats nothing.  Every row belongs to an account, a region and a vault.
Several processes may use the catalogue at once.
"""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.paths import is_url
from ..base.session_limits import USUAL, Limits
from ..base.units import to_ms
from ..errors import InputError
from .archives.folders import rebuild_once
from .archives.identity import find_vault
from .storage.database import Database, Scope
from .storage.stored_settings import StoredSettings

if TYPE_CHECKING:
    from .archives.archives import ArchiveRecord, Archives
    from .archives.inventories import Inventories, Inventory
    from .records.backup_records import Backups
    from .records.deletion_records import Deletion, Deletions
    from .records.downloads import Download, Downloads
    from .records.drop_records import Drop, Drops
    from .records.job_records import JobRecord, Jobs
    from .records.lock_records import LockRecord, Locks
    from .records.members import ListingRecord, Listings
    from .records.moved_records import MovedObjects
    from .records.pacing_records import Pacing
    from .records.plans import PlanRecord, Plans, Tally
    from .records.purchases import Purchase, Purchases
    from .records.routes import Route, Routes
    from .records.upload_records import Upload, Uploads
    from .records.watch_records import Watches

__all__ = [
    "ArchiveRecord",
    "Backups",
    "Catalogue",
    "Deletion",
    "Download",
    "Drop",
    "Inventory",
    "JobRecord",
    "ListingRecord",
    "LockRecord",
    "PlanRecord",
    "Purchase",
    "Route",
    "Scope",
    "Tally",
    "Upload",
    "to_ms",
]

_TABLES = {
    "archives": "archives.archives.Archives",
    "backups": "records.backup_records.Backups",
    "uploads": "records.upload_records.Uploads",
    "jobs": "records.job_records.Jobs",
    "downloads": "records.downloads.Downloads",
    "deletions": "records.deletion_records.Deletions",
    "drops": "records.drop_records.Drops",
    "moved": "records.moved_records.MovedObjects",
    "pacing": "records.pacing_records.Pacing",
    "inventories": "archives.inventories.Inventories",
    "plans": "records.plans.Plans",
    "locks": "records.lock_records.Locks",
    "purchases": "records.purchases.Purchases",
    "routes": "records.routes.Routes",
    "listings": "records.members.Listings",
    "watches": "records.watch_records.Watches",
}
"""The tables of a catalogue, each with its class."""

_RECORDS = {
    "ArchiveRecord": "archives.archives",
    "Deletion": "records.deletion_records",
    "Download": "records.downloads",
    "Drop": "records.drop_records",
    "Inventory": "archives.inventories",
    "JobRecord": "records.job_records",
    "ListingRecord": "records.members",
    "LockRecord": "records.lock_records",
    "PlanRecord": "records.plans",
    "Purchase": "records.purchases",
    "Route": "records.routes",
    "Tally": "records.plans",
    "Upload": "records.upload_records",
}
"""The records in them, each with its module."""


def __getattr__(name: str) -> Any:
    """Import the module of a record on first use: a listing of archives needs none of them."""
    if name not in _RECORDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_RECORDS[name]}", __name__), name)


class Catalogue:
    """The tables of one catalogue, seen from one account and region.

    :param place: an SQLite file, or a URL, ``postgresql://user@host/database``.  A missing file, and
        its folder, are created, readable by the user alone; missing tables are created.
    :param scope: the account and region of every row that is read or written through this object.
    :param limits: the limits of the session, for all that use its catalogue.
    :raises CatalogueError: it is damaged, not a catalogue, or from a newer version.
    :raises InputError: the URL is malformed, or its driver is not installed.
    :raises Unavailable: its server cannot be reached.
    """

    def __init__(self, place: Path | str, scope: Scope, *, limits: Limits = USUAL) -> None:
        self.limits = limits
        self._opening = threading.Lock()
        self.database = _open(place)
        self.database.limits = limits
        self.database.prepare_indexes()  # a killed process may have left the catalogue without them
        rebuild_once(self.database)
        self.settings = StoredSettings(self.database)
        self.rescope(scope)

    @property
    def path(self) -> Path:
        """The file; :class:`CatalogueError` if it is on a server."""
        return self.database.path

    @property
    def folder(self) -> Path:
        """The local folder for files that belong to the catalogue."""
        return self.database.folder

    @property
    def peeks(self) -> Path:
        """The folder for the parts of archives that ``peek`` retrieves."""
        return self.folder / "peeks"

    def is_peek(self, download: Download) -> bool:
        """Return whether a download is a part of an archive that ``peek`` retrieves."""
        return Path(download.root).is_relative_to(self.peeks)

    @property
    def place(self) -> str:
        """The file or URL, without a password."""
        return self.database.place

    if TYPE_CHECKING:
        archives: Archives
        backups: Backups
        uploads: Uploads
        jobs: Jobs
        downloads: Downloads
        deletions: Deletions
        drops: Drops
        moved: MovedObjects
        pacing: Pacing
        inventories: Inventories
        plans: Plans
        locks: Locks
        purchases: Purchases
        routes: Routes
        listings: Listings
        watches: Watches

    def __getattr__(self, name: str) -> Any:
        """Open a table on first use."""
        if name not in _TABLES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        module, _, kind = _TABLES[name].rpartition(".")
        with self._opening:
            if name not in self.__dict__:  # another thread may have opened it
                opened = getattr(import_module(f".{module}", __name__), kind)
                setattr(self, name, opened(self.database, self.scope))
        return self.__dict__[name]

    def rescope(self, scope: Scope) -> None:
        """Switch to the rows of another account or region."""
        self.scope = scope
        for name in _TABLES:
            self.__dict__.pop(name, None)

    def knows(self, vault: str) -> bool:
        """Return whether the catalogue has, or had, anything of a vault."""
        return find_vault(self.database, self.scope, vault) is not None

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def _open(place: Path | str) -> Database:
    if isinstance(place, str) and is_url(place):
        try:
            import psycopg  # noqa: F401, PLC0415 - tests for it
        except ImportError:
            raise InputError(
                "A catalogue on PostgreSQL needs the driver psycopg",
                cure="Install it: pip install 'glacier_magic[postgres]'",
            ) from None
        from .storage.postgres import PostgresDatabase  # noqa: PLC0415 - costs time: imported when used

        return PostgresDatabase(place)
    from .storage.sqlite import SqliteDatabase  # noqa: PLC0415 - costs time: imported when used

    return SqliteDatabase(Path(place))
