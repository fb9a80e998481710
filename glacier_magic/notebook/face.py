"""How a notebook, or IPython in a terminal, shows what the verbs do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..base.rendering import escape, snapshot_html, snapshot_text, summary
from .display import Place, Record, note

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..jobs import Batch, BoardSnapshot
    from ..plans import Plan
    from ..transfer.progress import Observer, Report


class NotebookFace:
    """Shows things in the output of the cell that runs.

    In a notebook outputs are rewritten in place; IPython in a terminal has none to rewrite and
    gets a line on standard error.
    """

    program = "%glacier"
    lasting = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.rich = getattr(shell, "kernel", None) is not None

    def note(self, text: str) -> None:
        """Say something beside the result."""
        if self.rich:
            Place(note(text))
        else:
            print(text, file=sys.stderr)  # noqa: T201 - it is what this function is for

    @contextmanager
    def progress(self) -> Iterator[Observer]:
        """Show the progress of a transfer while the block runs."""
        if not self.rich:
            yield _line
            sys.stderr.write("\n")
            return
        place: list[Place] = []

        def observe(report: Report) -> None:
            if place:
                place[0].put(bar(report))

        place.append(Place(note("Reading the files …")))
        yield observe
        place[0].end(note("Nothing had to be sent."))

    def variable(self, name: str) -> Any:
        """Return a variable of the notebook, or None where there is none of that name."""
        return self._shell.user_ns.get(name)

    def offer(self, plan: Plan[Any]) -> Any:
        """Return the plan: as the result of a cell it shows itself with a button."""
        return plan

    def follow(self, batch: Batch, timeout: float | None) -> Batch:
        """Show a batch while it is waited for; raise what the wait amounts to."""
        if not self.rich:
            try:
                return batch.wait(timeout, progress=lambda s: _line(summary(s)))
            finally:
                sys.stderr.write("\n")
        place = Place(board_record(batch.snapshot, batch.title, folded=False))

        def show(snapshot: BoardSnapshot) -> None:
            place.put(board_record(snapshot, batch.title, folded=False))

        try:
            batch.wait(timeout, progress=show)
        finally:
            place.put(board_record(batch.snapshot, batch.title))  # the result shows all of it
        return batch


def board_record(snapshot: BoardSnapshot, title: str = "", *, folded: bool = True) -> Record:
    """Return the record of a board: one line, and the table behind it."""
    table = snapshot_html(snapshot, title)
    html = (
        f"<details><summary>Kept in the saved notebook: {escape(summary(snapshot))}</summary>"
        f"{table}</details>"
        if folded
        else table
    )
    return Record(snapshot_text(snapshot, title), html)


def bar(report: Report) -> Record:
    """Return the record of a moment of a transfer: a bar and its words."""
    words = str(report)
    html = (
        f'<div><progress max="1" value="{report.fraction:.4f}" aria-label="{escape(report.label)}">'
        f'</progress> <span role="status">{escape(words)}</span></div>'
    )
    return Record(words, html)


def _line(report: object) -> None:
    sys.stderr.write(f"\r\x1b[K{str(report)[:200]}")
    sys.stderr.flush()
