"""Files as the rows of a catalogue, so that they are browsed, filtered and summed like archives."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from .. import Catalogue
from . import identity, states
from .folders import FolderChanges

PIECE = 10_000
"""Files that are written at once."""


def write_files(catalogue: Catalogue, name: str, files: Iterable[tuple[str, int, int]]) -> int:
    """Write files as the archives of a new vault; return how many there are.

    :param files: path, size in bytes, and modification time in milliseconds since 1970 UTC.
    """
    database = catalogue.database
    database.drop_indexes()
    vault, changes, count = identity.find_or_add_vault(database, catalogue.scope, name), FolderChanges(), 0
    same: dict[str, int | str | None] = {
        **{"vault_id": vault.id, "origin": states.LISTED, "listed": vault.current},
        **{"id_check": 0, "archive_id": "", "format": "file"},
    }
    columns, left = ("id_key", "name", "size", "created", "mtime"), iter(files)
    with database.transaction(power_safe=False):
        while piece := list(islice(left, PIECE)):
            rows = [(count + n, path, size, at, at) for n, (path, size, at) in enumerate(piece)]
            database.insert_many("archive_rows", columns, rows, same, "vault_id, id_key, id_check")
            changes.add_many(*map(list, zip(*piece, strict=True)))
            count += len(piece)
        changes.write(database, vault.id)
    database.create_indexes()
    database.index_in_background()
    return count
