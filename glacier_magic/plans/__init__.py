"""What will happen before it does: plans that show themselves and wait to be run."""

from .delete import DeletePlan, DropPlan
from .extend import ExtendPlan
from .model import Plan
from .restore import RestoreItem, RestorePlan
from .several import SeveralRestores

__all__ = [
    "DeletePlan",
    "DropPlan",
    "ExtendPlan",
    "Plan",
    "RestoreItem",
    "RestorePlan",
    "SeveralRestores",
]
