"""A real Jupyter server with the extension, once for these tests."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import wait_for_server

TOKEN = "a-token-of-these-tests"
OTHERS = ("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals")


@dataclass
class Server:
    """A running Jupyter server; ``root`` is the folder that its file browser shows."""

    url: str
    root: Path
    home: Path
    process: subprocess.Popen[bytes]

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)

    def send(
        self, method: str, place: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPResponse]:
        """Return status, document and response of a request with the token, or with other headers."""
        connection = self.connection()
        known = {"Authorization": f"token {TOKEN}"} if headers is None else headers
        text = None if body is None else json.dumps(body)
        connection.request(method, f"/{place}", text, known)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, json.loads(content) if content[:1] == b"{" else None, response

    def get(self, place: str) -> Any:
        status, document, _ = self.send("GET", f"glacier-magic/{place}")
        assert status == 200, document
        return document

    def post(self, place: str, /, **body: Any) -> Any:
        status, document, _ = self.send("POST", f"glacier-magic/{place}", body)
        assert status == 200, document
        return document


@pytest.fixture(scope="module")
def running_server(tmp_path_factory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@contextmanager
def running(base: Path, *, enabled: bool = True) -> Iterator[Server]:
    """Run a server in a folder; no other extension is loaded."""
    root, home = base / "root", base / "home"
    root.mkdir(exist_ok=True)  # it may be started again
    environment = {k: v for k, v in os.environ.items() if k[:4] not in ("AWS_", "JUPY", "GLAC")}
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "HOME"):
        environment[name] = str(base / name.lower())
    environment |= {"GLACIER_MAGIC_HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
    loaded = {"glacier_magic.notebook.lab": enabled} | dict.fromkeys(OTHERS, False)
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    command += [f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.jpserver_extensions={loaded}"]
    with (base / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=root)
    try:
        yield Server(
            wait_for_server(Path(environment["JUPYTER_RUNTIME_DIR"]), process, base / "server.log"),
            root,
            home,
            process,
        )
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def server(running_server, monkeypatch) -> Server:
    """The server; sessions of the test note their catalogues where it looks for them."""
    monkeypatch.setenv("GLACIER_MAGIC_HOME", str(running_server.home))
    return running_server
