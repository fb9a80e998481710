"""Records of the catalogue and the service as pandas DataFrames with fixed, typed columns.

``size`` is int64 bytes; times are UTC timestamps; an empty frame has the same columns and types.
``attrs`` has the vault and the time of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .tables import ExactTable
from .units import from_ms, parse_time

if TYPE_CHECKING:
    import pandas as pd

ARCHIVES = (
    "name",
    "size",
    "created",
    "modified",
    "archive_id",
    "tree_hash",
    "description",
    "format",
    "labels",
    "note",
    "state",
    "vault",
)
VAULTS = ("vault", "archives", "size", "created", "inventory")
FOLDERS = ("path", "depth", "archives", "size", "oldest", "newest", "month", "month_usd", "vault")
VERSIONS = ("name", "version_id", "latest", "deleted", "size", "created", "storage_class", "etag", "vault")
CATALOGUED = ("account", "region", "vault", "archives", "size", "inventory", "read", "kept")
CHECKED = ("check", "problems", "detail", "cure")
DELETIONS = ("name", "size", "archive_id", "state", "error")
CAPACITY = ("unit", "start", "end")
STORED = ("name", "size", "state", "archive_id", "tree_hash", "path")
MEMBERS = ("name", "size", "modified", "kind", "offset", "packed", "written", "target", "encrypted")
MARK = "glacier_magic"
"""The key of ``attrs`` in the DataFrames of this package: a notebook shows them in its own way."""
LATEST = 9_000_000_000_000
"""Milliseconds from 1970 to the year 2255, near the end of timestamps in nanoseconds."""


def marked(frame: pd.DataFrame, **attrs: object) -> pd.DataFrame:
    """Return *frame* with :data:`MARK` and *attrs*, which masks, sorting and ``head()`` keep."""
    frame.attrs.update({MARK: True}, **attrs)
    return frame


def _frame(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    kept = list(rows)
    return pd.DataFrame({name: [row[name] for row in kept] for name in columns})


def _typed(
    frame: pd.DataFrame, *, text: Sequence[str], whole: Sequence[str], times: Sequence[str]
) -> pd.DataFrame:
    import pandas as pd

    for name in text:
        frame[name] = frame[name].astype(text_type())  # before pandas 3, "str" would make 'None' of None
    for name in whole:
        frame[name] = frame[name].fillna(0).astype("int64")  # int64 has no missing values
    for name in times:
        milliseconds = frame[name].astype("Int64")
        # One unit, whichever the installed pandas prefers.
        frame[name] = pd.to_datetime(milliseconds, unit="ms", utc=True).astype("datetime64[us, UTC]")
    return marked(frame)


def _exact(
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    frame: Callable[[list[Mapping[str, Any]]], pd.DataFrame],
    attrs: Mapping[str, object],
    *,
    whole: Sequence[str],
    times: Sequence[str],
) -> ExactTable:
    """Return the values of a DataFrame as a table that imports no pandas; its rows can be read again.

    :param frame: makes the DataFrame of the rows.
    """

    def value(name: str, found: Any) -> Any:
        if name in times:
            return from_ms(found)
        return found or 0 if name in whole else found

    kept = list(rows)
    exact = [[value(name, row[name]) for name in columns] for row in kept]
    return ExactTable(columns, [exact], lambda: marked(frame(kept), **attrs), attrs)


def text_type() -> Any:
    """Return the type of text over Arrow: ``str``, or its predecessor before pandas 3."""
    import pandas as pd

    if int(pd.__version__.partition(".")[0]) < 3:
        return pd.StringDtype("pyarrow")
    return pd.StringDtype("pyarrow", na_value=float("nan"))


def archives(records: Iterable[object]) -> pd.DataFrame:
    """Return archives as a DataFrame with the columns :data:`ARCHIVES`."""
    given = {"modified": "mtime"}
    frame = _frame(
        ARCHIVES, ({name: getattr(r, given.get(name, name)) for name in ARCHIVES} for r in records)
    )
    text = [name for name in ARCHIVES if name not in ("size", "created", "modified")]
    return _typed(frame, text=text, whole=["size"], times=["created", "modified"])


def vaults(listed: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return vaults as a DataFrame; counts and sizes are those of each vault's last inventory."""
    return _vaults(_described(listed))


def exact_vaults(listed: Iterable[Mapping[str, Any]], **attrs: object) -> ExactTable:
    """Return :func:`vaults` with these ``attrs`` as exact values."""
    return _exact(VAULTS, _described(listed), _vaults, attrs, **_OF_VAULTS)


_OF_VAULTS = {"whole": ["archives", "size"], "times": ["created", "inventory"]}


def _described(listed: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for vault in listed:
        yield {
            "vault": vault["VaultName"],
            "archives": vault.get("NumberOfArchives"),  # documented as null before the first inventory
            "size": vault.get("SizeInBytes"),
            "created": parse_time(vault.get("CreationDate")),
            "inventory": parse_time(vault.get("LastInventoryDate")),
        }


def _vaults(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    return _typed(_frame(VAULTS, rows), text=["vault"], **_OF_VAULTS)


def exact_versions(rows: Iterable[Mapping[str, Any]], vault: str) -> ExactTable:
    """Return versions of a bucket's objects as exact values, with the columns :data:`VERSIONS`."""
    named = ({**row, "vault": vault} for row in rows)
    return _exact(VERSIONS, named, _versions, {"vault": vault}, whole=["size"], times=["created"])


def _versions(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    text = ["name", "version_id", "storage_class", "etag", "vault"]
    frame = _frame(VERSIONS, rows).astype({"latest": bool, "deleted": bool})
    return _typed(frame, text=text, whole=["size"], times=["created"])


def folders(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return folders as a DataFrame with the columns :data:`FOLDERS`.

    ``month`` is the cost of a month of their storage for display, and ``month_usd`` the same in US
    dollars (Decimal); *unknown* and None if the price is unknown.
    """
    frame = _typed(_frame(FOLDERS, rows), text=["path", "month", "vault"], **_OF_FOLDERS)
    return frame.astype({"month_usd": "object"})


def exact_folders(rows: Iterable[Mapping[str, Any]], **attrs: object) -> ExactTable:
    """Return :func:`folders` with these ``attrs`` as exact values."""
    return _exact(FOLDERS, rows, folders, attrs, **_OF_FOLDERS)


_OF_FOLDERS = {"whole": ["depth", "archives", "size"], "times": ["oldest", "newest"]}


def catalogued(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the vaults of a catalogue, with the age of each, as a DataFrame."""
    return _typed(
        _frame(CATALOGUED, rows),
        text=["account", "region", "vault"],
        whole=["archives", "size", "kept"],
        times=["inventory", "read"],
    )


def checked(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the results of a catalogue check as a DataFrame."""
    return _typed(_frame(CHECKED, rows), text=["check", "detail", "cure"], whole=["problems"], times=[])


def capacity(units: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return units of provisioned capacity as a DataFrame with the columns :data:`CAPACITY`."""
    rows = (
        {
            "unit": unit["CapacityId"],
            "start": parse_time(unit.get("StartDate")),
            "end": parse_time(unit.get("ExpirationDate")),
        }
        for unit in units
    )
    return _typed(_frame(CAPACITY, rows), text=["unit"], whole=[], times=["start", "end"])


def stored(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the outcome of an upload as a DataFrame with the columns :data:`STORED`."""
    text = [name for name in STORED if name != "size"]
    return _typed(_frame(STORED, rows), text=text, whole=["size"], times=[])


def deletions(items: Iterable[object]) -> pd.DataFrame:
    """Return the archives of a deletion as a DataFrame with the columns :data:`DELETIONS`."""
    rows = ({name: getattr(item, name) or "" for name in DELETIONS} for item in items)
    frame = _frame(DELETIONS, ({**row, "size": row["size"] or None} for row in rows))
    return _typed(frame, text=[n for n in DELETIONS if n != "size"], whole=["size"], times=[])


def members(found: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the members of a zip or tar as a DataFrame with the columns :data:`MEMBERS`.

    ``size`` and ``packed`` are bytes and ``offset`` is the start of the entry, all nullable;
    ``modified`` is missing if the archive has only a local time, which is in ``written`` then.
    """
    given = {"modified": "mtime", "offset": "start"}
    frame = _frame(MEMBERS, ({n: row[given.get(n, n)] for n in MEMBERS} for row in found))
    frame["modified"] = [_within(time) for time in frame["modified"]]
    whole = ("size", "packed", "offset")
    frame = _typed(frame, text=["name", "kind", "written", "target"], whole=[], times=["modified"]).astype(
        dict.fromkeys(whole, "Int64")
    )
    return frame.astype({"encrypted": "bool"})


def _within(time: Any) -> int | None:
    """Return a time that a timestamp can hold, else None: an archive may contain any number."""
    if time is None or time != time or abs(time) > LATEST:  # noqa: PLR0124 - not a number
        return None
    return int(time)
