"""The explorer of a vault, which reads the catalogue only and sends no requests."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.rendering import Rendered, escape, html_table, text_table
from ..base.units import from_ms, human_bytes, human_duration, local_time, plural
from ..catalogue import ArchiveRecord, Catalogue
from ..catalogue.archives.browse import Branch, Cube, fingerprint
from ..catalogue.archives.folders import Folder
from ..catalogue.archives.where import FIELDS
from ..errors import InputError
from ..errors.steps import step
from ..plans import ComparePlan, DeletePlan, RestorePlan
from .answer import Answer
from .filters import FACETS, Filter
from .folder_sums import FolderSums
from .picked import Selection

if TYPE_CHECKING:
    import pandas as pd

    from ..client.vault import Vault

SHOWN = 50
"""Rows that saved notebooks and terminals show."""


class Browser(Rendered):
    """A filter on what a catalogue has of one vault, its result, and a selection.

    :param catalogue: is read, and never written.
    :param name: the vault in it.
    """

    noun, label, growth = "archive", "Archives", "Growth by year of creation"
    """What a row is, what all are, and what they are by year."""
    columns: tuple[str, ...] = ("name", "size", "created", "state", "format")
    facets: tuple[str, ...] = FACETS
    actions: tuple[str, ...] = ()
    """The methods that its page has buttons for."""
    hint = ""
    """What to do in the next cell."""

    def __init__(self, catalogue: Catalogue, name: str) -> None:
        self._catalogue, self.name = catalogue, name
        self._guard = threading.Lock()
        self._watching: list[Callable[[], None]] = []
        self.picked = Selection()
        self._versions = 0
        self._seen = self._fingerprint()
        self.answer = self._ask(Filter())
        self.answer.load(self._notify)  # the first page does not wait for it

    # The filter

    @property
    def filter(self) -> Filter:
        """The current filter."""
        return self.answer.asked

    def look(self, **changes: Any) -> None:
        """Change the filter: folder, name, where, year, modified, size, format, state, sort.

        :raises InputError: one of them is invalid; the filter does not change.
        """
        self._change(replace(self.filter, **changes))

    def reload(self) -> None:
        """Read the catalogue again; archives that were deleted are no longer selected."""
        while True:
            self._seen = self._fingerprint()  # before the rows: a write in between shows next time
            before = self.answer
            made = self._ask(before.asked, again=before.query)
            made.read()  # all of it before it is shown, so that the rows keep their place on the page
            with self._guard:
                if self.answer is before:  # otherwise the filter has changed meanwhile
                    self.answer = made
                    break
        self.picked.drop(made.listing)
        self._replaced(before)

    @property
    def outdated(self) -> bool:
        """Whether archives were added to the vault, or left it, since the catalogue was read."""
        return self._fingerprint() != self._seen

    def _fingerprint(self) -> tuple[Any, ...]:
        return fingerprint(self._catalogue.database, self._catalogue.scope, self.name)

    def _change(self, asked: Filter) -> None:
        before = self.answer
        # Facets and order do not change the sums of the facets, and the order alone no sums at all.
        cube = before.cube if asked.base == before.asked.base else None
        folders = before.folders if replace(asked, sort=before.asked.sort) == before.asked else None
        made = self._ask(asked, cube, folders)  # raises before anything has changed
        with self._guard:
            self.answer = made
        self._replaced(before)  # its first rows are there already
        made.load(self._notify)

    def _replaced(self, before: Answer) -> None:
        if not self.picked.rests_on(before):  # "all" of it may be selected
            before.leave()
        self._notify(self.answer)

    def _ask(
        self, asked: Filter, cube: Cube | None = None, folders: FolderSums | None = None, again: int = 0
    ) -> Answer:
        if asked.sort.removeprefix("-") not in FIELDS:
            raise InputError(
                f"There is no column {asked.sort!r} to sort by", cure=f"Sort by {', '.join(FIELDS)}."
            )
        if asked.where.strip():  # alone, so that an error quotes only the user's condition
            self._catalogue.archives.query(self.name, where=asked.where, limit=0)
        self._versions += 1  # results may arrive out of order
        number = self._versions
        return Answer(self._catalogue, self.name, asked, number, again or number, cube, folders)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* after changes, from any thread; return a function that ends this."""
        self._watching.append(callback)

        def leave() -> None:
            with suppress(ValueError):  # a widget may be closed more than once
                self._watching.remove(callback)

        return leave

    def _notify(self, answer: Answer) -> None:
        # An outdated result no longer matters, unless the selection depends on it.
        if answer.version >= self.answer.version or self.picked.rests_on(answer):
            for callback in list(self._watching):  # a copy: callbacks may end their watching
                callback()

    def close(self) -> None:
        """Stop reading in the background."""
        self.answer.leave()

    # The result

    @property
    def view(self) -> pd.DataFrame:
        """The result of the filter, in its order, with the columns of :meth:`.Vault.archives`."""
        asked = self.filter.query()
        return self._catalogue.archives.frame(
            self.name, asked.glob, where=asked.where, sort=asked.sort, text=asked.text, states=asked.states
        )

    @property
    def selection(self) -> pd.DataFrame:
        """The selected archives, with the columns of :meth:`.Vault.archives`."""
        return self.picked.frame(self.answer.listing)  # any listing of the vault reads rows by their ids

    def rows(self, start: int, stop: int) -> list[tuple[int, ArchiveRecord]]:
        """Return row ids and archives from position *start* to *stop* (exclusive)."""
        return self.answer.listing.numbered(self.answer.ids(start, stop))

    def folders(self, path: str, limit: int) -> tuple[list[Branch], bool]:
        """Return the folders in a folder with what matches the filter, the largest first.

        :returns: at most *limit* folders, and whether there are more.
        """
        level = self.answer.folders.level(path)
        return list(level.folders[:limit]), level.more or len(level.folders) > limit

    def du(self, path: str = "", depth: int = 1) -> list[Folder]:
        """Return a folder and its subfolders, with the sums of all their archives."""
        return self._catalogue.archives.du(self.name, path, depth)

    def _selected(self) -> list[ArchiveRecord]:
        found = self.picked.records(self.answer.listing)
        if not found:
            raise InputError(
                "Nothing is selected", cure="Click a row, or press Ctrl+A in the table to select all rows."
            )
        return found

    # Terminals and saved notebooks

    @property
    @abstractmethod
    def as_of(self) -> str:
        """The age of the data as a sentence."""

    @property
    @abstractmethod
    def steps(self) -> str:
        """What to do next in a terminal."""

    @property
    def _folder_head(self) -> tuple[str, ...]:
        return ("folder", f"{self.noun}s", "bytes", "oldest", "newest")

    def _folder_cells(self) -> list[tuple[str, ...]]:
        folder = self.filter.folder
        level = None if self.filter.plain else self.answer.folders.level(folder)
        return [
            (
                folder.path or "(all)",
                f"{folder.archives:,}",
                human_bytes(folder.bytes),
                local_time(from_ms(folder.oldest), zone=False),
                local_time(from_ms(folder.newest), zone=False),
            )
            for folder in ([level.whole, *level.folders] if level else self.du(folder))[:SHOWN]
        ]

    def _row_cells(self) -> list[tuple[str, ...]]:
        return [cells(record, "")[: len(self.columns)] for _, record in self.rows(0, SHOWN)]

    @property
    def title(self) -> str:
        """The vault, folder and filter in one line."""
        asked = self.filter
        parts = [f"{self.name}/{asked.folder}" if asked.folder else self.name]
        parts += [f"name {asked.name!r}"] if asked.name else []
        parts += [asked.where] if asked.where else []
        parts += [f"modified {asked.modified}"] if asked.modified else []
        parts += [str(c) for f in ("year", "format", "state") if (c := asked.facet(f))]
        return ", ".join(parts)

    def _repr_text(self) -> str:
        rows = self._row_cells()
        more = self._more(len(rows))
        sums = text_table(self._folder_head, self._folder_cells(), numbers=(1, 2))
        names = [(shortened(row[0], 80), *row[1:]) for row in rows]
        return "\n".join(
            [
                f"{self.title}. {self.as_of}",
                "",
                sums,
                "",
                text_table(self.columns, names, numbers=(1,)),
                *([more] if more else []),
                "",
                self.steps,
            ]
        )

    def __repr__(self) -> str:
        self.answer.order()  # unlike the widget, a terminal cannot show the count later
        return self._repr_text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html()}

    def _more(self, shown: int) -> str:
        count = self.answer.count
        if count is None:
            return "and more: .view has them all"
        return f"and {count - shown:,} more: .view has them all" if count > shown else ""

    def _repr_html(self) -> str:
        shown = local_time(datetime.now(UTC))  # by the reader's calendar, even with an emulator's clock
        count = self.answer.count
        total = "" if count is None else f" {plural(count, self.noun)}."
        names = [(shortened(row[0], 160), *row[1:]) for row in self._row_cells()]
        return (
            f"<p><b>{escape(self.title)}</b>.{escape(total)} {escape(self.as_of)} "
            f"Shown {escape(shown)}.</p>"
            f"{html_table(self._folder_head, self._folder_cells()[:20], numbers=(1, 2))}"
            f"<p>The first {len(names)}:</p>{html_table(self.columns, names, numbers=(1,))}"
        )


class Explorer(Browser):
    """A filter on the archives of one vault, its result, and a selection of which plans are made.

    >>> explorer = Explorer(vault)                                       # doctest: +SKIP
    >>> explorer.view        # a DataFrame of the result of the filter   # doctest: +SKIP
    >>> explorer.selection   # a DataFrame of the selected archives      # doctest: +SKIP
    """

    actions = ("restore", "compare", "delete", "reload")
    hint = "In the next cell: explorer = _; explorer.selection and explorer.view are DataFrames."

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        super().__init__(vault.session.catalogue, vault.name)

    # Plans for the selection

    def restore(self, *, tier: str = "Standard", to: str | Path = "restored") -> RestorePlan:
        """Return the plan to restore the selection; see :meth:`.Vault.restore`."""
        return self.vault.restore(*self._selected(), tier=tier, to=to)

    def delete(self) -> DeletePlan:
        """Return the plan to delete the selection; see :meth:`.Vault.delete`."""
        return self.vault.delete(*self._selected())  # records, not the rule: what is shown is deleted

    def compare(self, folder: str | Path = "restored") -> ComparePlan:
        """Return the plan to compare the hashes of the selection with those of local files."""
        return ComparePlan(self._selected(), vault=self.vault.name, folder=Path(folder))

    # What it says

    @property
    def steps(self) -> str:
        """What to do next in a terminal."""
        return (
            f"Next: {step('ls', 'FOLDER/')} and {step('cost', '--depth 2')}; from Python "
            ".look(folder='...', where='size > 1GB'), .view, .restore()."
        )

    @property
    def as_of(self) -> str:
        """The age of the data as a sentence."""
        made = from_ms(self.answer.listing.as_of)
        if made is None:
            return f"No inventory read yet: only archives uploaded from this catalogue ({step('inventory')})."
        clock = self.vault.session.service.clock  # an emulator's clock runs faster, and dates its inventories
        age = human_duration((clock.now() - made).total_seconds())
        virtual = " of emulator time" if clock.virtual else ""
        return f"As of the inventory of {local_time(made, clock.now())}{virtual}, {age} old."


def cells(record: ArchiveRecord, folder: str) -> tuple[str, ...]:
    """Return the cells of a row, with the name relative to *folder*."""
    name = record.name or record.archive_id
    return (
        name.removeprefix(folder),
        human_bytes(record.size),
        local_time(from_ms(record.created)),
        record.state,
        record.format,
    )


def shortened(text: str, most: int) -> str:
    """Return a long text without its middle."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2 - 1]} … {text[-(most // 2 - 2) :]}"


def selected_in_words(picked: Selection) -> str:
    """Return the number and size of the selected archives; empty for none."""
    if not picked.count:
        return ""
    size = picked.bytes
    return f"{picked.count:,} selected" + ("" if size is None else f", {human_bytes(size)}")


def dropped_in_words(picked: Selection) -> str:
    """Return how many of the selected archives were deselected because they were deleted; empty for none."""
    number = picked.dropped
    if not number:
        return ""
    return (
        f"{number:,} of the selected archives {'was' if number == 1 else 'were'} deleted, and "
        f"{'is' if number == 1 else 'are'} no longer selected."
    )


__all__: Sequence[str] = (
    "SHOWN",
    "Browser",
    "Explorer",
    "cells",
    "dropped_in_words",
    "selected_in_words",
    "shortened",
)
