"""What will happen before it does: plans that show themselves and wait to be run."""

from .delete import DeletePlan, DropPlan
from .model import Memory, Plan
from .quoting import TierOffer, Tiers
from .restore import RestorePlan
from .restoring import RestoreItem

__all__ = [
    "DeletePlan",
    "DropPlan",
    "Memory",
    "Plan",
    "RestoreItem",
    "RestorePlan",
    "TierOffer",
    "Tiers",
]
