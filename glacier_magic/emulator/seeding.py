"""Vaults filled with generated archives, to try inventories and tables at scale.

The names look like people's files, and the descriptions follow the conventions of the clients of
the last fourteen years.  The content is generated, so it takes no disk space.
"""

from __future__ import annotations

import base64
import json
import random
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from glacier_magic.emulator import generated, ids, service_limits
from glacier_magic.emulator.data_store import Store
from glacier_magic.emulator.records import vault_rows
from glacier_magic.emulator.virtual_clock import VirtualClock

_BATCH = 20_000  # archives per transaction
_SPAN = 8 * 365 * service_limits.DAY  # from the oldest archive to the newest
_LARGEST = 40 << 30  # of random sizes

_FOLDERS = (
    "Photos/{year}/{month:02d} {place}",
    "Photos/{year}/{year}-{month:02d}-{day:02d}",
    "Videos/{year}",
    "scans/{place}/{year}",
    "Documents/Taxes/{year}",
    "backup/{host}/{year}{month:02d}{day:02d}",
    "Projects/{place} {year}/final",
    "Müsik/Übung/{year}",
    "C:\\Users\\{person}\\Pictures\\{year}",
)
_FILES = (
    "IMG_{number:04d}.JPG",
    "DSC{number:05d}.NEF",
    "MVI_{number:04d}.MOV",
    "scan {number:03d}.tif",
    "invoice-{number:05d}.pdf",
    "{host}-full.{number:04d}.tar.gz",
    "mailbox {number}.mbox",
    "señal {number:03d}.wav",
)
_PLACES = ("Iceland", "Kyoto", "grandmother's house", "Norway", "São Paulo", "attic", "lake")
_HOSTS = ("nas01", "mail", "web-2", "laptop", "db")
_PEOPLE = ("anna", "jörg", "maria")


class _File(NamedTuple):
    path: str
    modified: str
    number: int
    size: int


def _plain(file: _File, _: random.Random) -> str:
    return file.path


def _mt2(file: _File, _: random.Random) -> str:
    members = {"filename": file.path, "mtime": file.modified}
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return "mt2 " + base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _fast_glacier_4(file: _File, chance: random.Random) -> str:
    path = base64.b64encode(file.path.encode()).decode()
    digest = f"{chance.getrandbits(128):032x}"
    checked = f"<ce>0:0:{digest}:{file.size}</ce>" if file.number % 3 else ""
    return f"<m><v>4</v><p>{path}</p><lm>{file.modified}</lm>{checked}</m>"


def _fast_glacier_2(file: _File, _: random.Random) -> str:
    path = base64.b64encode(file.path.encode()).decode()
    return f"<m><v>2</v><p>{path}</p><lm>{file.modified}</lm></m>"


def _fast_glacier_1(file: _File, _: random.Random) -> str:
    path = base64.b64encode(file.path.encode()).decode()
    return f"<ArchiveMetadata><Path>{path}</Path></ArchiveMetadata>"


def _cloud_berry(file: _File, _: random.Random) -> str:
    path = file.path.encode("utf-7").decode("ascii")
    return json.dumps({"Path": path, "UTCDateModified": file.modified}, separators=(",", ":"))


def _qnap(file: _File, _: random.Random) -> str:
    return json.dumps({"path": "/" + file.path.replace("\\", "/"), "type": "file"})


def _bakthat(file: _File, _: random.Random) -> str:
    name = file.path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    stamp = file.modified.replace("T", "").replace("Z", "")
    return f"{name}.{stamp}.tgz" + (".enc" if file.number % 2 else "")


def _git_annex(file: _File, chance: random.Random) -> str:
    return f"SHA256E-s{file.size}--{chance.getrandbits(256):064x}.jpg"


def _sagu(file: _File, _: random.Random) -> str:
    return "".join(c for c in file.path if c.isascii() and (c.isalnum() or c in "_.-"))


def _none(_: _File, __: random.Random) -> str:
    return ""


Convention = Callable[[_File, random.Random], str]
_MIX: tuple[tuple[Convention, int], ...] = (
    (_fast_glacier_4, 25),
    (_mt2, 20),
    (_plain, 20),
    (_cloud_berry, 12),
    (_fast_glacier_2, 8),
    (_git_annex, 4),
    (_qnap, 3),
    (_bakthat, 3),
    (_fast_glacier_1, 2),
    (_sagu, 2),
    (_none, 1),
)


def _path(chance: random.Random, modified: time.struct_time, number: int) -> str:
    words = {
        "year": modified.tm_year,
        "month": modified.tm_mon,
        "day": modified.tm_mday,
        "number": number,
        "place": chance.choice(_PLACES),
        "host": chance.choice(_HOSTS),
        "person": chance.choice(_PEOPLE),
    }
    folder, name = chance.choice(_FOLDERS).format(**words), chance.choice(_FILES).format(**words)
    return f"{folder}\\{name}" if "\\" in folder else f"{folder}/{name}"


def _described(text: str) -> str:
    """Return *text* as a client could send it: in ASCII, without accents."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


Row = tuple[int, str, str, int, str, int, str]


def _rows(vault: int, count: int, newest: int, chance: random.Random, size: int | None) -> Iterator[Row]:
    """Yield the rows of *count* archives, oldest first, all older than *newest*."""
    conventions = chance.choices([write for write, _ in _MIX], [weight for _, weight in _MIX], k=count)
    recipes = [generated.Recipe(phase) for phase in range(16)]
    step = max(_SPAN // count, 1)
    for number, archive_id in enumerate(ids.archive_ids(count)):
        # in the same order as the rows
        created = newest - (count - number) * step + chance.randrange(step)
        modified = time.gmtime(created // 1000 - chance.randrange(1, 60 * 86400))
        stamp = time.strftime("%Y%m%dT%H%M%SZ", modified)
        # A median of 2 MB with a long tail, like people's files.
        length = size or min(max(int(chance.lognormvariate(14.5, 1.8)), 1), _LARGEST)
        file = _File(_path(chance, modified, number), stamp, number, length)
        recipe = recipes[number % 16]
        text = _described(conventions[number](file, chance))
        digest = recipe.tree_hash(length)
        yield vault, archive_id, text, length, digest, created, recipe.payload


class Seeder:
    """Fills vaults with generated archives."""

    def __init__(self, store: Store, clock: VirtualClock, account: str) -> None:
        self._store = store
        self._clock = clock
        self._account = account

    def seed(
        self, vault: str, count: int, *, region: str, seed: int = 0, size: int | None = None
    ) -> list[str]:
        """Add *count* archives to a vault, creating it if necessary; return the first thousand ids.

        They are older than the last inventory time, and the vault's inventory lists them at once.
        """
        if count < 1 or (size is not None and not 1 <= size <= _LARGEST * 1_024):
            raise ValueError("Seeding takes at least one archive, of 1 byte to 40 TiB.")
        newest = vault_rows.next_inventory(self._clock.now()) - service_limits.DAY  # the last inventory time
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        key = self._prepare(vault, region, newest - _SPAN)
        rows = _rows(key, count, newest, chance, size)
        first: list[str] = []
        while batch := list(islice(rows, _BATCH)):
            first += [row[1] for row in batch[: max(0, 1000 - len(first))]]
            with self._store.write() as connection:
                _insert(connection, key, batch, newest, self._clock.now())
        return first

    def _prepare(self, vault: str, region: str, created: int) -> int:
        if not vault_rows.is_name(vault):
            raise ValueError(f"Invalid vault name: {vault}")
        with self._store.write() as connection:
            vault_rows.create(connection, self._account, region, vault, created)
            key = vault_rows.get(connection, self._account, region, vault).id
            # No archive is older than its vault.
            connection.execute("UPDATE vaults SET created = min(created, ?) WHERE id = ?", (created, key))
            return key


def _insert(connection: sqlite3.Connection, key: int, batch: list[Row], newest: int, now: int) -> None:
    connection.executemany(
        "INSERT INTO archives (vault, archive_id, description, size, tree_hash, created, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        batch,
    )
    size = sum(row[3] for row in batch) + len(batch) * service_limits.OVERHEAD
    inventory = vault_rows.by_key(connection, key).inventory(now)
    connection.execute(
        # A change before the new inventory is part of it; a later one waits for the next.
        "UPDATE vaults SET live_count = live_count + ?, live_size = live_size + ?,"
        " inventory_date = ?, inventory_count = ?, inventory_size = ?,"
        " changed = CASE WHEN changed >= ? THEN changed END WHERE id = ?",
        (len(batch), size, newest, inventory.archives + len(batch), inventory.size + size, newest, key),
    )
