"""Backups of a catalogue file: creating, examining and restoring them.

Only an SQLite catalogue is a file; the database of a server has its own tools for this.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ...base.files import rename_new
from ...errors import CatalogueError, InputError, LocalError
from ...errors.scrubbing import scrub
from .holding import PLACE, RESTORED
from .schema import APPLICATION_ID, check

ASIDE = ("-wal", "-shm")
"""Name endings of the files that SQLite keeps next to a file in use."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """The numbers of vaults, archives and bytes of an undamaged catalogue file."""

    path: Path
    vaults: int
    archives: int
    bytes: int


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Give the block a temporary file to write, and rename it to *target* at the end.

    :raises InputError: *target* exists; it is never replaced.
    :raises LocalError: it cannot be written.
    """
    taken = InputError(f"{target} already exists", cure="Name a file that does not.")
    if target.exists() or target.is_symlink():
        raise taken
    try:
        with _temporary(target, "Name a file in a folder that can be written and has room.") as part:
            yield part
            _flush(part)
            rename_new(part, target)
            _flush(target.parent)
    except FileExistsError:  # another process was quicker
        raise taken from None


@contextmanager
def _temporary(target: Path, cure: str) -> Iterator[Path]:
    """Give the block an empty file next to *target*; delete it at the end if it still exists."""
    # Names have 255 bytes at most.
    part = target.with_name(f".{target.name[:200]}.{uuid.uuid4().hex[:8]}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield part
    except (LocalError, FileExistsError):
        raise
    except OSError as error:
        raise LocalError(f"{target} cannot be written: {error.strerror or error}", cure=cure) from None
    finally:
        for end in ("", "-journal", *ASIDE):
            with suppress(OSError):
                Path(f"{part}{end}").unlink()


def _flush(path: Path) -> None:
    """Flush a file or folder to the disk."""
    with suppress(PermissionError, IsADirectoryError):  # some systems cannot flush a folder
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def backup(source: Path, target: Path) -> Examined:
    """Copy a catalogue as of one time, while other processes read and write it.

    :param target: a new file, complete without others.
    :raises InputError: *target* exists.
    :raises CatalogueError: the catalogue is damaged; no copy is made.
    """
    with new_file(target) as part:
        _copy(source, part, _open_in_use)
        made = examine(part)  # a backup that cannot be restored is worth nothing
    return replace(made, path=target)


def _copy(source: Path, target: Path, opening: Callable[[Path], sqlite3.Connection]) -> None:
    try:
        with closing(opening(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)  # in one step: each write of another process would restart smaller ones
            new.execute("PRAGMA journal_mode=DELETE")  # the copy is one file
            new.execute("INSERT OR REPLACE INTO settings VALUES(?, ?)", (PLACE, RESTORED))
            new.commit()
    except sqlite3.DatabaseError as error:
        raise _unusable(source, error) from None


def _open_in_use(path: Path) -> sqlite3.Connection:
    """Open a catalogue for reading that other processes write."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.execute("PRAGMA query_only=1")
    return connection


def _open_read_only(path: Path) -> sqlite3.Connection:
    """Open a file read-only, even in a read-only folder, without creating files next to it."""
    place = path.absolute().as_uri()
    # With immutable, SQLite ignores a write-ahead log; otherwise it may have to create files.
    ways = ("mode=ro", "mode=ro&immutable=1")
    for how in ways if Path(f"{path}-wal").exists() else reversed(ways):
        connection = sqlite3.connect(f"{place}?{how}", uri=True, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA trusted_schema=OFF")  # the file may come from anybody
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            connection.close()
        except sqlite3.DatabaseError:
            connection.close()
            raise
        else:
            return connection
    raise sqlite3.OperationalError("unable to open database file")


def examine(path: Path) -> Examined:
    """Check that a file is an undamaged catalogue, without changing it.

    :raises InputError: it does not exist, or is not a catalogue.
    :raises CatalogueError: it is damaged, or from a newer version.
    """
    if not path.is_file():  # not by opening it: POSIX locks of this process end when any handle is closed
        raise InputError(f"There is no file {path}", cure="")
    try:
        with closing(_open_read_only(path)) as connection:
            return _examined(path, connection)
    except sqlite3.OperationalError as error:
        raise LocalError(f"{path} cannot be read: {error}", cure="Try again shortly.") from None
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            raise InputError(
                f"{path} is not a catalogue of glacier_magic, or its beginning is damaged", cure=""
            ) from None
        raise _unusable(path, error) from None


def _examined(path: Path, connection: sqlite3.Connection) -> Examined:
    def one(sql: str) -> int:
        return int(connection.execute(sql).fetchone()[0])

    if one("PRAGMA application_id") != APPLICATION_ID:
        raise InputError(f"{path} is not a catalogue of glacier_magic", cure="")
    check(one("PRAGMA user_version"), path)
    damage = faults(connection, 1)
    if damage:
        raise _unusable(path, damage[0])
    return Examined(
        path=path,
        bytes=path.stat().st_size,
        archives=one("SELECT count(*) FROM archive_rows"),
        vaults=one("SELECT count(*) FROM vaults"),
    )


def faults(connection: sqlite3.Connection, most: int = 20) -> list[str]:
    """Return the damage that SQLite finds in a file."""
    try:
        rows = connection.execute(f"PRAGMA integrity_check({most:d})").fetchall()
    except sqlite3.DatabaseError as error:
        return [scrub(error)]
    return [str(row[0]) for row in rows if row[0] != "ok"]


def inspect(path: Path) -> list[str]:
    """Return the damage that SQLite finds in a file that may be in use."""
    try:
        with closing(_open_in_use(path)) as connection:
            return faults(connection)
    except sqlite3.DatabaseError as error:
        return [scrub(error)]


def _unusable(path: Path, why: object) -> CatalogueError:
    return CatalogueError(f"{path} is damaged: {why}", cure="Use another backup.")


def restore(source: Path, target: Path, now: datetime) -> Path | None:
    """Replace the catalogue *target* with a backup; return the new path of the replaced file.

    The backup does not change.  *target* is a complete file at any time.

    :param now: part of the name of the replaced file.
    :returns: None if *target* did not exist.
    :raises CatalogueError: the backup is damaged, or from a newer version.
    :raises LocalError: another process uses the catalogue.
    """
    examine(source)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _temporary(target, "Free some space or check the folder's permissions, and repeat.") as part:
        _copy(source, part, _open_read_only)  # not a copy of the bytes: the backup may have a log next to it
        _flush(part)
        replaced = _set_aside(target, now) if target.exists() else None
        part.replace(target)
        _flush(target.parent)
    return replaced


def _set_aside(target: Path, now: datetime) -> Path:
    """Rename the catalogue and the files next to it; return the new path."""
    try:
        examine(target)
    except (CatalogueError, InputError):
        pass  # a damaged file is not changed, nor are the files next to it
    else:
        _settle(target)
    kept = _free_name(target, f"replaced-{now:%Y%m%d-%H%M%S}")
    try:
        os.link(target, kept)
    except OSError:  # no hard links: the catalogue is missing until the backup is renamed
        rename_new(target, kept)
    for end in ASIDE:  # SQLite would apply a damaged file's log to the new one
        with suppress(FileNotFoundError):
            Path(f"{target}{end}").rename(f"{kept}{end}")
    return kept


def _free_name(path: Path, mark: str) -> Path:
    """Return an unused path next to *path*."""
    names = [f"{path.stem}-{mark}{path.suffix}"]
    names += [f"{path.stem}-{mark}-{n}{path.suffix}" for n in range(2, 100)]
    free = (path.with_name(name) for name in names if not path.with_name(name).exists())
    found = next(free, None)
    if found is None:
        raise LocalError(f"There are too many files like {names[0]}", cure="Delete some of them.")
    return found


def _settle(path: Path) -> None:
    """Write the write-ahead log into the file.

    :raises LocalError: another process has the file open.
    """
    with closing(sqlite3.connect(path, timeout=2, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("BEGIN EXCLUSIVE")  # fails while any other process has the file open
        except sqlite3.OperationalError as error:
            raise LocalError(
                f"Another process uses the catalogue {path}: {error}",
                cure="Close other notebooks and shells that use it, and repeat.",
            ) from None
