"""Pieces of an inventory, read on several threads."""

import threading

from glacier_magic.inventories.pieces import Ordered
from tests.conftest import PATIENCE


def test_who_stops_early_waits_for_no_thread():
    """Least of all the garbage collector, in a thread that is about to begin: it would wait for ever."""
    go_on, first = threading.Event(), memoryview(b"first")

    def work(piece):
        assert piece == first or go_on.wait(PATIENCE)
        return bytes(piece)

    results = iter(Ordered(work, [first, *[memoryview(b"later")] * 100]))
    assert next(results) == (first, b"first")
    stopping = threading.Thread(target=results.close, daemon=True)
    stopping.start()
    stopping.join(PATIENCE / 2)
    waits = stopping.is_alive()
    go_on.set()
    assert not waits
