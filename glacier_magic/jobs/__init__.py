"""Retrieval jobs: requested once, followed by one poller, downloaded when ready."""

from .board import BoardSnapshot, JobRow
from .durations import OUTPUT_KEPT, TIERS, expected, kept_until, window
from .handles import Batch, InventoryJob, Job
from .tracker import Tracker

__all__ = [
    "OUTPUT_KEPT",
    "TIERS",
    "Batch",
    "BoardSnapshot",
    "InventoryJob",
    "Job",
    "JobRow",
    "Tracker",
    "expected",
    "kept_until",
    "window",
]
