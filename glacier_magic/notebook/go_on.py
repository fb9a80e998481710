"""The box that lets the Jupyter server go on when the notebook is closed."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from ..watch.watching import consent, offered, set_consent
from .display import said


def go_on_box() -> list[widgets.Widget]:
    """Return the box, if a Jupyter server runs that honours it; else nothing.

    What is open says itself that ``glacier-magic watch`` goes on.
    """
    if not offered():
        return []
    box = widgets.Checkbox(value=consent(), description="Go on when this notebook is closed", indent=False)
    box.tooltip = "The Jupyter server fetches what becomes ready, with the profile of this connection"
    trouble = widgets.HTML()

    def changed(change: dict[str, Any]) -> None:
        try:
            set_consent(bool(change["new"]))
            trouble.value = ""
        except OSError as error:
            trouble.value = said(f"This cannot be remembered: {error.strerror}")

    box.observe(changed, "value")
    return [box, trouble]


def follow_consent(box: list[widgets.Widget]) -> None:
    """Show in what :func:`go_on_box` returned what the panel, or another notebook, has changed since."""
    for each in box[:1]:
        each.value = consent()
