"""The extension of Jupyter Server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp

from .addresses import ADDRESSES
from .server_watcher import ServerWatcher

if TYPE_CHECKING:
    from .desk import LabDesk


class GlacierLab(ExtensionApp):
    """Answers the panel in JupyterLab, and runs a watcher while the server runs, if the user consents."""

    _desk: LabDesk | None = None
    name = "glacier_magic"
    load_other_extensions = True

    def initialize_handlers(self) -> None:
        """Add the addresses of the panel, and follow the consent in a thread: the server is starting."""
        self._making = threading.Lock()
        self.watcher = ServerWatcher()
        self.settings["glacier_magic"] = self
        self.handlers.extend(ADDRESSES)
        self.watcher.start()

    def desk(self) -> LabDesk:
        """Return what answers the panel, imported when a page first asks; called from threads."""
        with self._making:
            if self._desk is None:
                from .desk import LabDesk

                self._desk = LabDesk(self.watcher)
            return self._desk

    async def stop_extension(self) -> None:
        """Stop the watcher and the uploads with the server."""
        if self._desk is not None:
            self._desk.close()
        self.watcher.close()
