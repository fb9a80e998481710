"""Choices side by side, one of which is chosen, by mouse or by the arrow keys."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from .row_table import source
from .view import View


class Choices(View, anywidget.AnyWidget):
    """A group of radio buttons.

    ``options`` has for each its value, its name, and more lines of text.
    """

    _esm = source("choices.js")
    label = traitlets.Unicode().tag(sync=True)
    options: Any = traitlets.List().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    what = "choice"
