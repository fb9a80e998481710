"""A plan to replace the catalogue by a backup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.units import human_bytes, local_time, plural
from ..catalogue.storage.backup import Examined, examine, restore
from ..errors import CatalogueError, InputError
from ..errors.steps import step
from .base import Plan

if TYPE_CHECKING:
    import pandas as pd


class ReplacePlan(Plan[str]):
    """A backup to put in the place of the catalogue: nothing changes until ``run()``.

    The present file stays beside it, under a name that ``run()`` returns.

    :param backup: the file to restore; it stays as it is.
    :param catalogue: the file to replace; it may be damaged or missing.
    :param before: called first, to close the open catalogue.
    :raises InputError: the backup is missing, or no catalogue.
    :raises CatalogueError: the backup is damaged, or from a newer version.
    """

    button = "Restore"
    danger = True

    def __init__(self, backup: Path, catalogue: Path, before: Callable[[], None]) -> None:
        super().__init__()  # no log: the catalogue that would have it is replaced
        # Moving it away would lose it.
        if backup.exists() and catalogue.exists() and backup.samefile(catalogue):
            raise InputError(f"{backup} is the catalogue itself", cure="Name a backup of it.")
        self.backup, self.catalogue, self._before = backup, catalogue, before
        self._examined = examine(backup)  # a damaged one is refused before anything is moved

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        return f"Put the backup {self.backup.name} in the place of the catalogue"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        return [
            ("backup", str(self.backup)),
            ("catalogue", str(self.catalogue)),
            ("kept", "the present file, beside it under another name"),
            (
                "lost from sight",
                "what was recorded since the backup: names and states come back "
                f"with {step('inventory')}, jobs with {step('jobs')}",
            ),
            (
                "on hold",
                "what had begun and costs or destroys: scheduled requests, deletions and drops wait for you",
            ),
        ]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return False

    @property
    def table(self) -> pd.DataFrame:
        """The two files: file, archives, vaults, size, changed."""
        import pandas as pd

        return pd.DataFrame(self._cells(), columns=list(self._head()))

    def _head(self) -> tuple[str, ...]:
        return ("file", "archives", "in", "size", "changed")

    def _cells(self) -> list[tuple[str, ...]]:
        cells = [_row("the backup", self._examined)]
        if self.catalogue.exists():
            try:
                cells.append(_row("the catalogue now", examine(self.catalogue)))
            except CatalogueError as error:  # a damaged or newer one is a reason to replace it
                cells.append(("the catalogue now", error.message, "", "", ""))
            except InputError:
                cells.append(("the catalogue now", "no catalogue, or damaged", "", "", ""))
        return cells

    def _run(self) -> str:
        self._before()  # an open database must not be moved
        kept = restore(self.backup, self.catalogue, datetime.now(UTC))  # of this computer, not of an emulator
        archives = plural(self._examined.archives, "archive")
        beside = f" What was there is kept as {kept}." if kept else ""
        return (
            f"Restored {self.catalogue} with {archives}.{beside} What costs or destroys in it "
            f"waits: {step('jobs')} shows it."
        )


def _row(what: str, file: Examined) -> tuple[str, ...]:
    changed = datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
    return (
        what,
        f"{file.archives:,}",
        plural(file.vaults, "vault"),
        human_bytes(file.bytes),
        local_time(changed),
    )
