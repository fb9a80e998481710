"""SQLite files of other programs: opened read-only, and untrusted."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAGIC = b"SQLite format 3\x00"


def is_one(head: bytes) -> bool:
    """Return whether a file with these first bytes is a SQLite file."""
    return head.startswith(MAGIC)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file read-only, so that no journal is created next to it."""
    # The other program may be writing: wait five seconds for the end of its transaction.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
    try:
        connection.text_factory = _text
        connection.execute("PRAGMA trusted_schema=OFF")  # views and triggers may call no functions
        yield connection
    finally:
        connection.close()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")  # names of files may have any bytes


def tables(path: Path) -> dict[str, frozenset[str]]:
    """Return the tables, without views, and their columns in lower case; none if it is damaged."""
    try:
        with opened(path) as connection:
            # No views: their queries could be anything.
            names = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            return {
                name.lower(): frozenset(
                    column[1].lower()
                    for column in connection.execute("SELECT * FROM pragma_table_info(?)", (name,))
                )
                for name in names
            }
    except sqlite3.Error:
        return {}


def rows(path: Path, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query; raise :class:`sqlite3.Error` if the file is damaged."""
    with opened(path) as connection:
        yield from connection.execute(query)
