"""Plans: operations that show their effects, and do nothing until they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.on_first_use import importing

if TYPE_CHECKING:
    from .base import Plan, PlanLog
    from .comparison import ComparePlan
    from .delete.delete_plan import Deleted, DeletePlan, carry_out, deleter_of
    from .delete.drop_plan import DropPlan, EmptyPlan
    from .delete.selection_plan import DestructivePlan
    from .lasting_plan import LastingPlan
    from .onhold import OnHold
    from .past_plans import PastPlan, PlanHistory
    from .peek.peek_plan import PeekPlan
    from .restore.combined_plan import CombinedRestore
    from .restore.extend_plan import ExtendPlan
    from .restore.items import RestoreItem
    from .restore.quoting import TierOffer, Tiers
    from .restore.restore_plan import RestorePlan
    from .restore.timetable import Pace
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
    "OnHold",
    "Pace",
    "PastPlan",
    "PeekPlan",
    "Plan",
    "PlanHistory",
    "PlanLog",
    "RestoreItem",
    "RestorePlan",
    "TierOffer",
    "Tiers",
    "UploadPlan",
    "carry_out",
    "deleter_of",
]

__getattr__ = importing(  # a verb that only reads needs none of them
    __name__,
    {
        "CombinedRestore": "restore.combined_plan",
        "ComparePlan": "comparison",
        "DeletePlan": "delete.delete_plan",
        "Deleted": "delete.delete_plan",
        "DestructivePlan": "delete.selection_plan",
        "DropPlan": "delete.drop_plan",
        "EmptyPlan": "delete.drop_plan",
        "ExtendPlan": "restore.extend_plan",
        "LastingPlan": "lasting_plan",
        "OnHold": "onhold",
        "Pace": "restore.timetable",
        "PastPlan": "past_plans",
        "PeekPlan": "peek.peek_plan",
        "Plan": "base",
        "PlanHistory": "past_plans",
        "PlanLog": "base",
        "RestoreItem": "restore.items",
        "RestorePlan": "restore.restore_plan",
        "TierOffer": "restore.quoting",
        "Tiers": "restore.quoting",
        "UploadPlan": "upload_plan",
        "carry_out": "delete.delete_plan",
        "deleter_of": "delete.delete_plan",
    },
)
