"""The items of a restore of whole archives: most are simply requested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...catalogue import ArchiveRecord, Catalogue
from ...catalogue.archives.archive_rows import concerned, records_of, same_bytes
from .item_rows import Items
from .items import Known, RestoreItem, once
from .targets import Targets


def decide_whole(
    archives: Sequence[ArchiveRecord], *, vault: str, tier: str, to: Path, catalogue: Catalogue
) -> Items[RestoreItem]:
    """Return an item for each archive, by the present files, downloads and jobs.

    :raises InputError: a name cannot be written below *to*.
    """
    known, files = Known(catalogue, vault, tier, to), Targets.of(archives, to)
    some = {*same_bytes(archives), *files.existing, *concerned(archives, known.contents())}
    places = sorted(some)  # nothing is known of all others, and they matter to no other
    names = [(Path(files.own[place]), Path(files.chosen[place])) for place in places]
    items = [
        known.item((archive, None), paths, look=place in files.existing)
        for place, archive, paths in zip(places, records_of(archives, places), names, strict=True)
    ]
    items = once(items, [path for _, path in names])

    def make(place: int, archive: ArchiveRecord, action: str) -> RestoreItem:
        return RestoreItem(archive=archive, action=action, target=Path(files.chosen[place]))

    found = dict(zip(places, items, strict=True))
    more = {place: item for place, item in found.items() if item != make(place, item.archive, item.action)}
    actions = {place: item.action for place, item in found.items() if place not in more}
    return Items(archives, make, more, actions)
