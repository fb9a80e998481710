"""The server: one thread per connection, which handles its requests in turn."""

from __future__ import annotations

import socket
import socketserver
import struct
import sys
import threading
import time
from typing import Any, cast

from glacier_magic.emulator import control, service_errors
from glacier_magic.emulator.holders import Holders
from glacier_magic.emulator.http import (
    ConnectionDroppedError,
    Request,
    Response,
    error_response,
    read_request,
)
from glacier_magic.emulator.service import EmulatedService

_IDLE = 75.0
"""Real seconds that a connection may be idle."""

_SLOW = 20.0
"""Real seconds that a body may pause before the request times out."""

_PATIENT = 600.0
"""Real seconds that a client may pause while it reads a response."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves one :class:`~glacier_magic.emulator.service.EmulatedService`."""

    daemon_threads = True
    block_on_close = False  # idle connections must not delay a stop
    request_queue_size = 128  # clients open many connections at once
    # On Windows the option would let a second server take the same port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(
        self,
        address: tuple[str, int],
        service: EmulatedService,
        *,
        verbose: bool = False,
        until_unused: bool = False,
    ) -> None:
        self.service = service
        self.verbose = verbose
        self.stopping = threading.Event()
        self.holders = Holders(self.stopping if until_unused else None)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Connection)

    @property
    def url(self) -> str:
        """The URL of the service."""
        host, port = cast("tuple[str, int]", self.server_address[:2])
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound to
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnected; report everything else, which is an emulator bug."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Connection(socketserver.StreamRequestHandler):
    server: Server
    rbufsize = 1 << 16  # fewer system calls for large bodies
    timeout = _IDLE
    disable_nagle_algorithm = True  # small responses would wait for the client's delayed ACK

    def handle(self) -> None:
        try:
            while self._one():
                pass
        except ConnectionDroppedError:
            linger = struct.pack("ii", 1, 0)  # closing then sends a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        except (ConnectionError, TimeoutError):
            pass

    def _one(self) -> bool:
        """Handle one request; return whether another one may follow."""
        try:
            request = read_request(self.rfile, self._go_on)
        except service_errors.ServiceError as error:
            self._send(self.server.service.sign(error_response(error)), False)
            return False
        if request is None:
            return False
        request.client = self.client_address[0]
        return self._answer(request)

    def _answer(self, request: Request) -> bool:
        self.connection.settimeout(_SLOW)
        try:
            response = self._respond(request)
        except TimeoutError:
            late = error_response(service_errors.request_timeout())
            self._send(self.server.service.sign(late), False)
            return False
        # The response is sent before the rest of a refused body is read: a client that writes the
        # whole body first finds the response afterwards, whatever the size.
        unsent = request.body.left > 0 and request.body.waiting
        keep = request.keep_alive and not unsent
        self.connection.settimeout(_PATIENT)
        try:
            self._send(response, keep)
        finally:
            if response.source is not None:
                response.source.close()
        if not unsent:
            request.body.drain()
        self.connection.settimeout(_IDLE)
        self._log(request, response)
        return keep

    def _respond(self, request: Request) -> Response:
        if request.path.startswith("/_emulator"):
            server = self.server
            bound = cast("tuple[str, int]", server.server_address[:2])
            return control.answer(server.service, server.stopping, server.holders, request, bound)
        response = self.server.service.answer(request)
        time.sleep(self.server.service.options.latency)  # --latency
        return response

    def _go_on(self) -> None:
        self.connection.sendall(_CONTINUE)

    def _send(self, response: Response, keep: bool) -> None:
        head = response.head(close=not keep)
        if response.deliver is not None:
            response.deliver(self.connection, head, response)
        elif response.source is None:
            self.connection.sendall(head + response.body)
        else:
            self.connection.sendall(head)
            response.source.send(self.connection, response.start, response.count)

    def _log(self, request: Request, response: Response) -> None:
        if self.server.verbose:
            line = f"{request.method} {request.path} -> {response.status}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - it is what this function is for
