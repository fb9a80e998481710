"""Plans: operations that show their effects, and do nothing until they are run."""

from .base import Plan, PlanLog
from .comparison import ComparePlan
from .delete.delete_plan import Deleted, DeletePlan
from .delete.drop_plan import DropPlan, EmptyPlan
from .delete.selection_plan import DestructivePlan
from .lasting_plan import LastingPlan
from .peek.peek_plan import PeekPlan
from .restore.combined_plan import CombinedRestore
from .restore.extend_plan import ExtendPlan
from .restore.items import RestoreItem
from .restore.quoting import TierOffer, Tiers
from .restore.restore_plan import RestorePlan
from .upload_plan import UploadPlan

__all__ = [
    "CombinedRestore",
    "ComparePlan",
    "DeletePlan",
    "Deleted",
    "DestructivePlan",
    "DropPlan",
    "EmptyPlan",
    "ExtendPlan",
    "LastingPlan",
    "PeekPlan",
    "Plan",
    "PlanLog",
    "RestoreItem",
    "RestorePlan",
    "TierOffer",
    "Tiers",
    "UploadPlan",
]
