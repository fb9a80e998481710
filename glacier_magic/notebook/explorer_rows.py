"""An explorer's answer as rows of a table: rounded values, exact ones on hover."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.units import from_ms, plural
from ..catalogue import ArchiveRecord
from ..explore import Browser
from ..explore.explorer import cells, selected_in_words
from .row_table import Column, TableRow

COLUMNS = (
    Column(key="name", label="name", width="minmax(9em, 1fr)"),
    Column(key="size", label="size", width="5.8em", number=True, down=True),
    Column(key="created", label="created", width="13.4em"),
    Column(key="modified", label="modified", width="13.4em"),
    Column(key="state", label="state", width="5.6em", wide=560),
    Column(key="format", label="format", width="8em", wide=720),
)


class ExplorerRows:
    """An explorer's answer, as the rows of a table."""

    def __init__(self, explorer: Browser) -> None:
        self._explorer = explorer
        self.columns: Sequence[Column] = [column for column in COLUMNS if column.key in explorer.columns]

    @property
    def version(self) -> int:
        """The version of the answer."""
        return self._explorer.answer.version

    @property
    def count(self) -> int | None:
        """The number of rows; None while they are counted."""
        return self._explorer.answer.count

    @property
    def sort(self) -> str:
        """The column that the rows are sorted by."""
        return self._explorer.filter.sort

    @property
    def words(self) -> str:
        """The number of archives, and the size of the selection."""
        count = self.count
        # A large vault is counted in the background, after its first rows.
        there = "counting …" if count is None else plural(count, self._explorer.noun)
        return " · ".join(filter(None, [there, selected_in_words(self._explorer.picked)]))

    def rows(self, start: int, stop: int) -> list[TableRow]:
        """Return rows as formatted text, with the exact values as titles."""
        explorer = self._explorer
        found = explorer.rows(start, stop)
        # One look-up for the page: a selection may be a whole result with exceptions.
        held = explorer.picked.held(explorer.answer, [number for number, _ in found])
        return [
            TableRow(
                cells(record, explorer.filter.folder)[: len(self.columns)],
                _titles(record, explorer.noun)[: len(self.columns)],
                number in held,
            )
            for number, record in found
        ]

    def order(self, sort: str) -> None:
        """Sort by another column."""
        self._explorer.look(sort=sort)

    def select(self, how: str, start: int, stop: int) -> None:
        """Change the selection: see :class:`.row_table.Rows`."""
        picked, answer = self._explorer.picked, self._explorer.answer
        if how == "none":
            picked.clear()
        elif how == "all":
            picked.all_of(answer)
        elif how == "toggle":
            for row in answer.ids(start, start + 1):  # none if the result has become shorter
                picked.toggle(answer, row)
        elif how in ("only", "add"):
            picked.pick(answer, answer.ids(start, stop), add=how == "add")
        else:
            raise ValueError(how)


def _titles(record: ArchiveRecord, noun: str) -> tuple[str, ...]:
    if noun != "archive":  # it has no id
        return (record.name, plural(record.size or 0, "byte"), _moment(record.mtime))
    size = "unknown" if record.size is None else plural(record.size, "byte")
    decoded = "not decoded" if record.format == "none" else f"decoded as {record.format}"
    return (
        f"{record.name} (id {record.archive_id}){f'; {record.note}' if record.note else ''}",
        size,
        _moment(record.created),
        _state(record),
        f"{decoded}; modified {_moment(record.mtime)}",
    )


def _moment(milliseconds: int | None) -> str:
    moment = from_ms(milliseconds)
    if moment is None:
        return "unknown"
    # Both: the user thinks in local time, and conditions are in UTC.
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z} ({moment:%Y-%m-%dT%H:%M:%SZ})"


def _state(record: ArchiveRecord) -> str:
    seen = f", last in the inventory of {_moment(record.seen)}" if record.seen else ""
    return f"{record.state}{seen}"
