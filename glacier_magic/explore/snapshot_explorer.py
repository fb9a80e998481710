"""The explorer of a snapshot: its files, and a selection to recover."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from weakref import finalize

from ..base.units import from_ms, local_time
from ..catalogue import Catalogue
from ..catalogue.archives.file_rows import write_files
from ..catalogue.records.backup_rows import BackedUp, BackupSet, SnapshotRecord
from ..errors import WrongKey
from ..errors.steps import step
from ..plans.recover_plan import RecoverPlan
from .explorer import Browser

if TYPE_CHECKING:
    import pandas as pd

    from ..client.vault import Vault

COLUMNS = ("name", "size", "modified")


class SnapshotExplorer(Browser):
    """A filter on the files of a snapshot, its result, and a selection to recover.

    The files are in a catalogue of their own, which :meth:`close` removes: a snapshot never changes.

    :param entries: those of the snapshot.
    :param key: a file of age identities, if the set is encrypted; see :attr:`key`.
    """

    noun, label, growth = "file", "Files", "Files by year of change"
    columns = COLUMNS
    facets = ("year", "size")
    actions = ("recover",)

    def __init__(
        self,
        vault: Vault,
        found: BackupSet,
        snapshot: SnapshotRecord,
        entries: Iterable[BackedUp],
        key: str | os.PathLike[str] | None = None,
    ) -> None:
        self.vault, self.set, self.snapshot = vault, found, snapshot
        self.key = key
        """The file of age identities for :meth:`recover`."""
        files = ((e.path, e.size, e.mtime_ns // 1_000_000) for e in entries if e.kind != "folder")
        name = f"{found.name}, snapshot {snapshot.ordinal}"
        folder = Path(mkdtemp(prefix="glacier-magic-"))
        catalogue = Catalogue(folder / "files.sqlite", vault.session.catalogue.scope)
        self._remove = finalize(self, _remove, catalogue, folder)  # at the latest when Python ends
        self._count = write_files(catalogue, name, files)
        super().__init__(catalogue, name)

    def close(self) -> None:
        """Stop reading in the background, and remove the catalogue of the files."""
        super().close()
        self._remove()

    @property
    def view(self) -> pd.DataFrame:
        """The result of the filter, in its order: name, size, modified."""
        return super().view[list(COLUMNS)]

    @property
    def selection(self) -> pd.DataFrame:
        """The selected files: name, size, modified."""
        return super().selection[list(COLUMNS)]

    def recover(self, *, to: str | os.PathLike[str] = "recovered", **options: Any) -> RecoverPlan:
        """Return the plan to recover the selection; see :meth:`.Vault.recover`.

        :raises WrongKey: the set is encrypted, and :attr:`key` is not set, or does not open the packs.
        """
        paths = [record.name for record in self._selected()]
        if self.set.recipients and not self.key:
            raise WrongKey(
                f"{self.set.name!r} is encrypted for {', '.join(self.set.recipients)}",
                cure="Name the file of your key first.",
            )
        # If all files are selected, empty folders are recovered, too.
        some = () if len(paths) == self._count else (_with_folders(paths),)
        return self.vault.recover(
            self.set.name, *some, as_of=self.snapshot.ordinal, to=to, key=self.key or None, **options
        )

    @property
    def as_of(self) -> str:
        """The time of the snapshot."""
        made, clock = from_ms(self.snapshot.started), self.vault.session.service.clock
        virtual = " of emulator time" if clock.virtual else ""
        return f"As of {local_time(made, clock.now())}{virtual}."

    @property
    def steps(self) -> str:
        """What to do next in a terminal."""
        return f"Next: {step('recover', f'{self.set.name} GLOB --as-of {self.snapshot.ordinal}')}"


def _remove(catalogue: Catalogue, folder: Path) -> None:
    catalogue.close()
    shutil.rmtree(folder, ignore_errors=True)


def _with_folders(paths: Iterable[str]) -> frozenset[str]:
    """Return paths, and those of the folders above them."""
    found: set[str] = set()
    for path in paths:
        found.add(path)
        while (path := path[: path.rstrip("/").rfind("/") + 1]) and path not in found:
            found.add(path)
    return frozenset(found)
