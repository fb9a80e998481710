"""Coming from another program: its own record of what is stored, read for the catalogue.

Each kind of file has a module of its own here with ``FORMAT``, ``recognises`` and ``read``; a new
one is such a module and an entry in :data:`IMPORTERS`.  Files are told by their content, never by
their names, and trusted with nothing.  The examples in the tests were made by bakthat 0.6.0
itself, by GlacierVault's own steps under Python 2.7 (copied into the other kinds of shelf with
Perl's bindings of them) and by the emulator; those of glacier-cli and mt-aws-glacier follow their
source.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..errors import InputError
from . import bakthat_file, catalogue_file, exported, glacier_cli, inventory_file, mt_journal, shelves, stores
from .imported import Imported, ImportedArchive, ImportedJob, Importer, Left, SourceFile
from .taking import ImportReport, take

__all__ = [
    "IMPORTERS",
    "ImportReport",
    "Imported",
    "ImportedArchive",
    "ImportedJob",
    "Importer",
    "Left",
    "read",
    "recognise",
    "take",
]

IMPORTERS: tuple[Importer, ...] = (
    catalogue_file,
    exported,
    inventory_file,
    mt_journal,
    bakthat_file,
    glacier_cli,
    shelves,
)
"""The importers in the order in which they are tried."""


OWN = (catalogue_file.FORMAT, exported.FORMAT)
"""The formats of this very program."""


def recognise(path: str | PathLike[str]) -> Importer | None:
    """Return the importer of a file by its content, or None."""
    file = SourceFile(Path(path).expanduser())
    return next((importer for importer in IMPORTERS if importer.recognises(file)), None)


def read(path: str | PathLike[str]) -> Imported:
    """Begin to read another program's record of what is stored.

    :param path: the file; of a ``shelve`` that has several, any of them or their common name.
    :raises InputError: there is no such file, or it is none of the known kinds.
    """
    file = Path(path).expanduser()
    try:
        importer = recognise(file)
        if importer is not None:
            return importer.read(file)
        damage = _damage(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}", cure="") from None
    if damage is None and not file.exists():
        raise InputError(f"There is no file {file}", cure="")
    kinds = "; ".join(importer.FORMAT for importer in IMPORTERS)
    raise InputError(
        f"{file} is no record of archives that is known here{f': {damage}' if damage else ''}",
        cure=f"What can be imported: {kinds}.",
    )


def _damage(file: Path) -> str | None:
    """Return what is wrong with a key-value file; None where it is none, or holds other keys."""
    try:
        stores.entries(file)
    except stores.StoreError as error:
        return str(error)
    return None
