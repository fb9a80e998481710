"""Plans: operations that show their effects, and do nothing until they are run."""

from .base import Plan, PlanLog
from .comparison import ComparePlan
from .delete.delete_plan import Deleted, DeletePlan
from .delete.drop_plan import DropPlan, EmptyPlan
from .delete.selection_plan import DestructivePlan
from .peek.peek_plan import PeekPlan
from .restore.combined_plan import CombinedRestore
from .restore.extend_plan import ExtendPlan
from .restore.items import RestoreItem
from .restore.quoting import TierOffer, Tiers
from .restore.restore_plan import RestorePlan

__all__ = [
    "CombinedRestore",
    "ComparePlan",
    "DeletePlan",
    "Deleted",
    "DestructivePlan",
    "DropPlan",
    "EmptyPlan",
    "ExtendPlan",
    "PeekPlan",
    "Plan",
    "PlanLog",
    "RestoreItem",
    "RestorePlan",
    "TierOffer",
    "Tiers",
]
