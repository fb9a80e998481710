"""What the service has of a backup, read from the emulator's own store, and what a disk has."""

import os
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

from glacier_magic import descriptions
from glacier_magic.backup.recovery import Recovery
from glacier_magic.backup.run import BackupRun
from glacier_magic.backup.run_options import RunOptions
from glacier_magic.base.units import storable
from glacier_magic.packs import PackReader
from glacier_magic.packs.encryption import Identity, SealedFile
from glacier_magic.transfer.store import Storing

MIB = 1 << 20
DAY = 86_400_000
OLD = 1_600_000_000


def write(root, **contents):
    """Write files by their names, in which two underscores are a slash; all of one time long ago."""
    for name, content in contents.items():
        place(root / name.replace("__", "/"), content)
    return root


def place(file, content, mtime=OLD):
    """Write one file; a number is so many random bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(os.urandom(content) if isinstance(content, int) else content)
    os.utime(file, (mtime, mtime))
    return file


def on_disk(root, *, times=True):
    """Return all that is below a folder: kind, and content or target, and time and mode but of links."""
    found = {}
    for path in sorted(root.rglob("*")):
        facts = path.lstat()
        about = (stat.S_IMODE(facts.st_mode), facts.st_mtime_ns) if times else ()
        if path.is_symlink():
            what = ("link", storable(str(path.readlink())))
        elif path.is_dir():
            what = ("folder", *about)
        else:
            what = ("file", path.read_bytes(), *about)
        found[storable(path.relative_to(root).as_posix())] = what
    return found


@dataclass
class Service:
    """The archives of a vault as the emulator has them."""

    folder: Path
    region: str
    vault: str = "photos"

    def _rows(self, statement, *values):
        store = sqlite3.connect(self.folder / "store.sqlite")
        try:
            return store.execute(statement, values).fetchall()
        finally:
            store.close()

    def archives(self):
        """Return id and name of each archive that is not deleted."""
        rows = self._rows(
            "SELECT a.archive_id, a.description FROM archives a JOIN vaults v ON v.id=a.vault WHERE v.name=? "
            "AND v.region=? AND v.deleted IS NULL AND a.deleted IS NULL ORDER BY a.id",
            self.vault,
            self.region,
        )
        return {archive_id: descriptions.decode(about).name for archive_id, about in rows}

    def content(self, archive_id):
        """Return the bytes of an archive."""
        rows = self._rows(
            "SELECT p.file FROM archives a JOIN pieces p ON p.payload=a.payload WHERE a.archive_id=? "
            "ORDER BY p.start",
            archive_id,
        )
        return b"".join((self.folder / "archives" / file[:2] / file).read_bytes() for (file,) in rows)


@dataclass
class Backup:
    """One set, made by one session, and what became of it."""

    session: object
    service: Service
    root: Path
    key: Identity
    scratch: Path
    name: str = "home"

    @property
    def records(self):
        return self.session.catalogue.backups

    @property
    def set(self):
        """The set as it is recorded."""
        return self.records.sets(self.name)[0]

    @property
    def vault(self):
        return self.session.vault(self.service.vault)

    def plan(self, **options):
        """Return the plan of the next run."""
        how = {name: options.pop(name) for name in list(options) if name in RunOptions.__dataclass_fields__}
        readers = {} if "plain" in options else {"recipients": [self.key.recipient]}
        return self.vault.backup(self.name, self.root, options=RunOptions(**how), **(readers | options))

    def run(self, **options):
        """Back it up."""
        return self.plan(**options).run()

    def by_hand(self, now, **options):
        """Return the next run; its clock is asked after the first look at a new file, before its read."""
        self.plan(**options)
        found = self.records.define(
            self.service.vault, self.name, [str(self.root)], {}, [self.key.recipient], now=1
        )
        storing = Storing(self.session.engine, self.service.vault, once=True)
        return BackupRun(
            self.session.catalogue, found, storing, self.scratch / "spool", now, RunOptions(**options)
        )

    def snapshots(self):
        """Return the numbers of the snapshots."""
        return [one.ordinal for one in self.records.snapshots(self.set.id)]

    def packs(self):
        """Return the packs of files, oldest first."""
        return [pack for pack in self.records.packs(self.set.id) if pack.kind == "files"]

    def members(self, pack):
        """Return the paths of the files in the tar of a pack."""
        _, *found = self.reader(pack).index()
        return [member.path for member in found if member.kind == "file" and member.start]

    def reader(self, pack):
        """Return the reader of a pack as the service has it."""
        data = self.service.content(pack.archive_id)
        return PackReader(SealedFile(lambda a, b: data[a:b], len(data), [self.key]))

    def restore(self, ordinal=None, *patterns, folder=None):
        """Restore a snapshot from the ranges that a recovery asks for; return what is on the disk then."""
        made = self.records.snapshots(self.set.id)
        snapshot = made[-1] if ordinal is None else next(one for one in made if one.ordinal == ordinal)
        target = folder or self.scratch / f"back-{os.urandom(6).hex()}"
        recovery = Recovery(self.session.catalogue, self.set, snapshot, patterns, target, [self.key])
        parts = {}
        for number, ranges in recovery.ranges.items():
            data = self.service.content(recovery.packs[number].archive_id)
            for part in ranges:
                file = place(self.scratch / "parts" / f"{number}-{part}", data[part.first : part.last + 1])
                parts.setdefault(number, []).append((part, file))
        done = recovery.extract(parts)
        assert done.skipped == ()
        return on_disk(target)

    def whole(self):
        """Check what holds after every run that has ended: the vault and the catalogue tell the same."""
        records = self.records.packs(self.set.id)
        assert {pack.state for pack in records} <= {"stored"}
        known = {pack.archive_id: pack.name for pack in records}
        assert known == self.service.archives()
        assert len(set(known.values())) == len(records)
