"""The items of a move: the action for each archive, and the object that it becomes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...base.bucket_names import BucketFolder
from ...catalogue import ArchiveRecord, Catalogue, Download
from ...catalogue.archives.archive_sequence import concerned, fields_of, plain_names, records_of, same_bytes
from ...catalogue.archives.identity import bytes_key
from ...catalogue.records.moved_records import CONFLICT as CONFLICTING
from ...catalogue.records.moved_records import PROVEN, MovedObject, object_url
from ...service.object_store import ObjectStore, ObjectToWrite
from ...transfer.migrate.chosen_keys import OTHERS_HAVE_IT, ChosenKeys
from ...transfer.migrate.object_keys import keys
from ..restore.item_rows import Items
from ..restore.items import (
    ASK,
    CONFLICT,
    DELETED,
    READY,
    RUNNING,
    SAME,
    THERE,
    TWIN,
    UNDER_WAY,
    RetrievalItem,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveItem(RetrievalItem):
    """An archive that becomes an object.

    :param why: why its key is not simply the name of the archive; empty if it is.
    """

    own_words: ClassVar[Mapping[str, str]] = {
        THERE: "already in S3",
        READY: "ready to copy",
        SAME: "the same object as another",
        TWIN: "copied from the output of another",
    }

    bucket: str
    object_key: str
    why: str = ""

    @property
    def place(self) -> str:
        """The URL of the object."""
        return object_url(self.bucket, self.object_key)


@dataclass(frozen=True, kw_only=True)
class Existing:
    """What is known of a place before archives are moved to it.

    :param rows: the moves of the catalogue to it with their downloads, by archive id, the newest of each.
    :param keys: the size in bytes of each object below the prefix, by key.
    :param damaged: the ETags of objects that a proof has found to differ.
    """

    place: BucketFolder
    objects: ObjectStore
    owner: str
    storage_class: str
    rows: Mapping[str, tuple[MovedObject, Download]]
    keys: Mapping[str, int]
    damaged: Collection[str] = ()

    @classmethod
    def look(
        cls, catalogue: Catalogue, objects: ObjectStore, place: BucketFolder, storage_class: str
    ) -> Existing:
        """Return what the catalogue and S3 know of a place now."""
        owner = catalogue.scope.account
        moved = {each.download: each for each in catalogue.moved.in_bucket(place.bucket)}
        downloads = catalogue.downloads.numbered(list(moved))
        there = dict(objects.keys(place.bucket, place.prefix, owner))
        return cls(
            place=place,
            objects=objects,
            owner=owner,
            storage_class=storage_class,
            rows={
                row.archive_id: (moved[row.id], row)
                for row in sorted(downloads, key=lambda row: row.id)
                if moved[row.id].key.startswith(place.prefix) and _counts(row, moved[row.id], there)
            },
            keys=there,
            damaged={each.etag for each in moved.values() if each.step == CONFLICTING and each.etag},
        )

    def has(self, archive: ArchiveRecord, key: str) -> bool:
        """Return whether the object of a key says that it is this archive, or has its tree hash."""
        new = ObjectToWrite(
            bucket=self.place.bucket, key=key, owner=self.owner, storage_class=self.storage_class
        )
        found = self.objects.head(new) if self.keys[key] == archive.size else None
        if found is None or found[0].etag in self.damaged:
            return False
        same = bool(archive.tree_hash) and found[1].get("gm-tree-hash") == archive.tree_hash
        return same or found[1].get("gm-archive-id") == archive.archive_id


def _counts(row: Download, moved: MovedObject, there: Mapping[str, int]) -> bool:
    """Return whether a move matters to another one: not if its object is gone, or another, since."""
    if _is_done(row, moved):
        return there.get(moved.key) == row.size
    return moved.step != CONFLICTING and row.state != "forgotten"


def _is_done(row: Download, moved: MovedObject) -> bool:
    return moved.step == PROVEN or (row.state == "verified" and moved.step != CONFLICTING)


def decide(
    archives: Sequence[ArchiveRecord],
    existing: Existing,
    *,
    vault: str,
    tier: str,
    catalogue: Catalogue,
    choice: ChosenKeys,
) -> MoveItems:
    """Return an item for each archive, by the objects, downloads and jobs that there are."""
    rows = existing.rows
    taken = {moved.key: _bytes_of(row) for moved, row in rows.values()}
    plain = choice.keys(archives, existing.place.prefix)
    chosen = _keys(archives, plain, existing, choice, taken)
    deleted = catalogue.archives.deleted(vault)
    jobs = catalogue.jobs.by_archive(vault)
    written = dict(taken)  # another archive with the bytes of a key is the same object
    asked: set[str] = {_bytes_of(row) for _, row in rows.values() if row.open}
    whys = _whys(archives, plain, chosen, existing, choice)
    actions: dict[int, str] = {}
    more: dict[int, dict[str, Any]] = {}
    contents = rows.keys() | jobs.keys() | deleted | asked
    there = (place for place, key in enumerate(chosen) if key in taken or key in existing.keys)
    places = sorted({*same_bytes(archives), *concerned(archives, contents), *there})
    facts = fields_of(archives, "archive_id", "size", "tree_hash", places=places)
    for place, (archive_id, size, tree_hash) in zip(places, facts, strict=True):
        content, key = bytes_key(size, tree_hash) or archive_id, chosen[place]
        known = _of_row(archive_id, existing, tier)
        action = known.pop("action", ASK)
        if action == ASK:
            if "stopped" not in known and written.get(key) == content:
                action = SAME
            elif key in existing.keys:
                action = THERE if existing.has(archives[place], key) else CONFLICT
            elif written.get(key, content) != content:
                action = CONFLICT
        job = jobs.get(archive_id) or jobs.get(content)
        if action == ASK and job is not None:
            action, known["job"] = READY if job.status == "Succeeded" else RUNNING, job
        elif action == ASK and archive_id in deleted:
            action = DELETED
        elif action == ASK and tree_hash and content in asked:
            action = TWIN
        if action in (ASK, RUNNING, READY, TWIN):
            written[key] = content
            asked.add(content)
        actions[place] = action
        if known:
            more[place] = known
    return MoveItems(archives, chosen, whys, existing.place.bucket, actions, more)


class MoveItems(Items[MoveItem]):
    """The items of a move.

    :param keys: of the objects, by place.
    :param whys: why keys are not the names, by place.
    :param actions: of those that are not all to be requested, by place.
    :param more: what else is known of those, by place.
    """

    own_words = MoveItem.own_words

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        keys: Sequence[str],
        whys: Mapping[int, str],
        bucket: str,
        actions: Mapping[int, str],
        more: Mapping[int, Mapping[str, Any]],
    ) -> None:
        def make(place: int, archive: ArchiveRecord, action: str) -> MoveItem:
            return MoveItem(
                archive=archive,
                bucket=bucket,
                object_key=keys[place],
                why=whys.get(place, ""),
                action=action,
                **more.get(place, {}),
            )

        records = zip(more, records_of(archives, list(more)), strict=True)
        known = {place: make(place, archive, actions[place]) for place, archive in records}
        super().__init__(archives, make, known, actions)
        self.whys = whys


def _whys(
    archives: Sequence[ArchiveRecord],
    plain: Sequence[str],
    chosen: Sequence[str],
    existing: Existing,
    choice: ChosenKeys,
) -> dict[int, str]:
    """Return why keys are not simply prefix and name, by place."""
    prefix, simple = existing.place.prefix, choice.usual and not existing.rows
    found = {
        place: OTHERS_HAVE_IT if simple and key != own else ""
        for place, (name, own, key) in enumerate(zip(plain_names(archives), plain, chosen, strict=True))
        if key != prefix + name
    }
    places = [place for place, why in found.items() if not why]
    for place, archive in zip(places, records_of(archives, places), strict=True):
        why = choice.why(archive, chosen[place], prefix)
        found[place] = "moved before" if why and archive.archive_id in existing.rows else why
    return {place: why for place, why in found.items() if why}


def _keys(
    archives: Sequence[ArchiveRecord],
    plain: Sequence[str],
    existing: Existing,
    choice: ChosenKeys,
    taken: dict[str, str],
) -> list[str]:
    """Return the key of each archive; with a suffix, of those whose first one has another object."""
    prefix = existing.place.prefix
    fixed = {archive_id: moved.key for archive_id, (moved, _) in existing.rows.items()}
    given = {
        a.archive_id: a
        for a in (archives if choice.given else ())
        if a.archive_id in choice.given and a.archive_id not in fixed
    }
    chosen = keys(
        archives,
        prefix,
        plain=plain,
        fixed={archive_id: choice.given[archive_id] for archive_id in given} | fixed,
        taken={choice.given[archive_id]: archive.bytes_key for archive_id, archive in given.items()} | taken,
    )
    if choice.suffix is None:
        return chosen
    wanted = dict(zip(chosen, (archive.bytes_key for archive in archives), strict=True)) | taken

    def free(archive: ArchiveRecord, key: str) -> bool:
        if key in taken:
            return taken[key] == archive.bytes_key
        return wanted.get(key, archive.bytes_key) == archive.bytes_key and (
            key not in existing.keys or existing.has(archive, key)
        )

    for place, (archive, key) in enumerate(zip(archives, chosen, strict=True)):
        other = choice.another(key)
        if other is None or archive.archive_id in fixed or free(archive, key):
            continue
        if free(archive, other):
            chosen[place] = other
            wanted[other] = archive.bytes_key
    return chosen


def _of_row(archive_id: str, existing: Existing, tier: str) -> dict[str, Any]:
    """Return what is known of an item by the record of the archive's earlier move to the same place."""
    moved, row = existing.rows.get(archive_id, (None, None))
    if moved is None or row is None:
        return {}
    if _is_done(row, moved):
        return {"action": THERE, "download": row}
    if row.open:
        waits = row.on_hold or (bool(row.due) and row.unasked and row.tier != tier)
        return {"replaces": row.id} if waits else {"action": UNDER_WAY, "download": row}
    if moved.storage_class != existing.storage_class:
        return {}
    # Its parts are used again; one that has all of them needs no output.
    return {"stopped": row.id, "action": READY if moved.written else ASK}


def _bytes_of(row: Download) -> str:
    return f"{row.size} {row.tree_hash}" if row.size and row.tree_hash else row.archive_id
