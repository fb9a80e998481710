"""The catalogue as a file: copied while others write, looked at without touching it, put back.

Only SQLite keeps a catalogue in one file; a server's database has tools of its own for this.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...base.files import rename_new
from ...errors import CatalogueError, InputError, LocalError
from ...scrubbing import scrub
from .holding import PLACE, RESTORED
from .schema import APPLICATION_ID, upgrade

ASIDE = ("-wal", "-shm")
"""What SQLite keeps beside a file that is in use."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A catalogue file that is whole: its vaults, archives and bytes."""

    path: Path
    vaults: int
    archives: int
    bytes: int


@contextmanager
def making(target: Path) -> Iterator[Path]:
    """Give a file beside *target* to write, which gets its name at the end of the block.

    :raises InputError: there is something of that name already, which is never replaced.
    :raises LocalError: it cannot be written.
    """
    if target.exists() or target.is_symlink():
        raise _taken(target)
    part = target.with_name(f".{target.name[:200]}.{uuid.uuid4().hex[:8]}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield part
        _flush(part)
        rename_new(part, target)
        _flush(target.parent)
    except FileExistsError:
        raise _taken(target) from None
    except LocalError:
        raise
    except OSError as error:
        raise LocalError(
            f"{target} cannot be written: {error.strerror or error}",
            cure="Name a file in a folder that can be written and has room.",
        ) from None
    finally:
        for end in ("", "-journal", *ASIDE):
            with suppress(OSError):
                Path(f"{part}{end}").unlink()


def _taken(target: Path) -> InputError:
    return InputError(f"{target} is there already", cure="Name a file that is not.")


def _flush(path: Path) -> None:
    """Have the disk write it down; folders cannot be asked to everywhere."""
    with suppress(PermissionError, IsADirectoryError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def backup(source: Path, target: Path) -> Examined:
    """Copy a catalogue as it is at one moment, while others read and write it.

    :param target: a new file, complete in itself.
    :raises InputError: there is a file of that name.
    :raises CatalogueError: the catalogue is damaged; there is no copy then.
    """
    with making(target) as part:
        _copy(source, part, _using)
        made = examine(part)
    return Examined(**{**vars(made), "path": target})


def _copy(source: Path, target: Path, opening: Callable[[Path], sqlite3.Connection]) -> None:
    try:
        with closing(opening(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)  # in one step, which nobody's writing sends back to the beginning
            new.execute("PRAGMA journal_mode=DELETE")  # a file that needs none beside it
            new.execute("INSERT OR REPLACE INTO settings VALUES(?, ?)", (PLACE, RESTORED))
            new.commit()
    except sqlite3.DatabaseError as error:
        raise _unusable(source, error) from None


def _using(path: Path) -> sqlite3.Connection:
    """Open a catalogue that others write, to read it."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.execute("PRAGMA query_only=1")
    return connection


def _reading(path: Path) -> sqlite3.Connection:
    """Open a file to read alone, with nothing left beside it, also where nothing can be written."""
    place = path.absolute().as_uri()
    ways = ("mode=ro", "mode=ro&immutable=1")
    for how in ways if Path(f"{path}-wal").exists() else reversed(ways):
        connection = sqlite3.connect(f"{place}?{how}", uri=True, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA trusted_schema=OFF")
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
    """Look whether a file is a whole catalogue, without changing it.

    :raises InputError: there is no such file, or it is not a catalogue.
    :raises CatalogueError: it is damaged, or from a newer version.
    """
    if not path.is_file():  # nor is it opened but by SQLite: closing it would end SQLite's locks
        raise InputError(f"There is no file {path}", cure="")
    try:
        with closing(_reading(path)) as connection:
            return _examined(path, connection)
    except sqlite3.OperationalError as error:
        raise LocalError(f"{path} cannot be read: {error}", cure="Repeat in a moment.") from None
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
    upgrade(one("PRAGMA user_version"), path)  # raises what is wrong with the version
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
    """Return what SQLite itself finds wrong in a file, nothing if it is whole."""
    try:
        rows = connection.execute(f"PRAGMA integrity_check({most:d})").fetchall()
    except sqlite3.DatabaseError as error:
        return [scrub(error)]
    return [str(row[0]) for row in rows if row[0] != "ok"]


def inspect(path: Path) -> list[str]:
    """Return what SQLite finds wrong in the file at *path*, which may be in use."""
    try:
        with closing(_using(path)) as connection:
            return faults(connection)
    except sqlite3.DatabaseError as error:
        return [scrub(error)]


def _unusable(path: Path, why: object) -> CatalogueError:
    return CatalogueError(f"{path} is damaged: {why}", cure="Use another backup.")


# Putting back


def restore(source: Path, target: Path, now: datetime) -> Path | None:
    """Put a backup in the place of the catalogue *target*; return where that is kept now.

    The backup stays as it is.  At any moment there is a whole file of the catalogue's name.

    :param now: names the file that is kept.
    :returns: None where there was none.
    :raises CatalogueError: the backup is damaged, or from a newer version.
    :raises LocalError: another process uses the catalogue.
    """
    examine(source)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, part, _reading)
        _flush(part)
        kept = _set_aside(target, now) if target.exists() else None
        part.replace(target)
        _flush(target.parent)
    except LocalError:
        raise
    except OSError as error:
        raise LocalError(
            f"{target} cannot be written: {error.strerror or error}",
            cure="Free some space or check the folder's permissions, and repeat.",
        ) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return kept


def _set_aside(target: Path, now: datetime) -> Path:
    """Give the catalogue a second name; what is beside it gets that, too."""
    try:
        examine(target)
    except (CatalogueError, InputError):
        pass  # a damaged one is kept as it is, with what is beside it
    else:
        _settle(target)
    kept = free_name(target, f"replaced-{now:%Y%m%d-%H%M%S}")
    try:
        os.link(target, kept)
    except OSError:  # no hard links here: for a moment there is no catalogue
        target.rename(kept)
    for end in ASIDE:  # of a damaged one; SQLite would take it for the new one's
        with suppress(FileNotFoundError):
            Path(f"{target}{end}").rename(f"{kept}{end}")
    return kept


def free_name(path: Path, mark: str) -> Path:
    """Return a name beside *path* that nothing has."""
    names = [f"{path.stem}-{mark}{path.suffix}"]
    names += [f"{path.stem}-{mark}-{n}{path.suffix}" for n in range(2, 100)]
    free = (path.with_name(name) for name in names if not path.with_name(name).exists())
    found = next(free, None)
    if found is None:
        raise LocalError(f"There are too many files like {names[0]}", cure="Delete some of them.")
    return found


def _settle(path: Path) -> None:
    """Bring all that was written into the one file; refuse while others have it open."""
    with closing(sqlite3.connect(path, timeout=2, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise LocalError(
                f"Another process uses the catalogue {path}: {error}",
                cure="Close other notebooks and shells that use it, and repeat.",
            ) from None
