"""Which packs are worth repacking: those of which the kept snapshots need less than half."""

from __future__ import annotations

from collections.abc import Iterable

from ..catalogue import Catalogue
from ..catalogue.records.backup_rows import BackupSet
from ..packs.pack_members import tar_size
from ..packs.zstd_frames import stream_size
from .changes import changes
from .set_scan import scan_of


def mostly_unused(catalogue: Catalogue, found: BackupSet, kept: Iterable[int]) -> frozenset[int]:
    """Return the packs of which the kept snapshots need less than half, all of it unchanged on the disk.

    A pack with a needed content that is not on the disk stays: to retrieve it costs more than to keep it.

    :param kept: the numbers of the snapshots that are kept.
    """
    kept, backups = list(kept), catalogue.backups
    needed = backups.needed_contents(found.id, kept)
    unused = {
        pack.id
        for pack in backups.packs(found.id)
        if pack.id in needed and pack.archive_id and pack.frames
        if 2 * sum(map(tar_size, needed[pack.id].values())) < stream_size(pack.frames)
    }
    if not unused:
        return frozenset()
    before = backups.entries(found.id, max(kept))
    there = {
        change.before.content_id
        for change in changes(scan_of(found, catalogue), before)
        if change.before is not None and change.state in ("same", "touched", "metadata")
    }
    return frozenset(pack for pack in unused if needed[pack].keys() <= there)
