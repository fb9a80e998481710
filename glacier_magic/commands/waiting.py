"""The jobs that a shell waits for: on a terminal, updated in place, or in a log, as occasional lines."""

from __future__ import annotations

import shutil
import textwrap
from typing import TextIO

from ..base.rendering import board_cells, summary, text_table, visible
from ..jobs import Batch, BoardSnapshot
from ..jobs.handles import printing
from .terminal import Lines

JOBS = 12
"""The most jobs that are shown on a terminal."""


def wait_on(stream: TextIO, batch: Batch, timeout: float | None) -> Batch:
    """Show a batch on a stream until all its jobs have ended; raise the error of the wait."""
    if not stream.isatty():
        return batch.wait(timeout, progress=printing(stream))
    lines = Lines(stream)
    try:
        return batch.wait(timeout, progress=lambda snapshot: lines.show(board_lines(snapshot)))
    finally:
        lines.close()


def board_lines(snapshot: BoardSnapshot) -> list[str]:
    """Return a line for each of the first jobs that have not ended, then counts, and what hinders."""
    width, height = shutil.get_terminal_size()
    rows = [row for state in _ACTIVE for row in snapshot.rows if row.state == state and not row.ended]
    shown = rows[: max(1, min(JOBS, height - 3))]
    cells = [board_cells(row, snapshot) for row in shown]
    # The name at the end: a terminal cuts what it has no room for.
    lines = [(row["state"], row["size"], row["progress"] or row["expected"], row["name"]) for row in cells]
    more = [f"and {len(rows) - len(shown):,} more"] if len(rows) > len(shown) else []
    words = textwrap.wrap(visible(summary(snapshot)), max(20, width - 1))
    return [*text_table([""] * 4, lines, numbers=(1,)).split("\n")[1:], *more, *words]


_ACTIVE = ("downloading", "ready", "requested", "in progress", "scheduled")
