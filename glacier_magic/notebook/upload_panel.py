"""The upload panel: files are chosen, and sent in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import ipywidgets as widgets

from ..base.rendering import STYLE, escape
from ..base.units import human_bytes, parse_rate
from ..errors import GlacierError, describe
from ..transfer.unfinished import Leftovers
from ..transfer.upload_queue import DONE, IDLE, PAUSED, PAUSING, SENDING, UploadDesk
from .display import Place, Record, SavedPlace, unfolding
from .file_list import FileList
from .job_board import INTERVAL, RECORDED, rate_text
from .leftovers import LeftoversCard
from .picker import Picker
from .view import View, in_background, side_by_side

THROUGH_THE_PAGE = 8 << 20
"""The most bytes of a file from the browser: Jupyter servers refuse messages over 10 MiB."""

_BUTTONS = {IDLE: "Start", SENDING: "Pause", PAUSING: "Pausing", PAUSED: "Continue", DONE: "Start"}


class UploadPanel(View, widgets.VBox):  # type: ignore[misc]
    """An upload queue, with the buttons that control it."""

    what = "upload panel"

    def __init__(self, desk: UploadDesk, leftovers: Leftovers | None = None) -> None:
        self._desk = desk
        self._guard = threading.Lock()
        self._last = self._recorded = 0.0
        self._place: Place | None = None
        self._own: Place | None = None
        self._picker = Picker(self._add)
        self._files = FileList(desk.HEAD, desk.NUMBERS, self._remove)
        self._summary = widgets.HTML()
        self._bar = widgets.HTML()
        self._run = widgets.Button(description="Start", button_style="primary")
        self._run.on_click(lambda _: self._clicked())
        self._rate = widgets.Text(
            description="Max rate",
            placeholder="10MB/s; empty: no limit",
            continuous_update=False,
            value=rate_text(desk.max_rate),
        )
        self._rate.observe(self._set_rate, "value")
        self._browser = widgets.FileUpload(
            description="From this browser",
            multiple=True,
            layout=widgets.Layout(width="auto"),
            tooltip=f"Files up to {human_bytes(THROUGH_THE_PAGE)}, sent immediately",
        )
        self._browser.observe(self._picked, "value")
        self._status = widgets.HTML()
        limits = widgets.HTML(
            f"{STYLE}<p class='glacier-note'>The list shows files of the computer that the kernel "
            f"runs on. A file from this browser is sent immediately, and may have up to "
            f"{human_bytes(THROUGH_THE_PAGE)}; drop larger files on JupyterLab's file browser "
            f"first.</p>"
        )
        rows = [
            widgets.HTML(f"{STYLE}<b>Upload to {escape(desk.vault)}</b>"),
            self._picker,
            side_by_side(self._run, self._rate, self._browser),
            self._status,
            self._summary,
            self._bar,
            self._files,
            limits,
        ]
        if leftovers is not None and leftovers.rows:
            rows.append(LeftoversCard(leftovers))
        super().__init__(rows)
        self.add_class("glacier-uploads")
        self._leave = desk.watch(self._changed)  # last: from now on, other threads call _write()
        self._write()

    def show(self) -> None:
        """Display the panel and its record in the running cell."""
        self._own = Place(self)
        self._place = SavedPlace(Record(repr(self._desk), self._desk._repr_html()))
        self._write()

    # What the user does

    def _add(self, words: Sequence[str], below: bool) -> bool:
        try:
            count = self._desk.add(words, recursive=below)
        except GlacierError as error:
            self._say(str(error))
            return False
        words = [] if count else ["The queue has these files already."]
        if left := self._desk.left_out:
            words.append(
                f"Left out: {left[0][0]}: {left[0][1]}{f', and {len(left) - 1:,} more' * (len(left) > 1)}."
            )
        self._say(" ".join(words))
        return True

    def _remove(self, key: str) -> None:
        try:
            self._desk.remove(key)
            self._say("")
        except GlacierError as error:
            self._say(str(error))

    def _clicked(self) -> None:
        try:
            if self._desk.state == SENDING:
                self._desk.pause()
                return
            # A rate that is not understood must not mean "no limit".
            words = self._mistake() or self._picker.left()
            self._say(words)
            if not words:
                self._desk.start()
        except GlacierError as error:
            self._say(str(error))

    def _mistake(self) -> str:
        """Return the error in the rate field; ``""`` if there is none."""
        try:
            parse_rate(self._rate.value.strip() or "none")
        except ValueError as error:
            return f"Max rate: {error}"
        return ""

    def _set_rate(self, _: object) -> None:
        mistake = self._mistake()
        if not mistake:
            self._desk.max_rate = parse_rate(self._rate.value.strip() or "none")
        self._say(mistake)
        self._write()

    def _picked(self, change: dict[str, Any]) -> None:
        files = [(str(file["name"]), bytes(file["content"])) for file in change["new"]]
        if files:
            in_background(self._send_picked, files)  # the kernel must not wait for the transfer

    def _send_picked(self, files: list[tuple[str, bytes]]) -> None:
        words = []
        for name, content in files:
            try:
                if len(content) > THROUGH_THE_PAGE:  # a server may be configured for larger messages
                    words.append(f"{name}: too large to send from the browser")
                    continue
                self._say(f"Sending {name} …")
                self._desk.send_content(name, content)
                words.append(f"{name}: stored, {human_bytes(len(content))}")
            except GlacierError as error:
                words.append(f"{name}: {error}")
            except Exception as error:  # in a thread, nothing else shows it
                words.append(f"{name}: {describe(error)}")
        self._say("; ".join(words))
        with self._guard:
            self._browser.value = ()  # otherwise the widget keeps the bytes in memory

    # What it shows

    def _say(self, text: str) -> None:
        with self._guard:
            self._status.value = f'{STYLE}<span role="status">{escape(text)}</span>' if text else ""

    def _changed(self) -> None:
        """Show a change; called from any thread, at most ten updates a second."""
        now = time.monotonic()
        if self._desk.state == SENDING and now - self._last < INTERVAL:  # the end of sending is always shown
            return
        self._write()

    def _write(self) -> None:
        desk = self._desk
        with self._guard:
            self._last = time.monotonic()
            state = desk.state
            self._run.description = _BUTTONS[state]
            stuck = state != SENDING and bool(self._mistake())  # Pause must work whatever the rate field has
            self._run.disabled = state == PAUSING or not desk.open or stuck
            self._bar.value = _bar(desk)
            self._summary.value = f'{STYLE}<p role="status">{escape(desk.summary())}</p>'
            free = () if state == PAUSING else ("waiting", "paused", "failed")  # neither sent nor stored
            self._files.show([(f.key, cells, f.state in free) for f, cells in desk.rows()], desk.more())
            if self._place is not None and (state != SENDING or self._last - self._recorded >= RECORDED):
                self._recorded = self._last
                self._place.put(self._record())

    def _record(self) -> Record:
        return unfolding(repr(self._desk), self._desk._repr_html(), self._desk.summary())

    def close(self) -> None:
        """Remove the panel from the page; the queue keeps sending."""
        self._leave()  # the desk outlives its panel
        super().close()


def _bar(desk: UploadDesk) -> str:
    if desk.report is None:
        return ""
    return (
        f'<progress max="1" value="{desk.report.fraction:.4f}" style="width:100%" '
        f'aria-label="All files together"></progress>'
    )


def panel_of(desk: UploadDesk) -> UploadPanel:
    """Return the panel of a queue, with the unfinished uploads if they can be listed."""
    left = None
    with suppress(GlacierError):
        left = desk.leftovers()  # an identity may lack the permission to list them
    return UploadPanel(desk, left)
