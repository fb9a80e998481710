"""What the panel in JupyterLab shows: read from the catalogues, without a request to AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ...base.paths import last_connection_file
from ...base.units import human_bytes, local_time, masked
from ...catalogue import Catalogue
from ...client.connect import service_time
from ...client.session_settings import SessionSettings
from ...client.used_catalogues import UsedCatalogue, used_catalogues
from ...errors import CatalogueError, NotFound
from ...errors.scrubbing import scrub
from ...jobs import JobRow
from ...jobs.row_cache import RowCache
from ...jobs.watched import number_open, watching
from ...service import Connection

MOST = 200
"""The most jobs that are sent for one catalogue; ``counts`` counts all."""
SOON = timedelta(hours=2)
"""The panel warns of what is lost within this time."""

_ORDER = ("failed", "expired", "ready", "downloading", "in progress", "requested", "held", "scheduled")


@dataclass
class _Place:
    """An open catalogue, and the cache of its rows."""

    used: UsedCatalogue
    catalogue: Catalogue
    rows: RowCache


class PanelState:
    """Reads the catalogue of the last ``connect``, and those of others in which something is open.

    It is used by one thread.
    """

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self.message = ""
        """Why a catalogue could not be read; empty if all were."""

    def close(self) -> None:
        """Close the catalogues."""
        while self._places:
            self._places.popitem()[1].catalogue.close()

    def marks(self) -> object:
        """Return a value that changes when a catalogue is written, or another is in use."""
        markers = [place.catalogue.database.change_marker() for place in self._places.values()]
        return _last_text(), markers if None not in markers else object()

    def read(self) -> list[dict[str, Any]]:
        """Return the catalogues to show, that of the last ``connect`` first."""
        found = {used.key: used for used in used_catalogues()}
        for key in set(self._places) - set(found):
            self._places.pop(key).catalogue.close()
        last = current(list(found.values()))
        shown, self.message = [], ""
        for used in sorted(found.values(), key=lambda used: used is not last):
            try:
                place = self._open(used)
                if place is not None and (used is last or number_open(place.catalogue)):
                    shown.append(_described(place))
            except CatalogueError as error:  # the others are shown
                self.message = str(error)
                if used.key in self._places:
                    self._places.pop(used.key).catalogue.close()
        return shown

    def _open(self, used: UsedCatalogue) -> _Place | None:
        if used.key not in self._places and (catalogue := used.known.open()) is not None:
            self._places[used.key] = _Place(used, catalogue, RowCache(catalogue))
        return self._places.get(used.key)


def used_with(key: str) -> UsedCatalogue:
    """Return the catalogue that the panel shows with a key.

    :raises NotFound: it no longer exists.
    """
    for used in used_catalogues():
        if used.key == key:
            return used
    raise NotFound("This catalogue no longer exists", cure="Connect again in a notebook.")


def current(found: list[UsedCatalogue]) -> UsedCatalogue | None:
    """Return the catalogue of the last ``connect`` in any process, or None."""
    try:
        last = Connection.from_json(_last_text())
    except (ValueError, TypeError, AttributeError):  # missing, damaged, or of another version
        return None
    same = [used for used in found if _is_same(used.connection, last)]
    return max(same, key=lambda used: used.known.seen, default=None)


def _is_same(one: Connection, last: Connection) -> bool:
    if last.region is not None and one.region != last.region:
        return False
    # An emulator has another address after each start.
    return (one.emulator, one.profile, one.account) == (last.emulator, last.profile, last.account) and (
        one.emulator is not None or one.endpoint_url == last.endpoint_url
    )


def _last_text() -> str:
    try:
        return last_connection_file().read_text("utf-8")
    except (OSError, ValueError):
        return ""


def _described(place: _Place) -> dict[str, Any]:
    used, catalogue = place.used, place.catalogue
    time = service_time(used.connection)
    now = time or datetime.now(UTC)
    rows, recorded = place.rows.rows({}, now)
    watched = watching(catalogue, now)
    settings = SessionSettings(catalogue)
    return {
        "key": used.key,
        "label": _label(used),
        "vaults": [_vault(catalogue, name, now) for name in settings.vault_names],
        "vault": settings.vault_in_use or "",
        "jobs": [_job(row, time) for row in _chosen(rows)],
        "counts": dict(recorded.states),
        "watching": {
            "by": watched.by,
            "loses_at": _iso(watched.loses_at),
            "loses": watched.loses,
            "open": watched.open,
        },
    }


def _label(used: UsedCatalogue) -> str:
    connection, known = used.connection, used.known
    named = "emulator" if known.emulated else connection.profile or "default credentials"
    return f"{named}, {known.region}, {masked(known.account)}"


def _vault(catalogue: Catalogue, name: str, now: datetime) -> dict[str, Any]:
    total = next(iter(catalogue.archives.du(name, "", 0)), None)
    made = catalogue.archives.latest(name)
    return {
        "name": name,
        "archives": total.archives if total else 0,
        "size": human_bytes(total.bytes if total else 0),
        # In words: only this computer knows the date of an emulator.
        "inventory": local_time(datetime.fromisoformat(made), now) if made else "",
    }


def _chosen(rows: tuple[JobRow, ...]) -> list[JobRow]:
    """Return the rows to send: failed and ready jobs first, then those in progress, then those that ended."""
    order = {state: place for place, state in enumerate(_ORDER)}
    return sorted(rows, key=lambda row: order.get(row.state, len(order)))[:MOST]


def _job(row: JobRow, now: datetime | None) -> dict[str, Any]:
    # Also of a job that nobody follows, whose end is expected only.
    losing = now is not None and row.lost_at is not None and row.lost_at - now < SOON
    return {
        "key": row.key,
        "name": row.name,
        "state": row.state,
        "size": "" if row.size is None else human_bytes(row.size),
        "fraction": round(row.done / row.size, 2) if row.size else 0.0,
        "expected": _iso(row.due or row.expected),
        "ready_until": _iso(row.ready_until or row.lost_at),
        "losing": losing,
        "error": scrub(row.error),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
