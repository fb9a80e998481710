"""The Python interface: connections, sessions and vaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.on_first_use import importing

if TYPE_CHECKING:
    from .again import Reissue
    from .bucket import Bucket
    from .vault import Vault
    from .vault_drop import begin_drop, end_drop

__all__ = ["Bucket", "Reissue", "Vault", "begin_drop", "end_drop"]

__getattr__ = importing(  # a session that lists jobs needs none of them
    __name__,
    {
        "Bucket": "bucket",
        "Reissue": "again",
        "Vault": "vault",
        "begin_drop": "vault_drop",
        "end_drop": "vault_drop",
    },
)
