"""The job board: a live widget, and beside it the record that a saved notebook keeps."""

from __future__ import annotations

import threading
import time
from typing import Any

import ipywidgets as widgets

from ..jobs import Batch, Snapshot
from ..rendering import snapshot_html
from ..units import human_bytes, parse_rate
from .display import Place, Record, in_a_live_notebook
from .face import board_record

INTERVAL = 0.1  # seconds between two updates of a page


def _rate_in_words(rate: float | None) -> str:
    return "" if rate is None else f"{human_bytes(rate).replace(' ', '')}/s"


class JobBoard(widgets.VBox):  # type: ignore[misc]
    """One row a job, kept current from the tracker's thread until everything has ended."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._guard = threading.Lock()
        self._last = 0.0
        self._html = widgets.HTML()
        self._check = widgets.Button(
            description="Check now", tooltip="Ask the service about the jobs now"
        )
        self._check.on_click(lambda _: batch.tracker.wake())
        self._rate = widgets.Text(
            description="Max rate",
            value=_rate_in_words(batch.tracker.max_rate),
            placeholder="10MB/s; empty: no limit",
            continuous_update=False,
        )
        self._rate.observe(self._set_rate, "value")
        super().__init__([self._html, widgets.HBox([self._check, self._rate])])
        self._place: Place | None = None
        self._own: Place | None = None
        self._leave = batch.tracker.watch(self.report)
        self._write(batch.snapshot)

    def show(self) -> None:
        """Display the board and its record in the cell that runs."""
        own = Place(self)
        self.keep_in(Place(board_record(self._batch.snapshot, self._batch.title)), own)

    def keep_in(self, place: Place, own: Place | None) -> None:
        """Keep the record in *place* from now on.

        When everything has ended, the record takes the widget's own place: a page that is opened
        without a kernel then shows a table instead of a widget that is not there.
        """
        self._place, self._own = place, own
        self._batch.tracker.start()
        self.report(force=True)

    def report(self, _: Snapshot | None = None, *, force: bool = False) -> None:
        """Something changed: called from the tracker's thread, written ten times a second at most.

        The rows are this batch's own; the tracker's snapshot holds only the newest ended ones.
        """
        mine = self._batch.snapshot
        with self._guard:
            now = time.monotonic()
            if now - self._last < INTERVAL and not (force or mine.finished):
                return
            self._last = now
            self._write(mine)

    def _write(self, mine: Snapshot) -> None:
        self._html.value = snapshot_html(mine, self._batch.title)
        self._check.disabled = mine.finished
        if mine.finished and self._own is not None and self._place is not None:
            self._own.put(board_record(mine, self._batch.title, folded=False))
            self._place.put(Record("", ""))
        elif self._place is not None:
            self._place.put(board_record(mine, self._batch.title))

    def _set_rate(self, change: dict[str, Any]) -> None:
        try:
            self._batch.tracker.max_rate = parse_rate(change["new"])
        except ValueError as error:
            self._rate.placeholder = str(error)
            self._rate.value = _rate_in_words(self._batch.tracker.max_rate)

    def close(self) -> None:
        """Stop following the tracker, and take the board from the page."""
        self._leave()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data.update(in_a_live_notebook("job board")._repr_mimebundle_())
        return bundle
