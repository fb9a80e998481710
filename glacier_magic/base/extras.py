"""Libraries that only some users need, which an extra of this package installs."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..errors import InputError


def library(name: str, extra: str) -> ModuleType:
    """Return a library, imported now.

    :raises InputError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise missing(name, extra) from None


def missing(name: str, extra: str) -> InputError:
    """Return the error for a library that is not installed."""
    return InputError(
        f"This needs {name}, which is not installed", cure=f"Install it: pip install 'glacier_magic[{extra}]'"
    )
