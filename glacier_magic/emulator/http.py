"""The part of HTTP/1.1 that the service needs: reading requests, streaming bodies, writing responses.

The standard library's request handler parses headers as e-mail: 20 microseconds against 6.
"""

from __future__ import annotations

import hashlib
import io
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote

from glacier_magic.emulator import service_errors, service_limits, strict_json
from glacier_magic.emulator.chunk_reader import ChunkReader

_LINE = 1 << 16  # bytes of a header line
_HEADERS = 200  # headers of a request


class ConnectionDroppedError(Exception):
    """The connection must be reset without a response."""


class Body:
    """The body of a request, streamed as it arrives.

    :param chunked: the readers of its codings, the innermost first; empty for a plain body.
    """

    def __init__(
        self,
        stream: io.BufferedIOBase,
        length: int,
        go_on: Callable[[], None] | None,
        chunked: Sequence[ChunkReader] = (),
    ) -> None:
        self.length = length
        self.left = length
        self._chunked = chunked
        self._stream = chunked[0] if chunked else stream
        self._go_on = go_on
        self._document: bytes | None = None
        self.on_read: Callable[[int], None] = lambda _: None
        """Called before each read with the number of bytes left; a fault may strike there."""

    @property
    def waiting(self) -> bool:
        """Whether the client still waits for ``100 Continue`` before it sends the body."""
        return self._go_on is not None

    def fill(self, view: memoryview) -> None:
        """Fill *view* with the next bytes; raise ConnectionError if the client disconnects."""
        if self._go_on is not None:
            # Only now: the body of a request that is refused first is never sent.
            self._go_on()  # sends 100 Continue
            self._go_on = None
        self.on_read(self.left)
        got = 0
        while got < len(view):
            count = self._stream.readinto(view[got:])
            if not count:
                raise ConnectionResetError("The client closed the connection within a body.")
            got += count
        self.left -= got

    def read(self) -> bytes:
        """Return the whole body, which must be small; repeated calls return it again."""
        if self._document is None:
            data = bytearray(self.left)
            self.fill(memoryview(data))
            self._document = bytes(data)
        return self._document

    def drain(self) -> None:
        """Read and discard the rest, up to the client's next request."""
        piece = memoryview(bytearray(min(self.left, 1 << 20)))
        while self.left:
            self.fill(piece[: self.left])
        self.trailers()

    def trailers(self) -> dict[str, str]:
        """Read what follows the bytes of a chunked body; return the headers there."""
        found: dict[str, str] = {}
        for reader in self._chunked:
            if reader.read(1):
                raise ConnectionResetError("The body is longer than announced.")
            found |= reader.trailers
        return found


@dataclass(slots=True)
class Request:
    """A request as received: the path still encoded, header names in lower case."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: Body
    keep_alive: bool
    client: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The decoded query parameters; the last one of a repeated name."""
        return dict(self.query_pairs())

    def query_pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the decoded query parameters in their order."""
        for piece in self.query_string.split("&"):
            if piece:
                name, _, value = piece.partition("=")
                yield unquote(name), unquote(value.replace("+", " "))  # clients may encode a space as +

    def segments(self) -> tuple[str, ...]:
        """Return the decoded segments of the path."""
        return tuple(unquote(piece) for piece in self.path.split("/")[1:])

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body, of any content type; ``{}`` for an empty body."""
        if self.body.length > service_limits.JSON_BODY:
            raise service_errors.serialization("The request body is too long.")
        text = self.body.read()
        # The signature covers the header alone, so the body is compared with the header.
        signed, computed = self.headers.get("x-amz-content-sha256"), hashlib.sha256(text).hexdigest()
        if signed is not None and computed != signed.lower():
            raise service_errors.payload_mismatch(computed, signed)
        try:
            document = strict_json.parse(text) if text.strip() else {}
        except ValueError as error:
            raise service_errors.serialization("The request body is not valid JSON.") from error
        if not isinstance(document, dict):
            raise service_errors.serialization("The request body is not a JSON object.")
        return document


class BodySource(Protocol):
    """A source of response bytes other than memory."""

    @property
    def size(self) -> int:
        """The total number of bytes."""

    def chunks(self, start: int, count: int) -> Iterator[bytes]:
        """Yield the bytes from *start* on in pieces of at most 1 MiB."""

    def send(self, connection: socket.socket, start: int, count: int) -> None:
        """Send the bytes in the fastest way available."""

    def close(self) -> None:
        """Close open files."""


@dataclass(slots=True)
class Response:
    """A response; the body is *body*, or *count* bytes of *source* from *start* on."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    source: BodySource | None = None
    start: int = 0
    count: int = 0
    announced: int | None = None
    """The length of the body that is not sent, in a response to HEAD."""
    deliver: Callable[[socket.socket, bytes, Response], None] | None = None
    """Sends the response instead of the server; faults damage downloads with it."""

    @property
    def length(self) -> int:
        """The number of bytes in the body."""
        if self.announced is not None:
            return self.announced
        return len(self.body) if self.source is None else self.count

    def head(self, *, close: bool) -> bytes:
        """Return the status line and the headers."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines.extend(f"{name}: {value}" for name, value in self.headers.items())
        if self.status != HTTPStatus.NO_CONTENT:  # RFC 9110 forbids the header there
            lines.append(f"Content-Length: {self.length}")
        if close:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def json_response(document: object, status: int = 200) -> Response:
    """Return a compact JSON response with sorted keys, like the service."""
    # In ASCII: other characters are escaped.
    body = json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii")
    return Response(status, {"Content-Type": "application/json"}, body)


def error_response(error: service_errors.ServiceError) -> Response:
    """Return the response that carries *error*."""
    return Response(error.status, {"Content-Type": "application/json"} | error.headers, error.body())


def read_request(stream: io.BufferedIOBase, go_on: Callable[[], None]) -> Request | None:
    """Read the head of the next request; return None if the client has closed the connection.

    *go_on* is called before the first read of the body, if the client waits for ``100 Continue``.

    :raises ServiceError: the bytes received are not a valid HTTP request.
    """
    line = stream.readline(_LINE)
    while line in (b"\r\n", b"\n"):  # RFC 9112: ignore empty lines before a request
        line = stream.readline(_LINE)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _malformed("malformed request line")
    method, target, version = words
    headers = _read_headers(stream)
    path, _, query = _origin_form(target).partition("?")
    waits = headers.get("expect", "").lower() == "100-continue"
    body = _body(stream, headers, go_on if waits else None)
    return Request(method, path, query, headers, body, _keeps_alive(version, headers))


def _body(stream: io.BufferedIOBase, headers: dict[str, str], go_on: Callable[[], None] | None) -> Body:
    decoded = whole_number(headers.get("x-amz-decoded-content-length", ""))
    if decoded is None:
        return Body(stream, _content_length(headers), go_on)
    chunked: list[ChunkReader] = []
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunked.insert(0, ChunkReader(stream))
        stream = io.BufferedReader(chunked[0])
    if headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        chunked.insert(0, ChunkReader(stream))
    return Body(stream, decoded, go_on, chunked) if chunked else Body(stream, _content_length(headers), go_on)


def _read_headers(stream: io.BufferedIOBase) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_HEADERS):
        line = stream.readline(_LINE)
        if line in (b"\r\n", b"\n"):
            return headers
        # Any bytes decode, and the service reads headers as Latin-1 too.
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not line.endswith(b"\n"):  # longer than _LINE, or cut off by a disconnect
            raise _malformed("malformed header")
        name, value = name.strip().lower(), value.strip(" \t\r\n")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    raise _malformed("too many headers")


def _malformed(what: str) -> service_errors.ServiceError:
    return service_errors.bad_request(f"The request could not be read: {what}.")


def _origin_form(target: str) -> str:
    if target.startswith("/"):
        return target
    _, _, rest = target.partition("://")  # a client that takes the server for a proxy sends the whole URL
    _, slash, path = rest.partition("/")
    return slash + path or "/"


def _content_length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:  # the service documents no chunked uploads
        raise _malformed("chunked bodies are not accepted")
    text = headers.get("content-length", "0")
    length = whole_number(text)
    if length is None:
        raise service_errors.invalid(f"Invalid Content-Length: {text}")
    return length


def whole_number(text: str) -> int | None:
    """Return the number in *text*, which has 1 to 18 ASCII digits; None for any other text."""
    # Bounded, because int() raises ValueError for thousands of digits, and SQLite has 64 bits.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _keeps_alive(version: str, headers: dict[str, str]) -> bool:
    connection = headers.get("connection", "").lower()
    return connection != "close" if version != "HTTP/1.0" else connection == "keep-alive"
