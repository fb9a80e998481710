"""Records: outputs that a saved notebook keeps, updated from any thread."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..base.rendering import Rendered, escape


class Record(Rendered):
    """A text and its HTML."""

    def __init__(self, text: str, html: str) -> None:
        self._text, self._html = text, html

    def _repr_text(self) -> str:
        return self._text

    def _repr_html(self) -> str:
        return self._html


def note(text: str) -> Record:
    """Return a one-line note."""
    return Record(text, f'<p class="glacier-note">{escape(text)}</p>')


def unfolding(text: str, html: str, words: str = "") -> Record:
    """Return the record of a widget: in HTML, a line that unfolds to the whole of it."""
    line = f"Saved with the notebook: {words}" if words else "Saved with the notebook"
    return Record(text, f"<details><summary>{escape(line)}</summary>{html}</details>")


def said(text: str) -> str:
    """Return a text as HTML that screen readers announce when it changes."""
    return f'<span role="status">{escape(text)}</span>'


def in_a_live_notebook(what: str) -> Record:
    """Return the placeholder of a widget for pages that cannot show it."""
    return note(f"The {what} needs a live notebook; its last state follows.")


def shown(content: object, **options: Any) -> Any:
    """Display *content* in the running cell; return the handle, with ``display_id=True``."""
    from IPython import display  # noqa: PLC0415 - costs time: imported when used

    show: Any = display.display
    return show(content, **options)


class Place:
    """An output of a cell that can be replaced, even while another cell runs."""

    def __init__(self, first: object) -> None:
        self._handle: Any = shown(first, display_id=True)
        self._last: dict[str, str] = {}  # empty until the first update

    def put(self, content: Rendered) -> None:
        """Replace the content, unless it is the same."""
        bundle = content._repr_mimebundle_()
        if bundle == self._last or self._handle is None:  # each update is a message to the page
            return
        self._last = bundle
        with suppress(Exception):  # a closed page must not stop the work
            self._handle.update(content)


_HIDE = (
    "<style>.jp-OutputArea-child:has(.widget-vbox:not(.jupyter-widgets-disconnected))"
    "+.jp-OutputArea-child:has(.glacier-saved){display:none}</style>"
)


class SavedPlace(Place):
    """The output below a widget that a saved notebook shows instead of it.

    JupyterLab hides it while the widget is live.
    """

    def __init__(self, first: Rendered) -> None:
        super().__init__(_saved(first))

    def put(self, content: Rendered) -> None:
        """Replace the content, unless it is the same."""
        super().put(_saved(content))


def _saved(content: Rendered) -> Record:
    html = f'<div class="glacier-saved">{_HIDE}{content._repr_html()}</div>'
    return Record(content._repr_text(), html)
