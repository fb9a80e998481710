"""The events of a watcher, one line each."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..jobs.board import BoardSnapshot, JobRow, RecordedRows

_WORDS = {
    "in progress": "requested {name}, {tier}",
    "ready": "ready: {name}",
    "verified": "downloaded and verified {name}: {file}",
    "unverified": "downloaded {name}, not verifiable: {file}",
    "expired": "expired: {name}",
    "failed": "failed: {name}: {error}",
}
_OTHERS = {
    ("inventory", "in progress"): "requested {name}",
    ("inventory", "verified"): "read {name}",
    ("drop", "in progress"): "started {name}: {error}",
    ("drop", "ready"): "{name}: {error}",
    ("drop", "done"): "finished {name}: {file}",
}


class Events:
    """Reports what has changed between snapshots of a tracker.

    :param say: called with the line of each event.
    """

    def __init__(self, first: BoardSnapshot, say: Callable[[str], None]) -> None:
        self._say, self._trouble, self._lock = say, "", threading.Lock()
        self._seen: RecordedRows = first.recorded
        self._states = {row.key: row.state for row in first.rows}

    def report(self, snapshot: BoardSnapshot) -> None:
        """Report what is new since the last snapshot; called from any thread."""
        with self._lock:
            self._report(snapshot)

    def _report(self, snapshot: BoardSnapshot) -> None:
        if snapshot.trouble != self._trouble:
            self._trouble = snapshot.trouble
            if self._trouble:
                self._say(self._trouble)
        if snapshot.recorded is self._seen:
            return
        self._seen = snapshot.recorded
        for row in snapshot.recorded.rows:
            before, self._states[row.key] = self._states.get(row.key), row.state
            if row.ours and row.state != before:
                self._one(row)

    def _one(self, row: JobRow) -> None:
        words = _OTHERS.get((row.kind, row.state)) or _WORDS.get(row.state)
        if words is not None:
            self._say(words.format_map(vars(row)).rstrip(": "))
