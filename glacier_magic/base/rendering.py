"""Tables and the job board as plain text and as safe HTML.

Names, descriptions and messages may come from anyone: everything is escaped, control characters are
made visible, and account ids are masked.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..scrubbing import mask_account
from .units import human_bytes, human_duration, local_time, plural, weekday_time

if TYPE_CHECKING:
    from ..jobs.board import BoardSnapshot, JobRow

SHOWN = 200
"""Rows of a table that are displayed; the DataFrame has them all."""

STYLE = (
    "<style>.glacier-table{border-collapse:collapse;font-variant-numeric:tabular-nums;"
    "line-height:1.4}"
    # JupyterLab aligns cells right by default.
    ".glacier-table th,.glacier-table td{padding:3px 8px;text-align:left!important;"
    "vertical-align:top;border-bottom:1px solid rgba(128,128,128,.3);white-space:nowrap}"
    ".glacier-table td.num,.glacier-table th.num{text-align:right!important}"
    ".glacier-table td.long{white-space:normal;overflow-wrap:anywhere;min-width:10em}"
    ".glacier-scroll{max-height:26em;overflow:auto}"
    ".glacier-note{opacity:.8}</style>"
)


class Rendered:
    """A base class for objects displayed as plain text, and as HTML in a notebook."""

    def _repr_text(self) -> str:
        raise NotImplementedError

    def _repr_html(self) -> str:
        style = "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
        return f"<pre style='{style}'>{escape(self._repr_text())}</pre>"

    def __repr__(self) -> str:
        return self._repr_text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self._repr_text(), "text/html": self._repr_html()}


def visible(text: str) -> str:
    """Return *text* with control and bidirectional characters escaped, and account ids masked."""
    shown = "".join(c if c.isprintable() or c == " " else c.encode("unicode_escape").decode() for c in text)
    # A bidirectional override could disguise the suffix of a file name.
    shown = "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in ("Cf", "Cs") else c for c in shown)
    return mask_account(shown)


def escape(text: object) -> str:
    """Return *text* safe inside HTML."""
    lines = str(text).split("\n")  # visible() would escape line ends
    return html.escape("\n".join(visible(line) for line in lines), quote=True)


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Return rows of text in aligned columns; the columns *numbers* are right-aligned."""
    right = set(numbers)
    lines = [list(head), *([visible(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def html_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Iterable[int] = (),
    long: Iterable[int] = (0,),
) -> str:
    """Return rows of text as an HTML table; every cell is escaped.

    The columns *numbers* are right-aligned; only the columns *long* may wrap.
    """
    kinds = dict.fromkeys(numbers, "num")
    kinds |= {i: f"{kinds.get(i, '')} long".strip() for i in long}
    heads = "".join(
        f'<th scope="col" class="{kinds.get(i, "")}">{escape(cell)}</th>' for i, cell in enumerate(head)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{kinds.get(i, "")}">{escape(cell)}</td>' for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f'{STYLE}<table class="glacier-table"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def near(path: str) -> str:
    """Return a path relative to the current folder, or unchanged if it is not below it."""
    with suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd())) if path else ""
    return path


# The job board

BOARD = ("name", "state", "tier", "size", "asked", "expected", "progress", "file")


def board_cells(row: JobRow, snapshot: BoardSnapshot) -> tuple[str, ...]:
    """Return the cells of one row of the job board."""
    return (
        row.name,
        row.state,
        row.tier,
        human_bytes(row.size) if row.size is not None else "",
        local_time(row.asked, snapshot.now, zone=False),
        _when(row, snapshot),
        _progress(row),
        near(row.file) or row.error,
    )


def _when(row: JobRow, snapshot: BoardSnapshot) -> str:
    if row.state == "scheduled" and row.due:
        return f"due {weekday_time(row.due, snapshot.now)}"
    if row.state == "in progress" and row.expected:
        left = (row.expected - snapshot.now).total_seconds()
        if left <= 0:
            return "any moment"  # the expected time is only typical
        return f"{local_time(row.expected, snapshot.now, zone=False)} (in {human_duration(left)})"
    if row.state in ("ready", "downloading") and row.ready_until:
        left = (row.ready_until - snapshot.now).total_seconds()
        return f"kept {human_duration(left)} more"
    return ""


def _progress(row: JobRow) -> str:
    if row.state in ("verified", "unverified"):
        return "100 %"
    if row.state == "downloading" and row.size:
        words = f"{row.done / row.size:.0%}"
        if row.rate:
            words += f", {human_bytes(row.rate)}/s"
        return words if row.eta is None else f"{words}, {human_duration(row.eta)} left"
    return ""


def summary(snapshot: BoardSnapshot) -> str:
    """Return the number of jobs in each state, and the time of the snapshot, as one sentence."""
    if not snapshot.rows:
        return "No jobs: nothing has been requested."
    order = (
        "verified",
        "unverified",
        "downloading",
        "ready",
        "in progress",
        "requested",
        "scheduled",
        "held",
        "failed",
        "expired",
        "forgotten",
    )
    counts = [f"{snapshot.count(state)} {state}" for state in order if snapshot.count(state)]
    clock = "emulator time " if snapshot.virtual else ""
    as_of = f"as of {clock}{local_time(snapshot.now, datetime.now(UTC))}"
    words = f"{plural(len(snapshot.rows), 'job')}: {', '.join(counts)} ({as_of})"
    return f"{words}. {snapshot.note}" if snapshot.note else words


def _shown(snapshot: BoardSnapshot) -> tuple[list[tuple[str, ...]], str]:
    rows = [board_cells(row, snapshot) for row in snapshot.rows[:SHOWN]]
    more = len(snapshot.rows) - len(rows)
    return rows, f"and {more:,} more: .table has them all" if more > 0 else ""


def snapshot_text(snapshot: BoardSnapshot, title: str = "") -> str:
    """Return the board as plain text."""
    rows, more = _shown(snapshot)
    lines = [title] if title else []
    if rows:
        lines.append(text_table(BOARD, rows, numbers=(3,)))
    return "\n".join([*lines, *([more] if more else []), visible(summary(snapshot))])


def snapshot_html(snapshot: BoardSnapshot, title: str = "") -> str:
    """Return the board as HTML."""
    rows, more = _shown(snapshot)
    head = f"<p><b>{escape(title)}</b></p>" if title else ""
    table = html_table(BOARD, rows, numbers=(3,), long=(0, 5, 7)) if rows else STYLE
    foot = f'<p class="glacier-note">{escape(more)}</p>' if more else ""
    status = f'<p role="status">{escape(summary(snapshot))}</p>'
    return f'{head}{status}<div class="glacier-scroll">{table}{foot}</div>'
