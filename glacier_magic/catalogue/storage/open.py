"""Where a catalogue is: a file, or a database of a PostgreSQL server by its URL."""

from __future__ import annotations

from pathlib import Path

from ...base.paths import is_url
from ...errors import InputError
from .database import Database


def opened(place: Path | str) -> Database:
    """Return the database of a catalogue, made and brought to the current version where needed.

    :raises InputError: the URL cannot be understood, or its driver is not installed.
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
