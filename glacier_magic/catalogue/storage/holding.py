"""Paid or destructive work that is on hold because the catalogue was restored, copied or moved.

A row on hold has a lease that never expires, so that no process claims it.  Rows that are written
later are not on hold.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from ...base.files import write_atomically
from ...base.paths import data_folder
from ...errors import Refused
from ...errors.steps import step
from .database import Database, Scope
from .stored_settings import StoredSettings

HELD = "held"
"""The owner of the rows on hold."""

NOT_HELD = f"COALESCE(owner, '')<>'{HELD}'"
"""The SQL condition of rows that are not on hold."""

PLACE = "place"
"""The setting with the catalogue's name, a new one for each opening."""

RESTORED = "backup"
"""The name of a backup, which no place knows."""

_FOR_EVER = 1e18
_COSTS = {
    # Without a job id a download is a copy of a local file, but is paid for if that file is gone.
    "downloads": "state IN ('planned', 'asking') "
    "OR (state IN ('ready', 'downloading') AND job_id IS NULL AND due IS NOT NULL)",
    "deletions": "state='open' OR (state='done' AND failed>0)",
    "drops": "state IN ('listing', 'confirming', 'deleting', 'proving')",
}
"""The SQL conditions of rows whose work costs money or deletes archives, by table."""


def how() -> str:
    """Return how to resume or discard the work on hold."""
    return f"{step('catalogue', 'resume')} continues it, {step('catalogue', 'discard')} gives it up."


def hold_if_copied(database: Database, file: Path) -> None:
    """Hold paid or destructive work, unless the catalogue was last opened in this place.

    Each opening gives the catalogue a new name, which the data folder stores as well: a copy of the
    file in another place, or an older one, has another name.  Called in a transaction.
    """
    name, before = uuid.uuid4().hex, StoredSettings(database).get(PLACE) or ""
    folder = data_folder() / "places"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The folder's inode distinguishes the folder from a copy of it on another computer.
        place = f"{file.resolve()} {folder.stat().st_ino}"
        stored = folder / hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()
        known = stored.read_text("utf-8").split() if stored.exists() else []
        write_atomically(stored, f"{before} {name}")  # both: the transaction may fail
    except OSError:  # the place cannot be known: the work is held
        known, name = [], before
    rename(database, name, known)


def rename(database: Database, name: str, known: Sequence[str]) -> None:
    """Give the catalogue a name; hold its work if it had a name that is not one of *known*.

    A catalogue of an earlier version has no name.  Called in a transaction.
    """
    settings = StoredSettings(database)
    if settings.get(PLACE) not in (None, *known):
        _hold(database)
    if name:
        settings.put(PLACE, name)


def _hold(database: Database) -> None:
    for table, condition in _COSTS.items():
        state = ", state='planned'" if table == "downloads" else ""
        database.execute(
            f"UPDATE {table} SET owner='{HELD}', lease_until=?{state} WHERE {condition}", (_FOR_EVER,)
        )


def release(database: Database, scope: Scope) -> None:
    """Resume the work on hold of an account and region; of downloads, only this user's."""
    with database.transaction():
        for table in _COSTS:
            whose = "COALESCE(home, '')" if table == "downloads" else "''"
            home = database.home if table == "downloads" else ""  # others' downloads go to their own folders
            database.execute(
                f"UPDATE {table} SET owner=NULL, lease_until=NULL "
                f"WHERE account=? AND region=? AND owner='{HELD}' AND {whose}=?",
                (scope.account, scope.region, home),
            )


def refusal(what: str) -> Refused:
    """Return the error for work that is on hold."""
    return Refused(
        f"{what} is on hold: since it was confirmed, the catalogue was restored, copied or moved", cure=how()
    )
