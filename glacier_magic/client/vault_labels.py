"""Labels and notes on the archives of a vault, and on snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..base.dataframes import marked
from ..catalogue import ArchiveRecord
from ..catalogue.archives.as_of import snapshot_moment
from ..catalogue.archives.labels import changed, checked_note
from ..catalogue.records.backup_rows import SnapshotRecord
from ..errors import InputError
from .vault_recovery import VaultRecovery

if TYPE_CHECKING:
    import pandas as pd

    from .selection import Selectable


Labelled = TypeVar("Labelled", ArchiveRecord, SnapshotRecord)


class VaultLabels(VaultRecovery):
    """The labels of a vault; :class:`.Vault` adds the rest."""

    def label(
        self, *words: Selectable, add: Sequence[str] = (), remove: Sequence[str] = (), note: str | None = None
    ) -> pd.DataFrame:
        """Change the labels and notes of archives and snapshots in the catalogue; no request is sent.

        Return them as a DataFrame: name, labels, note.  Without changes, it shows what they have.

        :param words: see :meth:`select`; also a set, ``@`` and a snapshot's number or date: ``photos@3``.
        :param add: labels, each one word; *remove* likewise.
        :param note: replaces the note; an empty text removes it.
        :raises NameNotKnown: a word matches nothing.
        :raises NotFound: there is no such snapshot.
        :raises InputError: nothing is named, or a label is not a single word.
        """
        if not words:
            raise InputError("There is nothing to label", cure="Name archives, or a snapshot: photos@3.")

        def revised(one: Labelled) -> Labelled:
            labels = changed(one.labels, add, remove)
            return replace(one, labels=labels, note=one.note if note is None else checked_note(note))

        with self._catalogue.database.transaction():
            snapshots = {word: one for word in words if isinstance(word, str) if (one := self._named(word))}
            others = [word for word in words if not (isinstance(word, str) and word in snapshots)]
            rows = []
            for archive in map(revised, self._selector.select(others)):
                self._catalogue.archives.describe(archive)
                rows.append((archive.name, archive.labels, archive.note))
            for word, snapshot in snapshots.items():
                now = revised(snapshot)
                self._catalogue.backups.label(now)
                rows.append((word, now.labels, now.note))
        return self._labelled(rows)

    def _named(self, word: str) -> SnapshotRecord | None:
        """Return the snapshot that a word names, if what is before its ``@`` is a set."""
        name, _, which = word.rpartition("@")
        found = self._catalogue.backups.sets(name, self.name) if name else []
        return self._snapshot(found[0], snapshot_moment(which)) if found else None

    @staticmethod
    def _labelled(rows: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
        import pandas as pd

        return marked(pd.DataFrame(rows, columns=["name", "labels", "note"], dtype="str"))
