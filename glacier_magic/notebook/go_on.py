"""The box by which the Jupyter server continues what a closed notebook leaves open."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from ..watch.consent import consent, offered, set_consent
from .display import said


def go_on_box() -> list[widgets.Widget]:
    """Return the box and its error message if a running Jupyter server honours it, else an empty list."""
    if not offered():
        return []
    box = widgets.Checkbox(value=consent(), description="Continue when this notebook is closed", indent=False)
    box.tooltip = (
        "The Jupyter server downloads outputs as they become ready, with the profile of this connection"
    )
    trouble = widgets.HTML()

    def changed(change: dict[str, Any]) -> None:
        try:
            set_consent(bool(change["new"]))
            trouble.value = ""
        except OSError as error:
            trouble.value = said(f"The choice cannot be stored: {error.strerror}")

    box.observe(changed, "value")
    return [box, trouble]


def follow_consent(box: list[widgets.Widget]) -> None:
    """Show in what :func:`go_on_box` returned what the panel, or another notebook, has changed since."""
    for each in box[:1]:
        each.value = consent()
