"""What will happen before it does: plans that show themselves and wait to be run."""

from .comparison import ComparePlan
from .delete import DeletePlan, DropPlan
from .model import Plan
from .restore import RestoreItem, RestorePlan

__all__ = ["ComparePlan", "DeletePlan", "DropPlan", "Plan", "RestoreItem", "RestorePlan"]
