"""Tables and the job board as plain text and as safe HTML.

Names, descriptions and messages may come from anyone: everything is escaped, control characters are
made visible, and account ids are masked.
"""

from __future__ import annotations

import html
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors.scrubbing import mask_account
from ..errors.steps import SHELL, left_out, this_process
from .units import human_bytes, human_duration, local_time, plural

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
    ".glacier-table td small{display:block;opacity:.8}"
    ".glacier-table progress{display:block;width:9em;height:.6em}"
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
        return {"text/plain": self._repr_text(), "text/html": without_formulas(self._repr_html())}


def without_formulas(page: str) -> str:
    """Return HTML in which a notebook does not take the text between two prices for a formula."""
    return f'<div class="mathjax_ignore tex2jax_ignore">{page}</div>'


def visible(text: str) -> str:
    """Return *text* with control and bidirectional characters escaped, and account ids masked."""
    # Bidirectional characters, which could disguise the suffix of a file name, are not printable either.
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return mask_account(text)


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
    cells = ((escape(cell) for cell in row) for row in rows)
    return _markup_table(head, cells, dict.fromkeys(numbers, "num"), long)


def html_notes(notes: Iterable[str]) -> str:
    """Return sentences, such as those below a table, as HTML."""
    return "".join(f"<p class='glacier-note'>{escape(note)}</p>" for note in notes)


def _markup_table(
    head: Sequence[str], rows: Iterable[Iterable[str]], kinds: Mapping[int, str], long: Iterable[int]
) -> str:
    """Return rows of HTML as a table; *kinds* has the classes of columns."""
    classes = dict(kinds)
    classes |= {i: f"{classes.get(i, '')} long".strip() for i in long}
    heads = "".join(
        f'<th scope="col" class="{classes.get(i, "")}">{escape(cell)}</th>' for i, cell in enumerate(head)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{classes.get(i, "")}">{cell}</td>' for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f'{STYLE}<table class="glacier-table"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def near(path: str) -> str:
    """Return a path relative to the current folder, or unchanged if it is not below it."""
    # A comparison of texts first: a table has many paths, and most boards none below this folder.
    if not path or not os.path.normcase(path).startswith(os.path.normcase(Path.cwd())):
        return path
    with suppress(ValueError):
        below = str(Path(path).relative_to(Path.cwd()))
        return path if below == "." else below
    return path


# The job board

ICONS = {
    "verified": "✓",
    "unverified": "≈",
    "done": "✔",
    "downloading": "↓",
    "ready": "●",
    "in progress": "◔",
    "requested": "○",
    "scheduled": "◷",
    "held": "‖",
    "failed": "✕",
    "expired": "⊘",
    "forgotten": "◌",
}
"""The icon of each state, in the order of the summary."""

WARNING = "⚠"
"""Precedes a text that calls for an action."""
SOON = 2 * 3600
"""Seconds that an output is kept, below which its row has a warning."""


def board_cells(row: JobRow, snapshot: BoardSnapshot) -> dict[str, str]:
    """Return the cells of one row of the job board."""
    return {
        "name": row.name,
        "state": row.state,
        "progress": _progress(row),
        "expected": _when(row, snapshot),
        "tier": row.tier,
        "size": human_bytes(row.size) if row.size is not None else "",
        "asked": local_time(row.asked, snapshot.now, zone=False),
        "file": near(row.file or row.target),
    }


def fraction(row: JobRow) -> float | None:
    """Return how much of a running download is done, from 0 to 1; None in other states."""
    return min(1.0, row.done / row.size) if row.state == "downloading" and row.size else None


def _when(row: JobRow, snapshot: BoardSnapshot) -> str:
    if row.state == "scheduled" and row.due:
        return f"due {local_time(row.due, snapshot.now, zone=False)}"
    if row.state == "in progress" and row.expected:
        left = (row.expected - snapshot.now).total_seconds()
        if left <= 0:
            return "any moment"  # the expected time is only typical
        return f"{local_time(row.expected, snapshot.now, zone=False)} (in {human_duration(left)})"
    if row.state in ("ready", "downloading") and row.ready_until:
        left = (row.ready_until - snapshot.now).total_seconds()
        words = f"kept {human_duration(left)} more" if left > 0 else "may be gone any moment"
        return f"{WARNING} {words}" if left < SOON else words
    return ""


def _progress(row: JobRow) -> str:
    if row.state in ("verified", "unverified", "done"):
        return "100 %"
    done = fraction(row)
    if done is None:
        return ""
    left = "" if row.eta is None else f" · {human_duration(row.eta)} left"
    return f"{int(100 * done)} %{left}"  # rounded down: 100 % is complete


def summary(snapshot: BoardSnapshot) -> str:
    """Return the number of jobs in each state, and the time of the snapshot, as one sentence."""
    if not snapshot.rows:
        return "No jobs."
    counts = [f"{snapshot.count(state):,} {state}" for state in ICONS if snapshot.count(state)]
    as_of = board_time(snapshot.now, snapshot, datetime.now(UTC))
    words = f"{plural(len(snapshot.rows), 'job')}: {', '.join(counts)} (as of {as_of})"
    *before, last = filter(None, (words, snapshot.note, watched(snapshot)))
    return ". ".join([*(part.rstrip(".") for part in before), last])


def watched(snapshot: BoardSnapshot) -> str:
    """Return who watches what is open, and what is lost without that; ``""`` if nothing is open."""
    if snapshot.finished:
        return ""
    if snapshot.watched_by in _LASTING:
        return f"Watched by {_LASTING[snapshot.watched_by]}"
    lost, this = snapshot.recorded.first_lost, this_process()
    if lost is None or lost.lost_at is None:
        return f"Watched by {this} alone"
    goes = local_time(lost.lost_at, snapshot.now)
    return (
        f"Watched by {this} alone: when it ends, the output of {lost.name} is lost at {goes} "
        f"unless {SHELL} watch runs"
    )


_LASTING = {"server": "the Jupyter server", "watch": f"{SHELL} watch"}
"""The watchers that outlast a kernel or a command."""


def board_time(moment: datetime, snapshot: BoardSnapshot, now: datetime) -> str:
    """Return a time with its zone, marked if it is of an emulator's clock."""
    return local_time(moment, now) + (", emulator" if snapshot.virtual else "")


def _shown(snapshot: BoardSnapshot) -> tuple[Sequence[JobRow], str]:
    return snapshot.rows[:SHOWN], left_out(len(snapshot.rows) - SHOWN)


_LESS = ("tier", "size", "asked", "file")
"""Columns that a narrow terminal has no room for, the first to go first."""
_NAME = 24
"""Characters of a name for which other columns are left out."""


def snapshot_text(snapshot: BoardSnapshot, title: str = "", width: int | None = None) -> str:
    """Return the board as plain text.

    :param width: the most characters of a row; None for those of the terminal, if it is one.
    """
    jobs, more = _shown(snapshot)
    lines = [title] if title else []
    if jobs:
        room = width or shutil.get_terminal_size((10_000, 24)).columns  # a file takes all
        lines.append(_fitted([_text_cells(row, snapshot) for row in jobs], room))
    lines += [visible(f"{row.name}: {row.error}") for row in jobs if row.error]  # too long for a column
    return "\n".join([*lines, *([more] if more else []), visible(summary(snapshot))])


def _text_cells(row: JobRow, snapshot: BoardSnapshot) -> dict[str, str]:
    cells = board_cells(row, snapshot)
    cells["state"] = f"{ICONS[row.state]} {row.state}"
    cells["file"] = near(row.file)
    # What a running download still takes matters more than the day that its output is kept.
    until = cells.pop("expected")
    if until.startswith(WARNING) or not cells["progress"]:
        cells["progress"] = " · ".join(filter(None, [cells["progress"], until]))
    return cells


def _fitted(cells: Sequence[Mapping[str, str]], width: int) -> str:
    """Return a table of at most *width* characters: columns are left out, then names are cut."""
    shown = {name: [visible(row[name]) for row in cells] for name in cells[0]}
    wide = {name: max(map(len, (name, *column))) + 2 for name, column in shown.items() if any(column)}
    name = wide.pop("name")
    for less in _LESS:
        if sum(wide.values()) + min(name, _NAME + 2) > width:
            wide.pop(less, None)
    most = max(_NAME // 2, width - sum(wide.values()))
    # The end of a path distinguishes it.
    shown["name"] = [text if len(text) <= most else f"…{text[1 - most :]}" for text in shown["name"]]
    kept = ["name", *wide]
    return text_table(
        kept, zip(*(shown[key] for key in kept), strict=True), [kept.index(k) for k in kept if k == "size"]
    )


def snapshot_html(snapshot: BoardSnapshot, title: str = "") -> str:
    """Return the board as HTML."""
    jobs, more = _shown(snapshot)
    head = f"<p><b>{escape(title)}</b></p>" if title else ""
    rows = (_markup(row, snapshot) for row in jobs)
    table = _markup_table(("name", "state", "progress"), rows, {}, (0, 2)) if jobs else STYLE
    foot = f'<p class="glacier-note">{escape(more)}</p>' if more else ""
    status = f'<p role="status">{escape(summary(snapshot))}</p>'
    return f'{head}{status}<div class="glacier-scroll">{table}{foot}</div>'


def _markup(row: JobRow, snapshot: BoardSnapshot) -> tuple[str, ...]:
    """Return the cells of a row as HTML; the details are below the name, so that the table is narrow."""
    cells = _text_cells(row, snapshot)
    asked = f"requested {cells['asked']}" if cells["asked"] else ""
    details = " · ".join(filter(None, [cells["tier"], cells["size"], asked]))
    below = "".join(f"<small>{escape(text)}</small>" for text in (details, near(row.file), row.error) if text)
    done = fraction(row)
    bar = "" if done is None else f'<progress value="{done:.3f}" aria-label="{escape(row.name)}"></progress>'
    return (
        escape(row.name).replace("/", "/<wbr>") + below,
        escape(cells["state"]),
        bar + escape(cells["progress"]),
    )
