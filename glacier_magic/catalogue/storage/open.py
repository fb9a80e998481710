"""Opening the database of a catalogue: a file, or a PostgreSQL server by its URL."""

from __future__ import annotations

from pathlib import Path

from ...base.paths import is_url
from ...errors import InputError
from .database import Database


def open_database(place: Path | str) -> Database:
    """Open the database of a catalogue; create it or bring it to the current version if needed.

    :raises InputError: the URL is malformed, or its driver is not installed.
    :raises CatalogueError: it cannot be opened, or is from a newer version.
    :raises Unavailable: its server cannot be reached.
    """
    if isinstance(place, str) and is_url(place):
        try:
            import psycopg  # noqa: F401, PLC0415 - tests for it
        except ImportError:
            raise InputError(
                "A catalogue on PostgreSQL needs the driver psycopg",
                cure="Install it: pip install 'glacier_magic[postgres]'",
            ) from None
        from .postgres import PostgresDatabase  # noqa: PLC0415 - costs time: imported when used

        return PostgresDatabase(place)
    from .sqlite import SqliteDatabase  # noqa: PLC0415 - costs time: imported when used

    return SqliteDatabase(Path(place))
