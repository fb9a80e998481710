"""An archive, as uploads, inventories and other tools' records describe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...base.units import to_ms
from ...descriptions import decode, file_name
from . import identity


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveRecord:
    """An archive: times in milliseconds since 1970 UTC, size in bytes; ``labels`` have spaces between."""

    vault: str
    archive_id: str
    name: str
    description: str
    format: str
    mtime: int | None
    size: int | None
    created: int | None
    tree_hash: str | None
    state: str
    seen: int | None
    labels: str = ""
    note: str = ""

    @classmethod
    def described(cls, description: str, **known: Any) -> ArchiveRecord:
        """Return an archive whose name, mtime and format are decoded from its description."""
        decoded = decode(description)
        return cls(
            name=decoded.name,
            description=description,
            format=decoded.format,
            mtime=to_ms(decoded.mtime),
            **known,
        )

    @property
    def file_name(self) -> str:
        """The name of a file with its bytes: see :func:`~glacier_magic.descriptions.file_name`."""
        return self.name if self.format == "plain" else file_name(self.name, self.description)

    @property
    def bytes_key(self) -> str:
        """The same key for archives with the same bytes; the id where those are not known."""
        return identity.bytes_key(self.size, self.tree_hash) or self.archive_id
