"""What will happen before it does: plans that show themselves and wait to be run."""

from .delete import DeletePlan, DropPlan
from .model import Plan
from .peeking import PeekPlan
from .ranged import RangedPlan
from .restore import RestoreItem, RestorePlan

__all__ = ["DeletePlan", "DropPlan", "PeekPlan", "Plan", "RangedPlan", "RestoreItem", "RestorePlan"]
