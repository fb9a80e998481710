"""The handlers of requests below ``/glacier-magic/``, behind the authentication of the Jupyter server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.iostream import StreamClosedError

from ...errors import GlacierError, describe

if TYPE_CHECKING:
    from .panel_backend import PanelBackend
    from .server_app import GlacierLab

T = TypeVar("T")

HEARTBEAT = 15.0
"""Seconds without a change after which a comment is sent: proxies end silent connections."""
MOST = 10_000
"""Paths that one request may name."""
PAUSE = 1.0
"""Seconds between two looks at the catalogue while a page is open."""


class _Handler(APIHandler):
    """Answers in JSON; a thread works on the catalogue and with the service."""

    auth_resource = "glacier_magic"

    def backend(self) -> PanelBackend:
        """Return what does the work; called from threads."""
        return cast("GlacierLab", self.settings["glacier_magic"]).backend()

    async def answer(self, act: Callable[[], dict[str, Any]]) -> None:
        """Send what *act* returns in a thread, or its error without secrets."""
        try:
            found = await asyncio.to_thread(act)
        except GlacierError as error:
            self.set_status(400)
            found = {"message": str(error)}
        except Exception as error:
            self.log.exception("glacier_magic: %s", self.request.path)
            self.set_status(500)
            found = {"message": describe(error)}
        self.finish(json.dumps(found))

    def asked(self, name: str, kind: type[T]) -> T:
        """Return a field of the request's body.

        :raises tornado.web.HTTPError: it is missing, or of another type.
        """
        try:
            body = self.get_json_body()
        except UnicodeDecodeError:
            body = None
        value = body.get(name) if isinstance(body, dict) else None
        if not isinstance(value, kind):
            raise web.HTTPError(400, f"The request has no {name}")
        return value

    async def paths(self) -> list[Path]:
        """Return the files that the request names by their paths in the file browser.

        :raises tornado.web.HTTPError: one lies outside the server's root, or is hidden.
        """
        manager: Any = self.contents_manager
        found, given = [], self.asked("paths", list)
        if len(given) > MOST or not all(isinstance(name, str) for name in given):
            raise web.HTTPError(400, f"The paths are not at most {MOST:,} names: choose a folder instead")
        for name in (text.strip("/") for text in given):
            path = self.root / name
            if ".." in path.parts or "\0" in name or not path.is_relative_to(self.root):
                raise web.HTTPError(404, "A path is outside the folder of the server")
            try:
                hidden = not manager.allow_hidden and await ensure_async(manager.is_hidden(name))
            except OSError as error:  # such as a name that is too long
                raise web.HTTPError(404, f"A path cannot be looked up: {error.strerror}") from None
            if hidden:
                raise web.HTTPError(404, "A path is hidden")
            found.append(path)
        return found

    @property
    def root(self) -> Path:
        """The server's root, from which the names of archives start."""
        root = getattr(self.contents_manager, "root_dir", "")
        if not root:
            raise web.HTTPError(404, "The files of this server are not on its disk")
        return Path(root).absolute()


class _State(_Handler):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(lambda: self.backend().state())


class _Events(_Handler):
    """Sends the state at once and after each change, as server-sent events."""

    _track_activity = False  # a server with an open page counts as idle, and can be stopped
    _open = True

    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")
        sent, at = "", 0.0
        while self._open:
            text = await asyncio.to_thread(lambda: self.backend().text())
            if text != sent or time.monotonic() - at > HEARTBEAT:
                self.write(f"data: {text}\n\n" if text != sent else ":\n\n")
                sent, at = text, time.monotonic()
                try:
                    await self.flush()
                except StreamClosedError:
                    return
            await asyncio.sleep(PAUSE)

    def on_connection_close(self) -> None:
        self._open = False


class _Consent(_Handler):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        on = self.asked("on", bool)
        await self.answer(lambda: self.backend().consent(on))


class _Files(_Handler):
    """Compares the files that a request names with a vault, or plans their upload."""

    @web.authenticated
    @authorized
    async def post(self, what: str) -> None:
        place, vault = self.asked("place", str), self.asked("vault", str)
        paths, root = await self.paths(), self.root

        def act() -> dict[str, Any]:
            backend = self.backend()
            return (backend.verify if what == "verify" else backend.plan_upload)(place, vault, paths, root)

        await self.answer(act)


class _Upload(_Handler):
    @web.authenticated
    @authorized
    async def post(self, number: str) -> None:
        on = self.asked("on", bool)
        await self.answer(lambda: self.backend().send(number, on))


HANDLERS: list[tuple[str, type[APIHandler]]] = [
    (f"/glacier-magic/{place}", handler)
    for place, handler in (
        ("state", _State),
        ("events", _Events),
        ("consent", _Consent),
        ("(verify|uploads)", _Files),
        (r"uploads/([0-9a-f]{32})", _Upload),
    )
]
