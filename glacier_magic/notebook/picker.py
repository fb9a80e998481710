"""A file picker for the kernel's computer."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import ipywidgets as widgets

from ..base.rendering import STYLE, escape, visible
from ..base.units import human_bytes
from .view import side_by_side

MOST = 1000
"""The most entries of a folder that are listed; any path can be typed."""

NEARBY = 20
"""The most folders that a field suggests; each is sent to the page."""

Chosen = Callable[[Sequence[str], bool], bool]
"""Called with the chosen paths and whether folders are recursive; returns whether it accepts them."""


class Picker(widgets.VBox):  # type: ignore[misc]
    """A folder's entries, with buttons to open a folder and to choose the marked entries.

    A path or glob can be typed instead.
    """

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self.folder = Path.cwd()  # the kernel's folder, which %cd changes
        self._where = widgets.HTML()
        self._typed = widgets.Text(
            description="Path",
            placeholder="files, globs, folders: ~/scans or *.tif",
            layout=widgets.Layout(width="auto"),
        )
        self._entries = widgets.SelectMultiple(
            description="Files", rows=6, layout=widgets.Layout(width="auto")
        )
        self._open = _button("Open folder", "Show the marked folder")
        self._up = _button("Up", "Show the folder above")
        self._add = _button("Add", "Choose the typed path, or the marked entries")
        self._below = widgets.Checkbox(description="include subfolders", value=True, indent=False)
        self._open.on_click(lambda _: self._go(self._marked_folder()))
        self._up.on_click(lambda _: self._go(self.folder.parent))
        self._add.on_click(lambda _: self._take())
        buttons = side_by_side(self._add, self._open, self._up, self._below)
        super().__init__([self._where, self._entries, self._typed, buttons])
        self._go(self.folder)

    def _marked_folder(self) -> Path:
        marked = [self.folder / name for name in self._entries.value]
        return next((path for path in marked if path.is_dir()), self.folder)  # the present one is read again

    def _go(self, folder: Path) -> None:
        try:
            found = _entries(folder)  # first: a folder that cannot be read leaves the list as it is
        except OSError as error:
            self.say(f"{folder} cannot be read: {error.strerror}")
            return
        self.folder = folder
        self._entries.options = found[:MOST]  # each option is sent to the page
        self._entries.value = ()
        more = len(found) - MOST
        self.say(f"{folder}" + (f" — the first {MOST:,} of {len(found):,}" if more > 0 else ""))

    def say(self, text: str) -> None:
        """Show a message above the entries."""
        self._where.value = f'{STYLE}<span role="status">{escape(text)}</span>'

    def _take(self) -> None:
        typed = self._typed.value.strip()
        words = [typed] if typed else [str(self.folder / name) for name in self._entries.value]
        if not words:
            self.say("Mark files or folders, or type a path.")
            return
        if self._chosen(words, self._below.value):  # what was refused stays, to be corrected
            self._typed.value = ""

    def left(self) -> str:
        """Return the next step for a path that was typed but not added; ``""`` if there is none."""
        typed = self._typed.value.strip()
        return f"{typed!r} is not added yet: press Add, or clear the field." if typed else ""


def folders(path: Path) -> list[str]:
    """Return the folders in *path* and beside it, :data:`NEARBY` at most, without hidden ones."""
    found = []
    for folder in (path, path.parent):
        with suppress(OSError), os.scandir(folder) as listing:  # it may not exist yet
            inside = (entry for entry in listing if not entry.name.startswith(".") and entry.is_dir())
            # A name with bytes that are not UTF-8 could not be sent to the page and back.
            found += sorted(entry.path for entry in inside if visible(entry.name) == entry.name)
    return found[:NEARBY]


def _button(text: str, tooltip: str) -> widgets.Button:
    return widgets.Button(description=text, tooltip=tooltip, layout=widgets.Layout(width="auto"))


def _entries(folder: Path) -> list[tuple[str, str]]:
    """Return (label, name) of the entries of a folder, folders first, without hidden ones."""
    folders, files = [], []
    with os.scandir(folder) as listing:
        for entry in listing:
            if entry.name.startswith("."):  # hidden, as in a file dialog
                continue
            shown = visible(entry.name)  # the label; the value keeps the bytes of the name
            if entry.is_dir():
                folders.append((f"{shown}/", entry.name))
            else:
                files.append((f"{shown}  ({_size(entry)})", entry.name))
    return [*sorted(folders), *sorted(files)]


def _size(entry: os.DirEntry[str]) -> str:
    try:
        return human_bytes(entry.stat().st_size)
    except OSError:
        return "cannot be read"  # such as a link without a target: no reason to hide the folder
