"""The files of an upload queue as a table with a button in each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from ..base.rendering import visible
from .row_table import few_changes, source
from .view import View


class FileList(View, anywidget.AnyWidget):
    """The first files of a queue.

    :param head: the labels of the columns, the first of which is the name.
    :param numbers: the places of right-aligned columns.
    :param remove: called with the key of a file whose button was pressed.
    """

    _esm = source("file_list.js")
    _css = source("file_list.css")
    head: Any = traitlets.List().tag(sync=True)
    numbers: Any = traitlets.List().tag(sync=True)
    files: Any = traitlets.List().tag(sync=True)
    moved = traitlets.Dict().tag(sync=True)
    more = traitlets.Unicode().tag(sync=True)
    what = "list of files"

    def __init__(self, head: Sequence[str], numbers: Sequence[int], remove: Callable[[str], None]) -> None:
        super().__init__(head=list(head), numbers=list(numbers))
        self._remove = remove
        self._numbers: dict[str, int] = {}  # a key may have bytes that cannot be sent
        self.on_msg(self._heard)

    def show(self, rows: Sequence[tuple[str, Sequence[str], bool]], more: str) -> None:
        """Show files: the key, the cells, and whether the file can be taken off the list."""
        files = [
            {
                "number": self._numbers.setdefault(key, len(self._numbers)),
                "cells": [visible(cell) for cell in cells],
                "removable": removable,
            }
            for key, cells, removable in rows
        ]
        moved = few_changes(self.files, files)
        with self.hold_sync():
            if moved is None:
                self.files = files
            self.moved, self.more = moved or {}, more

    def _heard(self, _: object, message: Mapping[str, Any], __: object) -> None:
        for key, number in list(self._numbers.items()):
            if message.get("kind") == "remove" and number == message.get("number"):
                self._remove(key)
