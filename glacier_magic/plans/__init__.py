"""What will happen before it does: plans that show themselves and wait to be run."""

from .base import Memory, Plan
from .comparison import ComparePlan
from .delete.confirmed import Guarded
from .delete.delete_plan import Deleted, DeletePlan
from .delete.drop_plan import DropPlan, EmptyPlan
from .peek.peek_plan import PeekPlan
from .restore.combined_plan import SeveralRestores
from .restore.extend_plan import ExtendPlan
from .restore.items import RestoreItem
from .restore.quoting import TierOffer, Tiers
from .restore.restore_plan import RestorePlan

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
    "RestoreItem",
    "RestorePlan",
    "SeveralRestores",
    "TierOffer",
    "Tiers",
]
