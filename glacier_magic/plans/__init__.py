"""What will happen before it does: plans that show themselves and wait to be run."""

from .comparison import ComparePlan
from .delete import Deleted, DeletePlan
from .drop import DropPlan, EmptyPlan
from .extend import ExtendPlan
from .guarded import Guarded
from .model import Memory, Plan
from .peeking import PeekPlan
from .quoting import TierOffer, Tiers
from .ranged import RangedPlan
from .restore import RestorePlan
from .restoring import RestoreItem
from .several import SeveralRestores

__all__ = [
    "ComparePlan",
    "DeletePlan",
    "Deleted",
    "DropPlan",
    "EmptyPlan",
    "ExtendPlan",
    "Guarded",
    "Memory",
    "PeekPlan",
    "Plan",
    "RangedPlan",
    "RestoreItem",
    "RestorePlan",
    "SeveralRestores",
    "TierOffer",
    "Tiers",
]
