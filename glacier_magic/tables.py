"""What the catalogue and the service know, as pandas DataFrames with fixed, typed columns.

``size`` is int64 bytes; times are UTC timestamps; the same columns and types when empty.
``attrs`` says which vault and as of when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .catalogue import ArchiveRecord
from .units import parse_time

if TYPE_CHECKING:
    import pandas as pd

ARCHIVES = (
    "name", "size", "created", "archive_id", "tree_hash", "description", "format", "mtime",
    "state", "vault",
)  # fmt: skip
VAULTS = ("vault", "archives", "size", "created", "inventory")
CAPACITY = ("unit", "start", "end")
STORED = ("name", "size", "state", "archive_id", "tree_hash", "path")


def _frame(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    kept = list(rows)
    return pd.DataFrame({name: [row[name] for row in kept] for name in columns})


def _typed(
    frame: pd.DataFrame, *, text: Sequence[str], whole: Sequence[str], times: Sequence[str]
) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    for name in text:
        frame[name] = frame[name].astype("str")
    for name in whole:
        frame[name] = frame[name].fillna(0).astype("int64")
    for name in times:
        milliseconds = frame[name].astype("Int64")
        frame[name] = pd.to_datetime(milliseconds, unit="ms", utc=True).astype(
            "datetime64[us, UTC]"
        )
    return frame


def archives(records: Iterable[ArchiveRecord]) -> pd.DataFrame:
    """Return archives as a DataFrame with the columns :data:`ARCHIVES`."""
    frame = _frame(ARCHIVES, ({name: getattr(r, name) for name in ARCHIVES} for r in records))
    text = [name for name in ARCHIVES if name not in ("size", "created", "mtime")]
    return _typed(frame, text=text, whole=["size"], times=["created", "mtime"])


def vaults(told: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return vaults as a DataFrame; counts and sizes are those of each vault's last inventory."""
    rows = (
        {
            "vault": vault["VaultName"],
            "archives": vault.get("NumberOfArchives"),
            "size": vault.get("SizeInBytes"),
            "created": parse_time(vault.get("CreationDate")),
            "inventory": parse_time(vault.get("LastInventoryDate")),
        }
        for vault in told
    )
    return _typed(
        _frame(VAULTS, rows), text=["vault"], whole=["archives", "size"],
        times=["created", "inventory"],
    )  # fmt: skip


def capacity(told: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return units of provisioned capacity as a DataFrame with the columns :data:`CAPACITY`."""
    rows = (
        {
            "unit": unit["CapacityId"],
            "start": parse_time(unit.get("StartDate")),
            "end": parse_time(unit.get("ExpirationDate")),
        }
        for unit in told
    )
    return _typed(_frame(CAPACITY, rows), text=["unit"], whole=[], times=["start", "end"])


def stored(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the outcome of an upload as a DataFrame with the columns :data:`STORED`."""
    text = [name for name in STORED if name != "size"]
    return _typed(_frame(STORED, rows), text=text, whole=["size"], times=[])
