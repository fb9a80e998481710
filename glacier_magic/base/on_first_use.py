"""Packages that import the modules of their names on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def importing(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package, which imports the module of a name on its first use.

    :param homes: the module of each name, below the package.
    """

    def find(name: str) -> Any:
        if name not in homes:  # hasattr() and tools ask for names that do not exist
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # Not stored in the package: sys.modules makes the next time fast.
        return getattr(import_module(f".{homes[name]}", package), name)

    return find
