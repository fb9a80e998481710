"""Waiting for threads of the package."""

from __future__ import annotations

import threading


def finish(*names: str) -> None:
    """Wait for the threads of these names, and for those of them that they start."""
    while working := [thread for thread in threading.enumerate() if thread.name in names]:
        for thread in working:
            thread.join(30)
            assert not thread.is_alive()
