"""What all widgets have in common: the words that stand for them where they cannot be shown."""

from __future__ import annotations

from typing import Any

from .display import in_a_live_notebook


class View:
    """Mixed into a widget: instead of its constructor, text and HTML say what it would be."""

    what = "widget"
    """What it is, in words: "job board"."""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # the widget's own
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data.update(in_a_live_notebook(self.what)._repr_mimebundle_())
        return bundle
