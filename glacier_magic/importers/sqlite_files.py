"""SQLite files of other programs: opened to read alone, and trusted with nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAGIC = b"SQLite format 3\x00"


def is_one(head: bytes) -> bool:
    """Tell by its first bytes whether a file is of SQLite."""
    return head.startswith(MAGIC)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file to read, without a lock or a journal left beside it."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
    try:
        connection.text_factory = _text
        connection.execute("PRAGMA trusted_schema=OFF")
        yield connection
    finally:
        connection.close()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def tables(path: Path) -> dict[str, frozenset[str]]:
    """Return the tables with their columns, in lower case; views do not count.

    A file that is damaged has none.
    """
    try:
        with opened(path) as connection:
            names = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            return {
                name.lower(): frozenset(
                    column[1].lower() for column in connection.execute(f"PRAGMA table_info({quoted(name)})")
                )
                for name in names
            }
    except sqlite3.Error:
        return {}


def quoted(name: str) -> str:
    """Return a name of the file's own as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def rows(path: Path, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query; raises :class:`sqlite3.Error` where the file is damaged."""
    with opened(path) as connection:
        yield from connection.execute(query)
