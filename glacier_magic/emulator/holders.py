"""The processes that hold the emulator, each with a connection that stays open as long as it runs."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from glacier_magic.emulator.http import Response, json_response

FIRST = 30.0
"""Seconds for the first process to come: the one that started the server may have been killed."""

ENDING = b"ending"
"""The last bytes on a connection whose end stops the server."""


class Holders:
    """Counts the processes, and stops a server that nobody holds any more.

    :param stopping: set when the last process has ended; None for a server that runs until it is stopped.
    :param first: seconds in which the first process must come.
    """

    def __init__(self, stopping: threading.Event | None, first: float = FIRST) -> None:
        self._stopping = stopping
        self._lock = threading.Lock()
        self._count = 0
        self._held = False
        if stopping is not None:
            timer = threading.Timer(first, self._check_held)
            timer.daemon = True
            timer.start()

    def _check_held(self) -> None:
        if self._stopping is not None and not self._held:
            self._stopping.set()

    def hold(self) -> Response:
        """Return the response that keeps its connection open until the process ends or closes it."""
        response = json_response({"held": True})
        response.deliver = self._deliver
        return response

    def _deliver(self, connection: socket.socket, head: bytes, response: Response) -> None:
        with self._lock:
            self._count += 1
            self._held = True
        with suppress(OSError):  # of a killed process
            connection.sendall(head + response.body)
            connection.settimeout(None)
            while connection.recv(64):
                pass
        with self._lock:
            self._count -= 1
            ending = self._stopping if not self._count else None
            if ending is not None:
                ending.set()
        with suppress(OSError):
            connection.sendall(ENDING if ending else b"")
            connection.shutdown(socket.SHUT_WR)
