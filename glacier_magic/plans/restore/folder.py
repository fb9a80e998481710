"""The folder that a restore writes below: whether it has room, and can be written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from ...base.units import human_bytes
from ...errors import InputError, LocalError


def folder_named(name: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a folder that a user names; ``~`` is the home.

    :raises InputError: it cannot be a path.
    """
    try:
        if "\0" in os.fsdecode(name):
            raise ValueError("it has a character that no path can have")
        return Path(os.fsdecode(name)).expanduser().absolute()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{name!r:.80} is not a folder: {error}", cure="Name one, such as restored."
        ) from None


def room(folder: Path, needed: int) -> tuple[bool, str]:
    """Return whether *needed* bytes fit, and in words how many are free there and needed.

    A folder that is not there yet is made on the disk of the nearest one above it that is.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free
    words = f"{human_bytes(free)} free, {human_bytes(needed)} needed"
    return needed <= free, words if needed <= free else f"NOT ENOUGH: {words}"


def check(folder: Path, needed: int) -> None:
    """Refuse before anything is paid for where the files could not be written.

    :raises LocalError: the folder cannot be written, or has too little room.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LocalError(
            f"Nothing was asked for: {folder} cannot be written: {error.strerror or error}",
            cure="Name another folder with --to.",
        ) from None
    missing = shortage(folder, needed)
    if missing:
        raise LocalError(
            f"Nothing was asked for: {missing}", cure="Free some space, or name another folder with --to."
        )


def shortage(folder: Path, needed: int) -> str:
    """Return that there is no room for *needed* bytes; empty where there is."""
    enough, words = room(folder, needed)
    return "" if enough else f"there is no room in {folder}: {words}"
