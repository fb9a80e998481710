"""Settings of an account and its vaults: policies, locks, tags, capacity, notifications.

Reading a setting returns an object with a rich representation.  A change is idempotent, or a plan
that does nothing until it is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.on_first_use import importing

if TYPE_CHECKING:
    from .access_policy import AccessPolicy
    from .all_regions import VaultsEverywhere, look_everywhere
    from .change import Change
    from .documents import Document
    from .iam import IdentityPolicy
    from .notifications_table import NotificationsTable
    from .provisioned_capacity import Capacity
    from .retrieval_policy import RetrievalPolicy
    from .routing import Routing
    from .vault_lock import Lock
    from .vault_notifications import Notifications
    from .vault_tags import Tags

__all__ = [
    "AccessPolicy",
    "Capacity",
    "Change",
    "Document",
    "IdentityPolicy",
    "Lock",
    "Notifications",
    "NotificationsTable",
    "RetrievalPolicy",
    "Routing",
    "Tags",
    "VaultsEverywhere",
    "look_everywhere",
]

__getattr__ = importing(  # listing jobs needs none of them
    __name__,
    {
        "AccessPolicy": "access_policy",
        "Capacity": "provisioned_capacity",
        "Change": "change",
        "Document": "documents",
        "IdentityPolicy": "iam",
        "Lock": "vault_lock",
        "Notifications": "vault_notifications",
        "NotificationsTable": "notifications_table",
        "RetrievalPolicy": "retrieval_policy",
        "Routing": "routing",
        "Tags": "vault_tags",
        "VaultsEverywhere": "all_regions",
        "look_everywhere": "all_regions",
    },
)
