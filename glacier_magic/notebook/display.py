"""Records: the outputs that survive in a saved notebook, updated from any thread."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..base.rendering import Rendered, escape


class Record(Rendered):
    """A text and its HTML at one moment."""

    def __init__(self, text: str, html: str) -> None:
        self._text, self._html = text, html

    def _repr_text(self) -> str:
        return self._text

    def _repr_html(self) -> str:
        return self._html


def note(text: str) -> Record:
    """Return one line beside a result."""
    return Record(text, f'<p class="glacier-note">{escape(text)}</p>')


def said(text: str) -> str:
    """Return words as HTML that a screen reader tells when they change."""
    return f'<span role="status">{escape(text)}</span>'


def in_a_live_notebook(what: str) -> Record:
    """Return what stands for a widget where none can be shown; its record follows it."""
    return note(f"The {what} needs a live notebook; what it last showed follows.")


def shown(content: object, **options: Any) -> Any:
    """Display *content* in the cell that runs; return the handle, if one was asked for."""
    from IPython import display  # noqa: PLC0415 - costs time: imported when used

    show: Any = display.display
    return show(content, **options)


class Place:
    """One output of a cell that can be written anew, also while another cell runs."""

    def __init__(self, first: object) -> None:
        self._handle: Any = shown(first, display_id=True)
        self._last: dict[str, str] = {}

    def end(self, content: Rendered) -> None:
        """Show *content* if nothing was put here since the first."""
        if not self._last:
            self.put(content)

    def put(self, content: Rendered) -> None:
        """Show *content* instead, unless it is what is shown already."""
        bundle = content._repr_mimebundle_()
        if bundle == self._last or self._handle is None:
            return
        self._last = bundle
        with suppress(Exception):  # the page or its kernel may be gone; the work is not
            self._handle.update(content)
