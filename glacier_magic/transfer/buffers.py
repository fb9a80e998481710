"""Memory for parts: bounded, aligned to pages, and used again."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .budget import Stopped

LIMIT = 80 << 20
"""Bytes that all parts of a session hold together: five of 16 MiB."""


class Buffers:
    """Lends memory, and waits when too much is lent.

    A request larger than the limit is granted when nothing else is lent.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._free: list[mmap.mmap] = []
        self._lent = 0
        self._changed = threading.Condition()

    @contextmanager
    def lend(self, size: int, stop: threading.Event) -> Iterator[memoryview]:
        """Lend *size* bytes for the block.

        :raises Stopped: *stop* was set while waiting.
        """
        buffer = self.take(size, stop)
        try:
            yield memoryview(buffer)[:size]
        finally:
            self.give_back(buffer)

    def take(self, size: int, stop: threading.Event) -> mmap.mmap:
        """Lend a buffer of at least *size* bytes until :meth:`give_back`."""
        room = max(mmap.PAGESIZE, 1 << (size - 1).bit_length()) if size else mmap.PAGESIZE
        with self._changed:
            while self._lent and self._lent + room > self.limit:
                if stop.is_set():
                    raise Stopped
                self._changed.wait(0.2)
            self._lent += room
            for buffer in self._free:
                if len(buffer) == room:
                    self._free.remove(buffer)
                    return buffer
            self._free.clear()  # of another size: their memory is needed now
        return mmap.mmap(-1, room)

    def give_back(self, buffer: mmap.mmap) -> None:
        """Take a lent buffer back."""
        with self._changed:
            self._lent -= len(buffer)
            self._free.append(buffer)
            self._changed.notify_all()
