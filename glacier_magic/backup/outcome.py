"""The outcome of a backup."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.rendering import Rendered, visible
from ..base.units import human_bytes, plural
from ..catalogue.records.backup_rows import SnapshotRecord
from ..errors.steps import left_out

_SHOWN = 10
"""The most unread files that are displayed."""


@dataclass(frozen=True, kw_only=True, repr=False)
class BackupOutcome(Rendered):
    """The outcome of a run.

    :param snapshot: the new one; None if nothing was new.
    :param hook_error: why the user's command after it failed; empty if it did not.
    :param unread: names and reasons of files that could not be read.
    """

    set: str
    snapshot: SnapshotRecord | None
    unread: tuple[tuple[str, str], ...]
    hook_error: str = ""

    def _repr_text(self) -> str:
        if self.snapshot is None:
            lines = [f"{self.set}: nothing is new"]
        else:
            made = self.snapshot
            files = f"{plural(made.files or 0, 'file')}, {human_bytes(made.bytes or 0)}"
            lines = [f"{self.set}: snapshot {made.ordinal} of {files}; {human_bytes(made.added or 0)} stored"]
        lines += [f"not read: {name}: {reason}" for name, reason in self.unread[:_SHOWN]]
        lines += [left_out(len(self.unread) - _SHOWN), self.hook_error]
        return "\n".join(visible(line) for line in lines if line)
