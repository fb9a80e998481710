"""The widgets for objects, each imported when it is first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

VIEWS = {
    ("glacier_magic.plans.recover_plan", "RecoverPlan"): ("recover_form", "RecoverForm"),
    ("glacier_magic.plans.restore.restore_plan", "RestorePlan"): ("restore_form", "RestoreForm"),
    ("glacier_magic.plans.base", "Plan"): ("card", "PlanCard"),
    ("glacier_magic.jobs.handles", "Batch"): ("job_board", "JobBoard"),
    ("glacier_magic.transfer.unfinished", "Leftovers"): ("leftovers", "LeftoversCard"),
    ("glacier_magic.explore.snapshot_explorer", "SnapshotExplorer"): ("snapshot_view", "SnapshotView"),
    ("glacier_magic.explore.explorer", "Browser"): ("explorer_view", "ExplorerView"),
    ("glacier_magic.client.backup_sets", "BackupSets"): ("backup_panel", "BackupPanel"),
    ("glacier_magic.transfer.upload_queue", "UploadDesk"): ("upload_panel", "panel_of"),
}
"""The module and factory of a widget, by the module and name of a class."""


def view_of(found: object) -> Any:
    """Return the widget of an object.

    :raises TypeError: its class has none.
    """
    for kind in type(found).__mro__:  # the nearest class: a RestorePlan is a Plan, but has a form
        place = VIEWS.get((kind.__module__, kind.__name__))
        if place is not None:
            module, name = place
            # Not before it is shown: importing ipywidgets takes a while.
            return getattr(import_module(f".{module}", __package__), name)(found)
    raise TypeError(f"No widget shows a {type(found).__name__}")
