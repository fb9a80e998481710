"""Work that waits for the user where a catalogue comes from a backup, or was copied or moved.

A row on hold has a lease that does not end by itself, so whatever claims rows leaves it alone.
Rows that are written later are not on hold.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from ...base.paths import data_folder
from ...errors import Refused
from ...steps import step
from .database import Database, Scope, StoredSettings

HELD = "held"
"""The owner of the rows on hold."""

NOT_HELD = f"COALESCE(owner, '')<>'{HELD}'"
"""The condition that a row is not on hold."""


def how() -> str:
    """Return how to continue what is on hold, or to give it up."""
    return f"{step('catalogue', 'resume')} continues it, {step('catalogue', 'discard')} gives it up."


PLACE = "place"
"""The setting that names the last opening of the catalogue."""

RESTORED = "backup"
"""The name that a backup has: no place knows it."""

_FOR_EVER = 1e18
_COSTS = {
    "downloads": "state IN ('planned', 'asking') "
    "OR (state IN ('ready', 'downloading') AND job_id IS NULL AND due IS NOT NULL)",
    "deletions": "state='open' OR (state='done' AND failed>0)",
    "drops": "state IN ('listing', 'confirming', 'deleting', 'proving')",
}
"""What costs or destroys.  A download without a job is copied, but paid for if the copy is gone."""


def take_up(database: Database, file: Path) -> None:
    """Hold what costs or destroys, unless the last opening of the catalogue was this place's.

    Each opening gives the catalogue a new name, which the data folder keeps as well: a copy of the
    file that lies elsewhere, or is older, does not have the name that is kept here.  Called in a
    transaction.
    """
    name, before = uuid.uuid4().hex, StoredSettings(database).get(PLACE) or ""
    folder = data_folder() / "places"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The folder's own number tells a copy of it, on another computer, from the folder.
        place = f"{file.resolve()} {folder.stat().st_ino}"
        kept = folder / hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()
        known = kept.read_text("utf-8").split() if kept.exists() else []
        part = kept.with_suffix(f".{name}")
        part.write_text(f"{before} {name}", "utf-8")  # both: the transaction may fail
        part.replace(kept)
    except OSError:  # without a place nothing is known of it
        known, name = [], before
    named(database, name, known)


def named(database: Database, name: str, known: Sequence[str]) -> None:
    """Give the catalogue a name; hold what costs or destroys if it had one that is not *known*.

    A catalogue of an earlier version has none.  Called in a transaction.
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
    """Let what is on hold of an account and region go on; of downloads, this user's."""
    with database.transaction():
        for table in _COSTS:
            whose = "COALESCE(home, '')" if table == "downloads" else "''"
            home = database.home if table == "downloads" else ""
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
