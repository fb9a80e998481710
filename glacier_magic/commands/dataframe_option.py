"""The option ``--from``: archives of a DataFrame, or of a file with one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.units import plural
from ..catalogue import ArchiveRecord
from ..client.vault import Vault
from ..errors import InputError, LocalError, NameNotKnown
from ..steps import step
from .console import Console
from .grammar import Parser

if TYPE_CHECKING:
    import pandas as pd


def table_option(parser: Parser) -> None:
    """Add ``--from``."""
    parser.add_argument(
        "--from",
        dest="table",
        metavar="DF",
        help="the archives of a DataFrame with a column archive_id, by its variable's name; "
        "or of a .csv or .parquet file",
    )


def archives_of(console: Console, name: str, vault: str | None) -> tuple[Vault, list[ArchiveRecord]]:
    """Return the archives in a table, and their vault.

    :param vault: the vault; None for the table's, or the one in use.
    :raises InputError: the table does not exist, or has no archive ids or several vaults.
    :raises NameNotKnown: the catalogue does not know one of the archives.
    """
    table = _table(console, name)
    if "archive_id" not in table:
        raise InputError(
            f"{name} has no column archive_id", cure=f"{step('ls')} returns a table with this column."
        )
    # An archive that is listed twice is requested, and paid, once.
    ids = list(dict.fromkeys(str(each) for each in table["archive_id"].dropna()))
    if not ids:
        raise InputError(f"{name} lists no archive", cure="")
    chosen = console.vault(vault or _only_vault(name, table))
    found = console.session.catalogue.archives.known(chosen.name, ids)
    # Never a part of the table: the rest would be missed too late.
    _refuse_unknown(name, chosen.name, ids, found)
    return chosen, found


def _only_vault(name: str, table: pd.DataFrame) -> str | None:
    vaults = sorted(set(table["vault"].dropna())) if "vault" in table else []
    if len(vaults) > 1:  # a plan has one vault, and its jobs belong to it
        raise InputError(
            f"{name} lists archives of {plural(len(vaults), 'vault')}",
            cure=f"Select one: {name}[{name}['vault'] == {vaults[0]!r}].",
        )
    return str(vaults[0]) if vaults else None


def _refuse_unknown(name: str, vault: str, ids: Sequence[str], found: Sequence[ArchiveRecord]) -> None:
    if len(found) == len(ids):
        return
    known = {record.archive_id for record in found}
    missing = [each for each in ids if each not in known]
    raise NameNotKnown(
        f"{plural(len(missing), 'archive')} of {name} are not known in {vault!r}, the first "
        f"{missing[0][:12]}…"
    )


def _table(console: Console, name: str) -> pd.DataFrame:
    import pandas as pd

    value = console.face.variable(name)  # a variable comes before a file of the same name
    if isinstance(value, pd.DataFrame):
        return value
    if value is not None:
        raise InputError(f"{name} is a {type(value).__name__}, not a DataFrame", cure="")
    return _read(name)


def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(
            f"There is no DataFrame {name!r}, and no such file",
            cure="Name a variable of the notebook, or a .csv or .parquet file.",
        )
    try:
        if path.suffix.lower() == ".parquet":
            parquet: pd.DataFrame = pd.read_parquet(path)
            return parquet
        csv: pd.DataFrame = pd.read_csv(
            path, dtype="str", keep_default_na=False
        )  # an id may look like a number or "NA"
    except OSError as error:
        raise LocalError(f"{name} cannot be read: {error.strerror or error}") from None
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(f"{name} is not a table: {error}", cure="") from None
    return csv
