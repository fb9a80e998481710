"""The extension of Jupyter Server: the requests of JupyterLab's panel, and the watcher of the server.

Jupyter Server finds it by ``jupyter_server_config.d/glacier_magic.json``.  Only this folder imports
``jupyter_server`` and ``tornado``.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Return what Jupyter Server loads."""
    from .server_app import GlacierLab

    return [{"module": __name__, "app": GlacierLab}]
