"""Whether the Jupyter server may watch, and can: remembered for each user."""

from __future__ import annotations

from pathlib import Path

from ..base.files import write_atomically
from ..base.paths import last_connection_file


def consent() -> bool:
    """Return whether the user wants the Jupyter server to go on with what a closed notebook leaves open."""
    return _file().exists()


def set_consent(on: bool) -> None:
    """Remember whether the Jupyter server goes on with what a closed notebook leaves open.

    :raises OSError: the user's folder cannot be written.
    """
    if on:
        write_atomically(_file(), "The Jupyter server goes on with what a closed notebook leaves open.\n")
    else:
        _file().unlink(missing_ok=True)


def offer() -> None:
    """Record that this process, a Jupyter server with the extension, honours :func:`consent`.

    :raises OSError: the user's folder cannot be written.
    """
    from ..catalogue.storage.owners import new_owner  # a server that starts imports this module

    write_atomically(_offers(), new_owner())


def withdraw() -> None:
    """Record that the Jupyter server ends."""
    _offers().unlink(missing_ok=True)


def offered() -> bool:
    """Return whether a Jupyter server runs that honours :func:`consent`."""
    from ..catalogue.storage.owners import is_dead

    try:
        return not is_dead(_offers().read_text("utf-8"))
    except (OSError, ValueError):  # there is none
        return False


def _offers() -> Path:
    return last_connection_file().with_name("server-offers")


def _file() -> Path:
    return last_connection_file().with_name("server-watches")
