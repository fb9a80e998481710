"""Servers of tests: one that answers by a function, and one that passes requests on."""

import http.client
import http.server
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What a server answers."""

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: http.client.HTTPMessage
    body: bytes


@contextmanager
def answering(answer):
    """Serve ``answer(request)`` as long as the block runs; give the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = answer(Asked(self.command, self.path, self.headers, body))
            names = {name.lower() for name in given.headers}
            self.send_response_only(given.status)
            if "date" not in names:
                self.send_header("Date", self.date_time_string())
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True  # clients keep connections open

    with Server(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


def passed_on(url, request):
    """Return what the server at *url* answers to a request."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        found = connection.getresponse()
        headers = {k: v for k, v in found.getheaders() if k.lower() not in ("content-length", "connection")}
        return Answer(found.status, found.read(), headers)
    finally:
        connection.close()
