"""Which packs are worth to be stored anew: most of their bytes serve no snapshot any more."""

from __future__ import annotations

from collections.abc import Iterable

from ..catalogue import Catalogue
from ..catalogue.records.backup_rows import BackupSet
from ..packs.frames import stream_size
from ..packs.members import tar_size
from .changes import changes
from .looking import scan_of


def half_dead(catalogue: Catalogue, found: BackupSet, kept: Iterable[int]) -> frozenset[int]:
    """Return the packs that are more than half dead, and of which all else is on the disk.

    A pack with a content that only older snapshots have stays: to retrieve it costs more than to keep it.

    :param kept: the numbers of the snapshots that are kept.
    """
    kept, backups = list(kept), catalogue.backups
    needed = backups.needed_contents(found.id, kept)
    dead = {
        pack.id
        for pack in backups.packs(found.id)
        if pack.id in needed and pack.archive_id and pack.frames
        if 2 * sum(map(tar_size, needed[pack.id].values())) < stream_size(pack.frames)
    }
    if not dead:
        return frozenset()
    before = backups.entries(found.id, max(kept))
    there = {
        change.before.content_id
        for change in changes(scan_of(found, catalogue), before)
        if change.before is not None and change.state in ("same", "touched", "metadata")
    }
    return frozenset(pack for pack in dead if needed[pack].keys() <= there)
