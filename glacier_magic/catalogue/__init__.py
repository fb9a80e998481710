"""The catalogue: a local record of archives, inventories, uploads, retrieval jobs and downloads.

It is an SQLite file, or for a team a database of a PostgreSQL server.  A paid request is recorded
before it is sent, and its response in the transaction that processes it, so that a process killed at
any line loses nothing and repeats nothing.  Every row belongs to an account, a region and a vault.
Several processes may use the catalogue at once.
"""

from __future__ import annotations

from pathlib import Path

from ..base.paths import is_url
from ..base.session_limits import USUAL, Limits
from ..base.units import to_ms
from ..errors import InputError
from .archives.archives import ArchiveRecord, Archives
from .archives.identity import find_vault
from .archives.inventories import Inventories, Inventory
from .records.deletion_records import Deletion, Deletions
from .records.downloads import Download, Downloads
from .records.drop_records import Drop, Drops
from .records.job_records import JobRecord, Jobs
from .records.lock_records import LockRecord, Locks
from .records.members import ListingRecord, Listings
from .records.pacing_records import Pacing
from .records.plans import PlanRecord, Plans, Tally
from .records.purchases import Purchase, Purchases
from .records.routes import Route, Routes
from .records.upload_records import Upload, Uploads
from .storage.database import Database, Scope, StoredSettings

__all__ = [
    "ArchiveRecord",
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
        self.database = _open(place)
        self.database.limits = limits
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

    def rescope(self, scope: Scope) -> None:
        """Switch to the rows of another account or region."""
        self.scope = scope
        self.archives = Archives(self.database, scope)
        self.uploads = Uploads(self.database, scope)
        self.jobs = Jobs(self.database, scope)
        self.downloads = Downloads(self.database, scope)
        self.deletions = Deletions(self.database, scope)
        self.drops = Drops(self.database, scope)
        self.pacing = Pacing(self.database, scope)
        self.inventories = Inventories(self.database, scope)
        self.plans = Plans(self.database, scope)
        self.locks = Locks(self.database, scope)
        self.purchases = Purchases(self.database, scope)
        self.routes = Routes(self.database, scope)
        self.listings = Listings(self.database, scope)

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
