"""An archive that was stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..base.facts import Described, Facts
from ..base.units import human_bytes, local_time, short_id


@dataclass(frozen=True, kw_only=True, repr=False)
class Archive(Described):
    """A stored archive: id, name, size in bytes, tree hash and creation time (aware, UTC)."""

    id: str
    name: str
    size: int
    tree_hash: str
    created: datetime | None
    vault: str

    def _title(self) -> str:
        return f"Archive {self.name!r}"

    def _facts(self) -> Facts:
        return [
            ("vault", self.vault),
            ("size", f"{human_bytes(self.size)} ({self.size:,} bytes)"),
            ("created", local_time(self.created)),
            ("id", short_id(self.id)),
            ("tree hash", short_id(self.tree_hash)),
        ]
