"""The Python interface: connections, sessions and vaults."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .again import Reissue
    from .bucket import Bucket
    from .vault import Vault
    from .vault_drop import begin_drop, end_drop

__all__ = ["Bucket", "Reissue", "Vault", "begin_drop", "end_drop"]

_HOMES = {
    "Bucket": "bucket",
    "Reissue": "again",
    "Vault": "vault",
    "begin_drop": "vault_drop",
    "end_drop": "vault_drop",
}


def __getattr__(name: str) -> Any:
    """Import the module of a name on first use: a session that lists jobs needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
