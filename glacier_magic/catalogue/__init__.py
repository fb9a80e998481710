"""The local record: what is stored where, what was asked for, and how far it got.

One SQLite file, or for a team one database of a PostgreSQL server, holds archives, inventories,
uploads, retrieval jobs and downloads.  Intent is written before a paid call and its outcome in the
transaction that sees the answer, so a process killed at any line loses nothing and repeats nothing.
Every row is keyed by account, region and vault.  Several processes may use it at once.
"""

from __future__ import annotations

from pathlib import Path

from ..base.session_limits import USUAL, Limits
from ..base.units import to_ms
from .archives.archives import ArchiveRecord, Archives
from .archives.inventories import Inventories, Inventory
from .archives.vault_table import find
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
from .storage.database import Scope
from .storage.open import open_database
from .storage.settings import StoredSettings

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

    :param place: the SQLite file; it and its folder are made when missing, readable by the user
        alone.  Or a URL, ``postgresql://user@host/database``; its tables are made when missing.
    :param scope: account and region that every row read or written through this object belongs to.
    :param limits: the limits of the session, for all who use its catalogue.
    :raises CatalogueError: it is damaged, not a catalogue, or from a newer version.
    :raises Unavailable: its server cannot be reached.
    """

    def __init__(self, place: Path | str, scope: Scope, *, limits: Limits = USUAL) -> None:
        self.limits = limits
        self.database = open_database(place)
        self.database.limits = limits
        self.settings = StoredSettings(self.database)
        self.rescope(scope)

    @property
    def path(self) -> Path:
        """The file; :class:`CatalogueError` where it is on a server."""
        return self.database.path

    @property
    def folder(self) -> Path:
        """The folder of this computer for files that belong to the catalogue."""
        return self.database.folder

    @property
    def peeks(self) -> Path:
        """The folder for the parts of archives that were looked into."""
        return self.folder / "peeks"

    def is_peek(self, download: Download) -> bool:
        """Tell whether a download is a part that was requested to look into its archive."""
        return Path(download.root).is_relative_to(self.peeks)

    @property
    def place(self) -> str:
        """The file or URL, without a password: as it may be shown."""
        return self.database.place

    def rescope(self, scope: Scope) -> None:
        """See the rows of another account or region from now on."""
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
        """Tell whether there is, or was, anything of a vault here."""
        return find(self.database, self.scope, vault) is not None

    def close(self) -> None:
        """Close it; what was written stays."""
        self.database.close()
