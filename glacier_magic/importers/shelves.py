"""The ``shelve`` of the GlacierVault class, ``~/.glaciervault.db``, and of bakthat's first years.

It has two dictionaries: ``archives`` from file name to archive id and ``jobs`` from file name to
job id.  The file name is also the archive's description; the vault is not in the file.  Values are
pickles: only texts, numbers and plain containers are taken from them, nothing that names code.
Rule from the class as published, and from a file it made under Python 2.7.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from ..scrubbing import scrub
from . import stores
from .imported import Imported, ImportedArchive, ImportedJob, Left, SourceFile, is_id, read_job, text

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
"""What the unpickler raises for bytes that are no pickle, or one that wants more than data."""


class _DataOnly(pickle.Unpickler):  # noqa: S301 - it refuses everything but data
    """Reads plain data; a pickle that names anything of Python's is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse."""
        raise pickle.UnpicklingError(f"it names {module}.{name}, and only plain data is read")


def recognises(file: SourceFile) -> bool:
    """Tell whether a key-value file has one of the two dictionaries."""
    try:
        found = stores.entries(file.path)
    except stores.StoreError:
        return False
    return found is not None and not _KEYS.keys().isdisjoint(found)


def read(path: Path) -> Imported:
    """Begin to read a shelf."""
    left = Left()
    found = stores.entries(path) or {}
    for key in found.keys() - _KEYS.keys():
        left.add(f"the key {key!a:.80}", "GlacierVault has no such key")
    shelf = {name: _dictionary(found.get(key), name, left) for key, name in _KEYS.items()}
    return Imported(
        format=FORMAT,
        source=path,
        items=_archives(shelf["archives"], left),
        jobs=_jobs(shelf["jobs"], shelf["archives"], left),
        left=left,
    )


def _dictionary(pickled: bytes | None, name: str, left: Left) -> dict[Any, Any]:
    """Return the dictionary in a pickle; bytes in it, Python 2's texts, are taken as UTF-8."""
    if pickled is None:
        return {}
    try:
        unpickler = _DataOnly(io.BytesIO(pickled), encoding="utf-8", errors="surrogateescape")
        value = unpickler.load()
    except _DAMAGED as error:
        left.add(f"all {name}", f"their pickle cannot be read: {scrub(error)}")
        return {}
    if isinstance(value, dict):
        return value
    left.add(f"all {name}", "they are no dictionary")
    return {}


def _archives(archives: dict[Any, Any], left: Left) -> Iterator[ImportedArchive]:
    for name, archive_id in archives.items():
        if is_id(archive_id) and isinstance(name, str):
            yield ImportedArchive(archive_id=archive_id, name=text(name), description=text(name))
        else:
            left.add(f"{name!a:.80}", "its archive id is none")


def _jobs(jobs: dict[Any, Any], archives: dict[Any, Any], left: Left) -> Iterator[ImportedJob]:
    for name, job_id in jobs.items():
        yield from read_job(name, job_id, archives.get(name), left)
