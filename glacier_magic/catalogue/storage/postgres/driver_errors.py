"""Errors of PostgreSQL and its driver, translated into :class:`GlacierError` with a cure."""

from __future__ import annotations

import re

import psycopg

from ....errors import CatalogueError, GlacierError, InputError, LocalError, Unavailable

NOTHING_LOST = "Nothing is lost: repeat when the server is available again."

_GRANT = (
    "Its owner can allow it: GRANT ALL ON SCHEMA public TO the user, and for existing tables "
    "also GRANT ALL ON ALL TABLES IN SCHEMA public TO the user."
)
_STATES: dict[str, tuple[type[GlacierError], str]] = {
    "42501": (CatalogueError, _GRANT),
    "25006": (CatalogueError, "This server is a read-only standby: name the primary server."),
    "53100": (CatalogueError, "Make room on the server's disk, and repeat."),
    "53300": (Unavailable, "Close other sessions, or allow more connections on the server."),
    "55P03": (LocalError, "Another process is writing: repeat it later."),
    "57014": (Unavailable, "Repeat it; the server's statement_timeout may be too short."),
    "42P01": (CatalogueError, "Tables are missing: restore them, or name another database."),
    "42703": (CatalogueError, "Columns are missing: restore them, or name another database."),
    "2201B": (InputError, "Write the pattern in a simpler way."),
    "54001": (InputError, "Ask for less at once."),
}
_REFUSED: tuple[tuple[str, type[GlacierError], str], ...] = (
    (
        "authentication failed|no password",
        CatalogueError,
        "Check user and password: in the URL, in PGPASSWORD, or best in ~/.pgpass.",
    ),
    (
        "database .* does not exist",
        CatalogueError,
        "Create it first: createdb --encoding UTF8 NAME. The tables are created automatically.",
    ),
    ("role .* does not exist", CatalogueError, "Name a user of the server: createuser NAME."),
    ("permission denied for database", CatalogueError, "Its owner can allow it: GRANT CONNECT ON DATABASE."),
    (
        "pg_hba.conf",
        CatalogueError,
        "The server does not allow the connection: its pg_hba.conf needs a line for it, or the URL "
        "needs ?sslmode=require.",
    ),
    ("too many", Unavailable, "Close other sessions, or allow more connections on the server."),
)
"""Messages of refused connections, whose error codes the driver does not report."""


def is_lost(error: psycopg.Error, connection: psycopg.Connection[object] | None) -> bool:
    """Return whether the connection is lost, so that a new one may succeed."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = error.sqlstate or ""
    gone = connection is not None and connection.closed
    # 08: connection; 57P: shutdown.
    return gone or state.startswith("08") or state in ("57P01", "57P02", "57P03", "57P05")


def starting(error: psycopg.Error) -> bool:
    """Return whether the server is starting up or shutting down."""
    text = str(error)
    return error.sqlstate == "57P03" or "starting up" in text or "shutting down" in text


def translated(error: psycopg.Error, place: str, secret: str | None) -> GlacierError | None:
    """Return the error for a statement that failed; None for a bug in this program."""
    kind, cure = _STATES.get(error.sqlstate or "", (None, ""))
    if kind is not None:
        return kind(f"The catalogue {place}: {message_of(error, secret)}", cure=cure)
    if isinstance(error, psycopg.OperationalError):
        return Unavailable(
            f"The catalogue {place} cannot be used: {message_of(error, secret)}", cure=NOTHING_LOST
        )
    return None


def refused(error: psycopg.Error, place: str, secret: str | None) -> GlacierError:
    """Return the error for a connection that could not be opened."""
    text = message_of(error, secret)
    for pattern, kind, cure in _REFUSED:
        if re.search(pattern, text):
            return kind(f"The catalogue {place} cannot be opened: {text}", cure=cure)
    return Unavailable(
        f"The server of the catalogue {place} cannot be reached: {text}",
        cure="Check that it runs and that the URL has the right host and port.",
    )


def message_of(error: psycopg.Error, secret: str | None) -> str:
    """Return the message of an error on one line, without the password."""
    text = error.diag.message_primary or str(error)
    lines = (line.strip() for line in text.splitlines())
    # libpq appends a question: Is the server running?
    text = "; ".join(dict.fromkeys(line for line in lines if line and not line.endswith("?")))
    return text.replace(secret, "***") if secret else text  # a message can repeat the URL
