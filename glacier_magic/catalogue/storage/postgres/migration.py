"""The tables on a server, brought to the current version by whoever opens them first."""

from __future__ import annotations

from typing import Any

import psycopg

from ....errors import CatalogueError
from .. import schema
from . import sql

OLDEST_SERVER = 130_000


def bring_up(connection: psycopg.Connection[Any], place: str, lock: int) -> None:
    """Make or change the tables in one transaction, unless that was done.

    :raises CatalogueError: the server or the database will not do, or is from a newer version.
    """
    _check_server(connection, place)
    if _version(connection, place) == schema.mark():
        return
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({lock})")
        version = _version(connection, place)  # another process may have been quicker
        if not version:
            connection.execute("CREATE TABLE glacier_magic(version BIGINT NOT NULL)")
            connection.execute("INSERT INTO glacier_magic(version) VALUES(0)")
        for statement in schema.upgrade(version, place):
            connection.execute(sql.definition(statement))
        connection.execute("UPDATE glacier_magic SET version=%s", (schema.mark(),))


def _check_server(connection: psycopg.Connection[Any], place: str) -> None:
    (row,) = connection.execute(
        "SELECT current_schema() AS schema, current_setting('server_encoding') AS encoding"
    ).fetchall()
    if connection.info.server_version < OLDEST_SERVER:
        raise CatalogueError(
            f"The server of the catalogue {place} is too old", cure="It takes PostgreSQL 13 or later."
        )
    if row["encoding"] != "UTF8":
        raise CatalogueError(
            f"The catalogue {place} cannot hold every name: its encoding is {row['encoding']}",
            cure="Make a database for it: createdb --encoding UTF8 --template template0 NAME",
        )
    if row["schema"] is None:
        raise CatalogueError(
            f"The catalogue {place} has no schema of its search path",
            cure="Make it (CREATE SCHEMA), or name another one in the URL.",
        )


def _version(connection: psycopg.Connection[Any], place: str) -> int:
    """Return the number of the version that the database keeps; refuse tables that are not ours."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname=current_schema()").fetchall()
    tables = {row["tablename"] for row in names}
    if "glacier_magic" not in tables:
        taken = tables & {"settings", "archives", "uploads", "jobs", "downloads", "inventories"}
        if taken:
            raise CatalogueError(
                f"The catalogue {place} has tables of another program: {', '.join(sorted(taken))}",
                cure="Name another database, or a schema of its own: "
                "postgresql://user@host/database?options=-csearch_path%3DNAME",
            )
        return 0
    row = connection.execute("SELECT version FROM glacier_magic").fetchone()
    return int(row["version"]) if row else 0
