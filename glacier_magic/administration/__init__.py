"""What is set on an account and its vaults: policies, locks, tags, capacity, notifications.

Reading gives an object that shows itself; a change is idempotent, or a plan that is shown first
and does nothing until it is run.
"""

from .access import AccessPolicy
from .capacity import Capacity
from .change import Change
from .documents import Document
from .iam import IdentityPolicy
from .lock import Lock
from .notifications import Notifications
from .notifications_table import Notified
from .regions import VaultsEverywhere, look_everywhere
from .retrieval_policy import RetrievalPolicy
from .routing import Routing
from .tags import Tags

__all__ = [
    "AccessPolicy",
    "Capacity",
    "Change",
    "Document",
    "IdentityPolicy",
    "Lock",
    "Notifications",
    "Notified",
    "RetrievalPolicy",
    "Routing",
    "Tags",
    "VaultsEverywhere",
    "look_everywhere",
]
