"""The explorer of a snapshot, with a field for the key that opens its packs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as widgets

from ..explore.snapshot_explorer import SnapshotExplorer
from .explorer_view import ExplorerView


class SnapshotView(ExplorerView):
    """The panel of a snapshot's files; below it the key file, if the set is encrypted, and the plan."""

    def __init__(self, explorer: SnapshotExplorer, **options: Any) -> None:
        super().__init__(explorer, **options)
        if not explorer.set.recipients:
            return
        self._key = widgets.Combobox(
            description="Key file",
            value=str(explorer.key or ""),
            options=sorted(str(file) for file in Path().glob("*.key")),
            placeholder="for Recover",
            tooltip="The file that has the secret half of the key",
        )
        self._key.observe(self._name_key, "value")
        self.children = [self.panel, self._key, self._area]

    def _name_key(self, change: dict[str, Any]) -> None:
        explorer: Any = self._explorer
        explorer.key = change["new"].strip()
