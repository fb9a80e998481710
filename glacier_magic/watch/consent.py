"""Whether the Jupyter server may watch: remembered for each user."""

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


def _file() -> Path:
    return last_connection_file().with_name("server-watches")
