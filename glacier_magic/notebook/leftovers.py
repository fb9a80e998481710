"""Unfinished uploads as a card: go on with those that began here."""

from __future__ import annotations

import threading

import ipywidgets as widgets

from ..base.rendering import escape
from ..errors import GlacierError
from ..transfer.progress import Report
from ..transfer.unfinished import Leftovers
from .display import Place, Record, shown
from .view import View


class LeftoversCard(View, widgets.VBox):  # type: ignore[misc]
    """The table of unfinished uploads, with a Resume button where one can go on."""

    what = "list of unfinished uploads"

    def __init__(self, leftovers: Leftovers) -> None:
        self._leftovers = leftovers
        self._resume = widgets.Button(
            description="Resume",
            button_style="primary",
            disabled=not any(row.resumable for row in leftovers.rows),
            tooltip="Go on with the uploads that began here",
        )
        self._resume.on_click(lambda _: self._start())
        self._status = widgets.HTML()
        self._place: Place | None = None
        table = widgets.HTML(leftovers._repr_mimebundle_()["text/html"])
        super().__init__([table, self._resume, self._status])

    def show(self) -> None:
        """Display the card and its record in the cell that runs."""
        shown(self)
        text = repr(self._leftovers)
        table = self._leftovers._repr_mimebundle_()["text/html"]
        self._place = Place(
            Record(text, f"<details><summary>Kept in the saved notebook</summary>{table}</details>")
        )

    def _start(self) -> None:
        self._resume.disabled = True
        threading.Thread(target=self._work, name="glacier-resume", daemon=True).start()

    def _work(self) -> None:
        try:
            done = self._leftovers.resume(progress=self._observe)
        except GlacierError as error:
            self._say(f"{type(error).__name__}: {error}")
        except Exception as error:  # a thread has nobody to raise to
            self._say(f"{type(error).__name__}: {error}")
        else:
            self._say(f"Stored: {', '.join(done['name'])}.")

    def _observe(self, report: Report) -> None:
        self._status.value = f'<span role="status">{escape(report)}</span>'

    def _say(self, text: str) -> None:
        self._status.value = f'<span role="status">{escape(text)}</span>'
        if self._place is not None:
            self._place.put(Record(text, f"<p>{escape(text)}</p>"))
