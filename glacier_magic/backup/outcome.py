"""What a run of a backup did."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.rendering import Rendered, visible
from ..base.units import human_bytes, plural
from ..catalogue.records.backup_rows import SnapshotRecord
from ..errors.steps import left_out

_SHOWN = 10
"""The most unread files that are displayed."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Ran(Rendered):
    """What a run did.

    :param snapshot: the new one; None where nothing was new.
    :param complaint: why the user's command after it failed; empty if it did not.
    :param unread: names and reasons of files that could not be read.
    """

    set: str
    snapshot: SnapshotRecord | None
    unread: tuple[tuple[str, str], ...]
    complaint: str = ""

    def _repr_text(self) -> str:
        if self.snapshot is None:
            lines = [f"{self.set}: nothing is new"]
        else:
            made = self.snapshot
            files = f"{plural(made.files or 0, 'file')}, {human_bytes(made.bytes or 0)}"
            lines = [f"{self.set}: snapshot {made.ordinal} of {files}; {human_bytes(made.added or 0)} stored"]
        lines += [f"not read: {name}: {reason}" for name, reason in self.unread[:_SHOWN]]
        lines += [left_out(len(self.unread) - _SHOWN), self.complaint]
        return "\n".join(visible(line) for line in lines if line)
