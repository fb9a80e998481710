"""The user's consent to a watcher in the Jupyter server, and whether a server offers one."""

from __future__ import annotations

from pathlib import Path

from ..base.files import write_atomically
from ..base.paths import last_connection_file


def consent() -> bool:
    """Return whether the user wants the Jupyter server to continue what a closed notebook leaves open."""
    return _consent_file().exists()


def set_consent(on: bool) -> None:
    """Store whether the Jupyter server continues what a closed notebook leaves open.

    :raises OSError: the user's folder cannot be written.
    """
    if on:
        write_atomically(
            _consent_file(), "The Jupyter server goes on with what a closed notebook leaves open.\n"
        )
    else:
        _consent_file().unlink(missing_ok=True)


def offer() -> None:
    """Record that this process, a Jupyter server with the extension, honours :func:`consent`.

    :raises OSError: the user's folder cannot be written.
    """
    from ..catalogue.storage.owners import (
        new_owner,  # not at the start of a server, which imports this module
    )

    write_atomically(_offer_file(), new_owner())


def withdraw() -> None:
    """Remove the record of :func:`offer`, when the Jupyter server ends."""
    _offer_file().unlink(missing_ok=True)


def offered() -> bool:
    """Return whether a Jupyter server runs that honours :func:`consent`."""
    from ..catalogue.storage.owners import is_dead

    try:
        return not is_dead(_offer_file().read_text("utf-8"))
    except (OSError, ValueError):  # there is none
        return False


def _offer_file() -> Path:
    return last_connection_file().with_name("server-offers")


def _consent_file() -> Path:
    return last_connection_file().with_name("server-watches")
