"""The items of a restore of whole archives: most are simply requested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ...catalogue import ArchiveRecord, Catalogue
from ...catalogue.archives.archive_sequence import concerned, contents_of, records_of, same_bytes
from .item_rows import Items
from .items import SAME, TWIN, RestoreFacts, RestoreItem, once
from .targets import Targets


def decide_whole(
    archives: Sequence[ArchiveRecord], *, vault: str, tier: str, to: Path, catalogue: Catalogue
) -> Items[RestoreItem]:
    """Return an item for each archive, by the present files, downloads and jobs.

    :raises InputError: a name cannot be written below *to*.
    """
    files = Targets.of(archives, to)
    known = RestoreFacts(catalogue, vault, tier, to, files.chosen)
    # All others are requested, but for twins.
    some = {*files.existing, *concerned(archives, known.contents())}
    actions: dict[int, str] = {}
    for group in _groups(archives):
        if not some.isdisjoint(group):
            some.update(group)
            continue
        written: set[str] = set()
        for place in group:
            if written:  # as once() decides where nothing is known
                actions[place] = SAME if files.chosen[place] in written else TWIN
            written.add(files.chosen[place])
    places = sorted(some)
    items = []
    for place, archive in zip(places, records_of(archives, places), strict=True):
        paths = Path(files.own[place]), Path(files.chosen[place])
        items.append(known.item((archive, None), paths, look=place in files.existing))

    def make(place: int, archive: ArchiveRecord, action: str) -> RestoreItem:
        return RestoreItem(archive=archive, action=action, target=Path(files.chosen[place]))

    return Items(archives, make, dict(zip(places, once(items), strict=True)), actions)


def _groups(archives: Sequence[ArchiveRecord]) -> Iterable[list[int]]:
    """Return the places of the archives of which several have the same bytes."""
    groups: dict[str, list[int]] = {}
    places = same_bytes(archives)
    for place, content in zip(places, contents_of(archives, places), strict=True):
        groups.setdefault(content, []).append(place)
    return (group for group in groups.values() if len(group) > 1)
