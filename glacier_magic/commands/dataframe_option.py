"""The option ``--from``: archives of a DataFrame, or of a file with one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..client.selection import only_vault
from ..client.vault import Vault
from ..errors import InputError, LocalError
from .console import Console
from .grammar import Parser

if TYPE_CHECKING:
    import pandas as pd

    from ..client.selection import Selectable


def table_option(parser: Parser) -> None:
    """Add ``--from``."""
    parser.add_argument(
        "--from",
        dest="table",
        metavar="DF",
        help="the archives of a DataFrame with a column archive_id, by its variable's name; "
        "or of a .csv or .parquet file",
    )


def words_or_table(
    console: Console, args: Namespace, words: Sequence[str]
) -> tuple[Vault, Sequence[Selectable]]:
    """Return a vault and what selects archives of it: words, or the table of ``--from``.

    The vault is that of the line or of the table, else the one in use.

    :raises InputError: both are given, or the table does not exist or is of several vaults.
    """
    if args.table is None:
        return console.vault(args.vault), words
    if words:  # both could mean either their sum or their intersection
        raise InputError("Archives come from words or from a table", cure="Leave out one of them.")
    table = _table(console, args.table)
    return console.vault(args.vault or only_vault(table)), [table]


def _table(console: Console, name: str) -> Any:
    value = console.face.variable(name)  # a variable comes before a file of the same name
    if value is None:
        return _read(name)
    if isinstance(value, str):  # it would be a pattern
        raise InputError(f"{name} is a str, not a DataFrame", cure=f"Without --from it is a name: ${name}.")
    return value


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
