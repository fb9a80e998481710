"""What will happen before it does: plans that show themselves and wait to be run."""

from .delete import DeletePlan, DropPlan
from .extend import ExtendPlan
from .model import Memory, Plan
from .quoting import TierOffer, Tiers
from .restore import RestorePlan
from .restoring import RestoreItem
from .several import SeveralRestores

__all__ = [
    "DeletePlan",
    "DropPlan",
    "ExtendPlan",
    "Memory",
    "Plan",
    "RestoreItem",
    "RestorePlan",
    "SeveralRestores",
    "TierOffer",
    "Tiers",
]
