"""A vault opened to look around in, as the catalogue knows it; nothing is asked of the service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.rendering import Rendered, escape, html_table, text_table
from ..base.units import from_ms, human_bytes, human_duration, local_time, plural
from ..catalogue import ArchiveRecord
from ..catalogue.archives.browse import Branch, branches
from ..catalogue.archives.folders import Folder
from ..catalogue.archives.where import FIELDS
from ..errors import InputError
from ..plans import ComparePlan, DeletePlan, RestorePlan
from ..steps import step
from .answer import Answer
from .filters import Filter
from .picked import Selection

if TYPE_CHECKING:
    import pandas as pd

    from ..client.vault import Vault

SHOWN = 50
"""Rows that a saved notebook and a terminal show."""

COLUMNS = ("name", "size", "created", "state", "format")
FOLDERS = ("folder", "archives", "bytes", "oldest", "newest")


class Explorer(Rendered):
    """A filter on one vault, what it finds, and what is selected of it.

    >>> explorer = Explorer(vault)                        # doctest: +SKIP
    >>> explorer.view        # a DataFrame of what the filter finds   # doctest: +SKIP
    >>> explorer.selection   # a DataFrame of what is selected        # doctest: +SKIP
    """

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._catalogue = vault.session.catalogue
        self._guard = threading.Lock()
        self._watching: list[Callable[[], None]] = []
        self.picked = Selection()
        self._versions = 0
        self.answer = self._ask(Filter())
        self.answer.load(self._tell)

    # The filter

    @property
    def filter(self) -> Filter:
        """What is looked at."""
        return self.answer.asked

    def look(self, **changes: Any) -> None:
        """Change the filter: folder, name, where, year, size, format, state, sort.

        :raises InputError: one of them cannot be understood; the filter stays as it was.
        """
        self._change(replace(self.filter, **changes))

    def reload(self) -> None:
        """Read again what the catalogue knows now."""
        self._change(self.filter, anew=True)

    def _change(self, asked: Filter, *, anew: bool = False) -> None:
        before = self.answer
        same = asked.base == before.asked.base and not anew
        made = self._ask(asked, before.cube if same else None)
        with self._guard:
            self.answer = made
        if not self.picked.rests_on(before):
            before.leave()
        self._tell(made)
        made.load(self._tell)

    def _ask(self, asked: Filter, cube: Any = None) -> Answer:
        if asked.sort.removeprefix("-") not in FIELDS:
            raise InputError(
                f"There is no column {asked.sort!r} to sort by", cure=f"Sort by {', '.join(FIELDS)}."
            )
        if asked.where.strip():  # alone, so that an error shows the user's own words
            self._catalogue.archives.query(self.vault.name, where=asked.where, limit=0)
        self._versions += 1
        return Answer(self._catalogue, self.vault.name, asked, self._versions, cube)

    def watch(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call *told* when something changed, from any thread; return what ends that."""
        self._watching.append(told)

        def leave() -> None:
            with suppress(ValueError):  # a widget may be closed more than once
                self._watching.remove(told)

        return leave

    def _tell(self, answer: Answer) -> None:
        if answer.version >= self.answer.version or self.picked.rests_on(answer):
            for told in list(self._watching):
                told()

    def close(self) -> None:
        """End what is read in the background."""
        self.answer.leave()

    # What there is

    @property
    def view(self) -> pd.DataFrame:
        """What the filter finds, in its order: the columns of :meth:`.Vault.archives`."""
        asked = self.filter.query()
        return self._catalogue.archives.frame(
            self.vault.name,
            asked.glob,
            where=asked.where,
            sort=asked.sort,
            text=asked.text,
            states=asked.states,
        )

    @property
    def selection(self) -> pd.DataFrame:
        """What is selected: the columns of :meth:`.Vault.archives`; every row where all is selected."""
        return self.picked.frame(self.answer.listing)

    def rows(self, start: int, stop: int) -> list[tuple[int, ArchiveRecord]]:
        """Return row ids and archives from the place *start* until before *stop*."""
        ids = self.answer.ids(start, stop)
        return self.answer.listing.numbered(ids)

    def folders(self, path: str, limit: int) -> tuple[list[Branch], bool]:
        """Return the folders in a folder, the largest first, and whether there are more."""
        here = self._catalogue
        return branches(here.database, here.scope, self.vault.name, path, limit)

    def du(self, path: str = "", depth: int = 1) -> list[Folder]:
        """Return a folder and those below it, with all in them added up."""
        return self._catalogue.archives.du(self.vault.name, path, depth)

    # What to do with the selection

    def restore(self, *, tier: str = "Standard", to: str | Path = "restored") -> RestorePlan:
        """Return the plan to get the selection back; see :meth:`.Vault.restore`."""
        return self.vault.restore(*self._chosen(), tier=tier, to=to)

    def remove(self) -> DeletePlan:
        """Return the plan to delete the selection; see :meth:`.Vault.remove`."""
        return self.vault.remove(*self._chosen())

    def compare(self, folder: str | Path = "restored") -> ComparePlan:
        """Return the plan to hash the local files of the selection and compare the hashes."""
        return ComparePlan(self._chosen(), vault=self.vault.name, folder=Path(folder))

    def _chosen(self) -> list[ArchiveRecord]:
        found = self.picked.records(self.answer.listing)
        if not found:
            raise InputError("Nothing is selected", cure="Click a row, or press Ctrl+A in the table for all.")
        return found

    # How old it is

    @property
    def as_of(self) -> str:
        """In a sentence, how old what is shown is."""
        made = from_ms(self.answer.listing.as_of)
        if made is None:
            return f"No inventory read yet: only what was stored from here ({step('inventory')})."
        clock = self.vault.session.service.clock
        age = human_duration((clock.now() - made).total_seconds())
        virtual = " of emulator time" if clock.virtual else ""
        return f"As of the inventory of {local_time(made)}{virtual}, {age} old."

    # Without a live notebook

    def _folder_cells(self) -> list[tuple[str, ...]]:
        return [
            (
                folder.path or "(all)",
                f"{folder.archives:,}",
                human_bytes(folder.bytes),
                local_time(from_ms(folder.oldest), zone=False),
                local_time(from_ms(folder.newest), zone=False),
            )
            for folder in self.du(self.filter.folder)[:SHOWN]
        ]

    def _row_cells(self) -> list[tuple[str, ...]]:
        return [cells(record, "") for _, record in self.rows(0, SHOWN)]

    @property
    def title(self) -> str:
        """Vault, folder and filter in a few words."""
        asked = self.filter
        parts = [f"{self.vault.name}/{asked.folder}" if asked.folder else self.vault.name]
        parts += [f"name {asked.name!r}"] if asked.name else []
        parts += [asked.where] if asked.where else []
        parts += [str(c) for f in ("year", "format", "state") if (c := asked.facet(f))]
        return ", ".join(parts)

    def _repr_text(self) -> str:
        rows = self._row_cells()
        more = self._more(len(rows))
        sums = text_table(FOLDERS, self._folder_cells(), numbers=(1, 2))
        names = [(shortened(row[0], 80), *row[1:]) for row in rows]
        return "\n".join(
            [
                f"{self.title}. {self.as_of}",
                "",
                sums,
                "",
                text_table(COLUMNS, names, numbers=(1,)),
                *([more] if more else []),
                "",
                f"On from here: {step('ls', 'FOLDER/')} and {step('cost', '--depth 2')}; from Python "
                ".look(folder='...', where='size > 1GB'), .view, .restore().",
            ]
        )

    def __repr__(self) -> str:
        self.answer.order()  # the page does not wait for the count, a terminal does
        return self._repr_text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html()}

    def _more(self, shown: int) -> str:
        count = self.answer.count
        if count is None:
            return "and more: .view has them all"
        return f"and {count - shown:,} more: .view has them all" if count > shown else ""

    def _repr_html(self) -> str:
        shown = local_time(datetime.now(UTC))
        count = self.answer.count
        words = "" if count is None else f" {plural(count, 'archive')}."
        names = [(shortened(row[0], 160), *row[1:]) for row in self._row_cells()]
        return (
            f"<p><b>{escape(self.title)}</b>.{escape(words)} {escape(self.as_of)} "
            f"Shown {escape(shown)}.</p>"
            f"{html_table(FOLDERS, self._folder_cells()[:20], numbers=(1, 2))}"
            f"<p>The first {len(names)}:</p>{html_table(COLUMNS, names, numbers=(1,))}"
        )


def cells(record: ArchiveRecord, folder: str) -> tuple[str, ...]:
    """Return the words of a row: the columns :data:`COLUMNS`, the name as seen from *folder*."""
    name = record.name or record.archive_id
    return (
        name.removeprefix(folder),
        human_bytes(record.size),
        local_time(from_ms(record.created)),
        record.state,
        record.format,
    )


def shortened(text: str, most: int) -> str:
    """Return a long text with its middle left out."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2 - 1]} … {text[-(most // 2 - 2) :]}"


def selected_in_words(picked: Selection) -> str:
    """Return how much is selected; empty for nothing."""
    if not picked.count:
        return ""
    size = picked.bytes
    return f"{picked.count:,} selected" + ("" if size is None else f", {human_bytes(size)}")


__all__: Sequence[str] = ("COLUMNS", "SHOWN", "Explorer", "cells", "selected_in_words", "shortened")
