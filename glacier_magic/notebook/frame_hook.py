"""How IPython shows the DataFrames of this package; others look as ever."""

from __future__ import annotations

import shutil
import uuid
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .frame_cells import is_shown
from .frame_record import record

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from .frame_table import FramePlaces

TERMINAL_ROWS = 60


class FrameHook:
    """A formatter for DataFrames."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._live = getattr(shell, "kernel", None) is not None
        self._places: FramePlaces | None = None

    def __call__(self, frame: pd.DataFrame) -> dict[str, Any] | None:
        """Return text and HTML, or None for what pandas shows."""
        if not is_shown(frame):
            return None
        if not self._live:
            width = shutil.get_terminal_size().columns
            return record(frame, rows=TERMINAL_ROWS, width=width)._repr_mimebundle_()
        token = uuid.uuid4().hex  # a saved notebook may be opened with another kernel
        shown = record(frame, token=token)._repr_mimebundle_()
        if len(frame):
            self._placed(token, frame)
        return shown

    def _placed(self, token: str, frame: pd.DataFrame) -> None:
        if self._places is None:
            # Importing ipywidgets takes a while.
            self._places = import_module(".frame_table", __package__).FramePlaces()
        assert self._places is not None
        self._places.add(token, frame)

    def close(self) -> None:
        """Close the tables on the page."""
        if self._places is not None:
            self._places.close()
