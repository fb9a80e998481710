"""The local record: what is stored where, what was asked for, and how far it got.

One SQLite file holds archives, inventories, uploads, retrieval jobs and downloads.  Intent is
written before a paid call and its outcome in the transaction that sees the answer, so a process
killed at any line loses nothing and repeats nothing.  Every row is keyed by account, region and
vault.  Several processes may use one file at once.
"""

from __future__ import annotations

from pathlib import Path

from ..units import to_ms
from .archives import ArchiveRecord, Archives
from .database import Database, Scope
from .deletions import Deletion, Deletions
from .downloads import Download, Downloads
from .drops import Drop, Drops
from .inventories import Inventories, Inventory
from .jobs import JobRecord, Jobs
from .locks import LockRecord, Locks
from .members import ListingRecord, Listings
from .pacing import Pacing
from .plans import PlanRecord, Plans, Tally
from .purchases import Purchase, Purchases
from .routes import Route, Routes
from .settings import Settings
from .uploads import Upload, Uploads

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
    """The tables of one catalogue file, seen from one account and region.

    :param path: the SQLite file; it and its folder are made when missing, readable by the user
        alone.
    :param scope: account and region that every row read or written through this object belongs to.
    :raises CatalogueError: the file is damaged, not a catalogue, or from a newer version.
    """

    def __init__(self, path: Path, scope: Scope) -> None:
        self.database = Database(path)
        self.settings = Settings(self.database)
        self.rescope(scope)

    @property
    def path(self) -> Path:
        """The file."""
        return self.database.path

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

    def close(self) -> None:
        """Close the file; what was written stays."""
        self.database.close()
