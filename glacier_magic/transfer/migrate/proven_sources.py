"""The sources of moves: an archive is deleted only while S3 has it."""

from __future__ import annotations

import threading
from functools import cache, partial

from ...catalogue.records.deletion_records import DeletionItem
from ...errors import AccessDenied, IntegrityError, Refused
from ...service.object_store import ObjectStore
from ..engine import Engine
from . import proving
from .mover import new_object


class SourceCheck:
    """Asks S3 for the object of an archive, immediately before the archive is deleted.

    :param vault: the vault of the archives.
    :param proof: the level of proof that each move must have.
    """

    def __init__(self, engine: Engine, vault: str, proof: int) -> None:
        self._engine, self._vault, self._proof = engine, vault, proof
        self._objects = cache(partial(ObjectStore, engine.service))

    def __call__(self, item: DeletionItem) -> None:
        """Check one archive.

        :raises Refused: its object is not proven, is gone, or differs from what was sent.
        """
        catalogue = self._engine.catalogue
        archive = catalogue.archives.get(self._vault, item.archive_id)
        moved = catalogue.moved.proven(archive, self._proof) if archive else None
        if moved is None or archive is None:
            raise Refused(f"{item.name!r} is not proven in S3, and stays", cure="")
        objects = self._objects(moved.region)
        new = new_object(moved, catalogue.scope.account)
        try:
            found = self._engine.budget.call(lambda: objects.stored(new), threading.Event())
            level = proving.level(found, moved, size=archive.size or 0, tree_hash=archive.tree_hash, parts=())
        except (AccessDenied, IntegrityError) as error:
            raise Refused(f"{item.name!r} stays: {error.message}", cure=error.cure) from None
        if level < proving.STORED_AS_SENT:
            raise Refused(f"{item.name!r} has no tree hash in any inventory, and stays", cure="")
