"""What will happen before it does: plans that show themselves and wait to be run."""

from .delete import Deleted, DeletePlan
from .drop import DropPlan, EmptyPlan
from .guarded import Guarded
from .model import Plan
from .restore import RestoreItem, RestorePlan

__all__ = [
    "DeletePlan",
    "Deleted",
    "DropPlan",
    "EmptyPlan",
    "Guarded",
    "Plan",
    "RestoreItem",
    "RestorePlan",
]
