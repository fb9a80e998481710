"""Deleting archives and dropping vaults, shown first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .. import tables
from ..catalogue import ArchiveRecord, Catalogue
from ..errors import GlacierError
from ..service import Service
from ..transfer.crew import Crew, Tuner
from ..units import from_ms, human_bytes, local_time, plural, short_id
from .model import Cells, Plan

if TYPE_CHECKING:
    import pandas as pd

EARLY = 90 * 86400 * 1000
"""Milliseconds that every archive is billed for at least: 90 days (service documentation)."""

WORKERS = 4


class DeletePlan(Plan["pd.DataFrame"]):
    """Archives to delete: nothing is deleted until ``run()``, which returns what was."""

    button = "Delete"
    danger = True

    def __init__(
        self, archives: Sequence[ArchiveRecord], *, vault: str, service: Service,
        catalogue: Catalogue,
    ) -> None:  # fmt: skip
        super().__init__()
        self.vault, self.archives = vault, list(archives)
        self._service, self._catalogue = service, catalogue

    @property
    def empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not self.archives

    @property
    def bytes(self) -> int:
        """Bytes in all archives together."""
        return sum(archive.size or 0 for archive in self.archives)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        count = plural(len(self.archives), "archive")
        return f"Delete {count} ({human_bytes(self.bytes)}) from {self.vault}, for ever"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What to know before running it."""
        now = self._service.clock.now_ms()
        young = [a for a in self.archives if a.created is not None and now - a.created < EARLY]
        facts = [("undo", "there is none: the service deletes at once")]
        if young:
            size = human_bytes(sum(a.size or 0 for a in young))
            facts.append(
                (
                    "early deletion",
                    f"{plural(len(young), 'archive')} ({size}) younger than 90 days: the rest of "
                    "the 90 days is billed",
                )
            )
        return [*facts, ("inventory", "goes on listing them until the next daily one is made")]

    @property
    def table(self) -> pd.DataFrame:
        """The archives, as ``ls`` shows them."""
        return tables.archives(self.archives)

    def _head(self) -> Sequence[str]:
        return ("name", "size", "archive id", "created")

    def _cells(self) -> Cells[ArchiveRecord]:
        return Cells(self.archives, _in_words)

    def _run(self) -> pd.DataFrame:
        crew: Crew[GlacierError | None] = Crew(
            Tuner(WORKERS, WORKERS), threading.Event(), "glacier-delete"
        )
        tasks = (partial(self._delete, archive) for archive in self.archives)
        errors = [error for error in crew.run(tasks) if error is not None]
        if errors:
            raise type(errors[0])(
                f"{plural(len(errors), 'archive')} of {len(self.archives)} could not be deleted: "
                f"{errors[0].message}",
                cure=errors[0].cure,
                code=errors[0].code,
            )
        return self.table.assign(state="deleted")

    def _delete(self, archive: ArchiveRecord) -> GlacierError | None:
        try:
            self._service.delete_archive(self.vault, archive.archive_id)
        except GlacierError as error:
            return error
        now = self._service.clock.now_ms()
        self._catalogue.archives.mark_deleted(self.vault, archive.archive_id, now)
        return None


def _in_words(archive: ArchiveRecord) -> tuple[str, ...]:
    return (
        archive.name or archive.archive_id,
        human_bytes(archive.size),
        short_id(archive.archive_id),
        local_time(from_ms(archive.created)),
    )


class DropPlan(Plan[str]):
    """A vault to delete: possible only once an inventory shows it empty."""

    button = "Drop"
    danger = True

    def __init__(
        self, vault: str, *, service: Service, catalogue: Catalogue, dropped: Callable[[], None]
    ) -> None:
        super().__init__()
        self._dropped = dropped
        self.vault = vault
        self._service = service
        self._told = service.describe_vault(vault)
        self._known = catalogue.archives.count(vault)

    @property
    def empty(self) -> bool:
        """False: there is a vault to drop."""
        return False

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        return f"Drop the vault {self.vault}, with its tags, policies and notifications"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What to know before running it."""
        count = self._told.get("NumberOfArchives") or 0
        facts = [("last inventory", f"{plural(count, 'archive')}")]
        if count or self._known:
            facts.append(
                (
                    "refusal expected",
                    f"the catalogue knows {plural(self._known, 'archive')} in it; the service "
                    "drops a vault only when an inventory made after its last change is empty",
                )
            )
        return facts

    @property
    def table(self) -> pd.DataFrame:
        """The vault, as ``vaults`` shows it."""
        return tables.vaults([self._told])

    def _head(self) -> Sequence[str]:
        return ("vault", "size", "archives at the last inventory")

    def _cells(self) -> list[tuple[str, ...]]:
        size = human_bytes(self._told.get("SizeInBytes") or 0)
        return [(self.vault, size, f"{self._told.get('NumberOfArchives') or 0:,}")]

    def _run(self) -> str:
        self._service.delete_vault(self.vault)
        self._dropped()
        return f"The vault {self.vault} is dropped."
