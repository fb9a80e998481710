"""The base of all widgets: a placeholder for pages that cannot show them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from .display import in_a_live_notebook


def in_background(work: Callable[..., object], *args: object) -> None:
    """Run *work* in a thread, so that the kernel stays free for other cells."""
    # A kernel that is shut down must not wait for a transfer.
    threading.Thread(target=work, args=args, name="glacier-widget", daemon=True).start()


def side_by_side(*children: widgets.Widget) -> widgets.HBox:
    """Return widgets in a row, which wraps where the page is narrow."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


class View:
    """A mixin: the widget's text and HTML are a placeholder instead of its constructor."""

    what = "widget"
    """The kind of the widget, for the placeholder: "job board"."""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # the widget's own
        data = bundle[0] if isinstance(bundle, tuple) else bundle  # a tuple has the metadata as well
        if data is not None:
            # The formats beside the widget, which pages without a kernel show.
            data.update(in_a_live_notebook(self.what)._repr_mimebundle_())
        return bundle
