"""The scan of a set's folders, and the contents whose archives are lost."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..base.paths import as_utf8
from ..base.units import storable
from ..catalogue import Catalogue
from ..catalogue.archives.states import DELETED
from ..catalogue.records.backup_rows import BackupSet
from ..errors import LocalError
from .rules import Rules
from .scan import Scan


def spools(catalogue: Catalogue) -> Path:
    """Return the folder with the spools of all sets, which no backup takes."""
    return catalogue.folder / "spool"


def scan_of(found: BackupSet, catalogue: Catalogue) -> Scan:
    """Return a scan of the folders of a set.

    :raises LocalError: a folder is empty that the last snapshot has files of: its disk may not be mounted.
    """
    roots = [Path(root) for root in found.roots]
    known = catalogue.backups.snapshots(found.id)
    for root in roots if known else ():
        prefix = f"{storable(as_utf8(root.resolve().name))}/" if len(roots) > 1 else ""
        if _is_empty(root) and catalogue.backups.has_below(found.id, known[-1].ordinal, prefix):
            raise LocalError(
                f"{str(root)!r} is empty, and the last snapshot of {found.name!r} has files of it",
                cure="If it is on a disk that is not mounted, mount it. If all of it was deleted on purpose, "
                "put one file there.",
            )
    return Scan(roots, Rules.of(found.rules), apart=spools(catalogue))


def _is_empty(folder: Path) -> bool:
    try:
        return folder.is_dir() and not any(folder.iterdir())
    except OSError:  # the scan says why
        return False


def lost_contents(found: BackupSet, catalogue: Catalogue, repack: Iterable[int] = ()) -> set[int]:
    """Return the contents of a set whose archives were deleted or are gone, and those of *repack*.

    :param repack: packs whose contents count as lost.
    """
    packs = {pack.archive_id: pack.id for pack in catalogue.backups.packs(found.id) if pack.archive_id}
    archives = catalogue.archives.known(found.vault, list(packs))
    lost = [packs[archive.archive_id] for archive in archives if archive.state in (DELETED, "gone")]
    return catalogue.backups.contents_of([*lost, *repack])
