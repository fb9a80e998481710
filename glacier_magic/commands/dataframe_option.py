"""The option ``--from``: archives of a DataFrame, or of a file with one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.tables import read_table
from ..client.selection import only_vault
from ..client.vault import Vault
from ..errors import InputError
from .console import Console
from .grammar import Parser

if TYPE_CHECKING:
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
    table = table_named(console, args.table)
    return console.vault(args.vault or only_vault(table)), [table]


def table_named(console: Console, name: str) -> Any:
    """Return the DataFrame of a variable of the notebook, else of a file.

    :raises InputError: there is neither, or it is no table.
    """
    value = console.face.variable(name)  # a variable comes before a file of the same name
    if isinstance(value, str):  # it would be a pattern
        raise InputError(f"{name} is a str, not a DataFrame", cure=f"Without --from it is a name: ${name}.")
    path = Path(name).expanduser()
    if value is None and not path.is_file():
        raise InputError(
            f"There is no DataFrame {name!r}, and no such file",
            cure="Name a variable of the notebook, or a .csv or .parquet file.",
        )
    return read_table(path) if value is None else value
