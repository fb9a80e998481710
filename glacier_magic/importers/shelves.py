"""The ``shelve`` of the GlacierVault class, ``~/.glaciervault.db``, and of early versions of bakthat.

It has two dictionaries: ``archives`` from file name to archive id and ``jobs`` from file name to
job id.  The file name is also the archive's description; the vault is not in the file.
Source: the published class, and a file that it wrote under Python 2.7.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from ..errors.scrubbing import scrub
from . import stores
from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, read_job, text

FORMAT = "GlacierVault's shelve"
_KEYS = {b"archives": "archives", b"jobs": "jobs"}
_DAMAGED = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Errors of the unpickler for bytes that are not a pickle, or a pickle of more than data."""


class _DataOnly(pickle.Unpickler):  # noqa: S301 - it refuses everything but data
    """Reads plain data: a pickle that names code could run it, and is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse."""
        raise pickle.UnpicklingError(f"it names {module}.{name}, and only plain data is read")


def recognises(file: SourceFile) -> bool:
    """Return whether a key-value file has one of the two dictionaries."""
    try:
        found = stores.entries(file.path)
    except stores.StoreError:
        return False
    return found is not None and not _KEYS.keys().isdisjoint(found)


def read(path: Path) -> Imported:
    """Return a reader of a shelf."""
    left = Left()
    found = stores.entries(path) or {}
    for key in found.keys() - _KEYS.keys():
        left.add(f"the key {key!a:.80}", "GlacierVault has no such key")
    shelf = {name: _dictionary(found.get(key), name, left) for key, name in _KEYS.items()}
    return Imported(
        format=FORMAT,
        source=path,
        items=_archives(shelf["archives"], left),
        jobs=_jobs(shelf["jobs"], left),
        left=left,
    )


def _dictionary(pickled: bytes | None, name: str, left: Left) -> dict[Any, Any]:
    """Return the dictionary in a pickle; the byte strings of Python 2 are decoded as UTF-8."""
    if pickled is None:
        return {}
    try:
        # Names may have any bytes.
        unpickler = _DataOnly(io.BytesIO(pickled), encoding="utf-8", errors="surrogateescape")
        value = unpickler.load()
    except _DAMAGED as error:
        left.add(f"all {name}", f"their pickle is unreadable: {scrub(error)}")
        return {}
    if isinstance(value, dict):
        return value
    left.add(f"all {name}", "they are not a dictionary")
    return {}


def _archives(archives: dict[Any, Any], left: Left) -> Iterator[ImportedArchive]:
    for name, archive_id in archives.items():
        if is_id(archive_id) and isinstance(name, str):
            yield ImportedArchive(archive_id=archive_id, name=text(name), description=text(name))
        else:
            left.add(f"{name!a:.80}", "its archive id is invalid")


def _jobs(jobs: dict[Any, Any], left: Left) -> Iterator[str]:
    for name, job_id in jobs.items():
        yield from read_job(name, job_id, left)
