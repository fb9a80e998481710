"""Importing the records of other programs into the catalogue.

Each kind of file has its own module with ``FORMAT``, ``recognises`` and ``read``; to add one, write
such a module and add it to :data:`IMPORTERS`.  Files are recognised by their content, not by their
names, and are untrusted.  The samples in the tests were written by bakthat 0.6.0, by the code of
GlacierVault under Python 2.7 (and copied into the other kinds of shelf with Perl's bindings) and by
the emulator; those of glacier-cli, glacier-rsync, mt-aws-glacier and Synology follow the source of
these programs, or of others that read them.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..errors import InputError
from . import (
    bakthat_file,
    catalogue_file,
    exported,
    glacier_cli,
    glacier_rsync,
    inventory_file,
    mt_journal,
    names_table,
    shelves,
    stores,
    synology,
)
from .contents import refusal
from .imported import Imported, ImportedArchive, Importer, Left, SourceFile
from .names_table import of_frame
from .taking import ImportReport, take

__all__ = [
    "IMPORTERS",
    "ImportReport",
    "Imported",
    "ImportedArchive",
    "Importer",
    "Left",
    "of_frame",
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
    glacier_rsync,
    synology,
    names_table,  # after the tables with further columns
    shelves,  # last: it reads the whole file to recognise it
)
"""The importers in the order in which they are tried."""


OWN = (catalogue_file.FORMAT, exported.FORMAT)
"""The formats of glacier_magic."""


def recognise(path: str | PathLike[str]) -> Importer | None:
    """Return the importer of a file by its content, or None."""
    file = SourceFile(Path(path).expanduser())
    return next((importer for importer in IMPORTERS if importer.recognises(file)), None)


def read(path: str | PathLike[str]) -> Imported:
    """Return a reader of another program's record of archives.

    :param path: the file; for a ``shelve`` of several files, any of them or their common name.
    :raises InputError: the file does not exist or has an unknown format.
    """
    file = Path(path).expanduser()
    try:
        importer = recognise(file)
        if importer is not None:
            return importer.read(file)
        refused = refusal(SourceFile(file).head)
        if refused is not None:
            what, cure = refused
            raise InputError(f"{file} is {what}", cure=cure)
        damage = _damage(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}", cure="") from None
    if damage is None and not file.exists():
        raise InputError(f"There is no file {file}", cure="")
    kinds = "; ".join(importer.FORMAT for importer in IMPORTERS)
    raise InputError(
        f"{file} is not a record of archives in a known format{f': {damage}' if damage else ''}",
        cure=f"Formats that can be imported: {kinds}.",
    )


def _damage(file: Path) -> str | None:
    """Return the damage of a key-value file; None for another file, or one with other keys."""
    try:
        stores.entries(file)
    except stores.StoreError as error:
        return str(error)
    return None
