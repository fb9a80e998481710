"""The extension of Jupyter Server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp

from .panel_handlers import HANDLERS
from .server_watcher import ServerWatcher

if TYPE_CHECKING:
    from .panel_backend import PanelBackend


class GlacierLab(ExtensionApp):
    """Answers the panel in JupyterLab, and runs a watcher while the server runs, if the user consents."""

    _backend: PanelBackend | None = None
    name = "glacier_magic"
    load_other_extensions = True

    def initialize_handlers(self) -> None:
        """Add the handlers of the panel, and start the thread that follows the consent."""
        self._making = threading.Lock()
        self.watcher = ServerWatcher()
        self.settings["glacier_magic"] = self
        self.handlers.extend(HANDLERS)
        self.watcher.start()

    def backend(self) -> PanelBackend:
        """Return what does the work for the panel, imported at the first request; called from threads."""
        with self._making:
            if self._backend is None:
                from .panel_backend import PanelBackend

                self._backend = PanelBackend(self.watcher)
            return self._backend

    async def stop_extension(self) -> None:
        """Stop the watcher and the uploads with the server."""
        if self._backend is not None:
            self._backend.close()
        self.watcher.close()
