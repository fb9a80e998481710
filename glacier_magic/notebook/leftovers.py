"""Unfinished uploads as a card, with a button to resume them."""

from __future__ import annotations

import ipywidgets as widgets

from ..base.rendering import escape
from ..errors import describe
from ..transfer.progress import Report
from ..transfer.unfinished import Leftovers
from .display import Place, Record, SavedPlace, said, shown, unfolding
from .view import View, in_background

# The sentence below the table is as wide as the page; a wider table scrolls.
_WIDE = (
    "<style>.glacier-leftovers .widget-html-content{min-width:0;overflow-x:auto;line-height:1.4}"
    ".glacier-leftovers .widget-html{height:auto}</style>"
)


class LeftoversCard(View, widgets.VBox):  # type: ignore[misc]
    """The table of unfinished uploads, with a button to resume those of this catalogue."""

    what = "list of unfinished uploads"

    def __init__(self, leftovers: Leftovers) -> None:
        self._leftovers = leftovers
        self._resume = widgets.Button(
            description="Resume",
            button_style="primary",
            # The service lists uploads of other clients as well, whose files are not known here.
            disabled=not any(row.resumable for row in leftovers.rows),
            tooltip="Resume the uploads that this catalogue started",
        )
        self._resume.on_click(lambda _: self._start())
        self._status = widgets.HTML()
        self._place: Place | None = None
        table = widgets.HTML(_WIDE + leftovers._repr_mimebundle_()["text/html"])
        super().__init__([table, self._resume, self._status])
        self.add_class("glacier-leftovers")

    def show(self) -> None:
        """Display the card and its record in the running cell."""
        shown(self)
        table = self._leftovers._repr_mimebundle_()["text/html"]
        self._place = SavedPlace(unfolding(repr(self._leftovers), table))

    def _start(self) -> None:
        self._resume.disabled = True
        in_background(self._work)

    def _work(self) -> None:
        try:
            done = self._leftovers.resume(progress=self._observe)
        except Exception as error:  # in a thread, nothing else shows it
            self._say(describe(error))
        else:
            self._say(f"Stored: {', '.join(done['name'])}.")

    def _observe(self, report: Report) -> None:
        self._status.value = said(str(report))

    def _say(self, text: str) -> None:
        self._status.value = said(text)
        if self._place is not None:
            self._place.put(Record(text, f"<p>{escape(text)}</p>"))
