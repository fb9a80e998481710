"""The face of notebooks and of IPython in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..base.rendering import escape, snapshot_html, snapshot_text, summary
from ..commands.terminal import progress_on, say_on
from ..commands.waiting import wait_on
from ..transfer.progress import Busy, Delayed
from . import MAGIC
from .display import Place, Record, note, unfolding

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..jobs import Batch, BoardSnapshot
    from ..plans import Plan
    from ..transfer.progress import Observer, Report


class NotebookFace:
    """Shows results in the output of the running cell.

    A notebook's outputs are updated in place; IPython in a terminal gets lines on standard error.
    """

    program = MAGIC
    lasting = True
    quiet = False

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.rich = getattr(shell, "kernel", None) is not None  # only a kernel has a page that shows widgets

    def note(self, text: str) -> None:
        """Show a note in addition to the result."""
        if self.quiet:
            return
        if self.rich:
            Place(note(text))
        else:
            say_on(sys.stderr, text)

    @contextmanager
    def progress(self, label: str) -> Iterator[Observer]:
        """Show the progress of a transfer during the block, if it lasts."""
        if not self.rich:
            with progress_on(sys.stderr, label) as observer:
                yield observer
            return
        place: list[Place] = []  # none for work that does not last
        last: list[Report] = []

        def show(report: Report) -> None:
            last[:] = [report]
            if place:
                place[0].put(bar(report))
            else:
                place.append(Place(bar(report)))

        with Delayed(show, label) as observer:
            yield observer  # after an error, the last report stays: it says how far it came
        if place and isinstance(last[0], Busy):
            place[0].put(Record("", ""))  # what has ended is not busy any more

    def variable(self, name: str) -> Any:
        """Return the user's variable of this name, or None."""
        return self._shell.user_ns.get(name)

    def offer(self, plan: Plan[Any]) -> Any:
        """Return the plan: a cell shows it as a card with a button."""
        return plan

    def wait(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch until all its jobs have ended; raise the error of the wait."""
        if not self.rich:
            return wait_on(sys.stderr, batch, timeout)
        place = Place(board_record(batch.snapshot, batch.title, folded=False))

        def show(snapshot: BoardSnapshot) -> None:
            place.put(board_record(snapshot, batch.title, folded=False))

        try:
            batch.wait(timeout, progress=show)
        finally:
            place.put(
                board_record(batch.snapshot, batch.title)
            )  # folded: the result of the cell shows the board
        return batch


def board_record(snapshot: BoardSnapshot, title: str = "", *, folded: bool = True) -> Record:
    """Return the record of a board: a line that unfolds to the table."""
    text, table = snapshot_text(snapshot, title), snapshot_html(snapshot, title)
    return unfolding(text, table, summary(snapshot)) if folded else Record(text, table)


def bar(report: Report) -> Record:
    """Return a transfer's progress as a bar and a text."""
    words = str(report)
    value = "" if isinstance(report, Busy) else f' value="{report.fraction:.4f}"'  # without: indeterminate
    html = (
        f'<div><progress max="1"{value} aria-label="{escape(report.label)}">'
        f'</progress> <span role="status">{escape(words)}</span></div>'
    )
    return Record(words, html)
