"""Cyclic redundancy checks by AWS's library, which is some hundred times as fast as :mod:`.crc`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

NativeCrc = Callable[[Any, int], int]
"""Returns the check of bytes that follow others with a check."""


@cache
def native_crc(name: str) -> NativeCrc | None:
    """Return the function of ``awscrt.checksums`` with that name; None where it is not installed."""
    try:
        function: NativeCrc = getattr(import_module("awscrt.checksums"), name)
    except (ImportError, AttributeError):
        return None
    return function
