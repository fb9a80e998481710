"""Looking into the catalogue: listing, finding, adding up, comparing.  Nothing is asked for."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from ..base.units import human_bytes, plural
from ..catalogue.archives.query import SORTABLE
from ..catalogue.archives.states import STATES
from ..errors import NameNotKnown
from .archives import age, as_of, vault_option
from .console import Console
from .grammar import Parser, Verb

if TYPE_CHECKING:
    import pandas as pd


def _whole(least: int, most: int, what: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text[:20]) <= most:
            raise ArgumentTypeError(f"not {what}: {text!r}")
        return int(text)

    return parse


def _limit_option(parser: Parser) -> None:
    parser.add_argument(
        "--limit", metavar="N", type=_whole(0, 10**18, "a number of rows"), help="rows at most"
    )


def _configure_ls(parser: Parser) -> None:
    parser.add_argument(
        "glob", nargs="?", metavar="GLOB",
        help="names; * matches / too, folder/ is all below it; name: and an exact name; id: and "
        "the beginning of an archive id",
    )  # fmt: skip
    parser.add_argument(
        "--where", metavar="CONDITION", help="such as \"size > 1e9 and created < '2016'\""
    )
    parser.add_argument(
        "--sort", metavar="COLUMNS", help="such as -size,name: largest first, then by name"
    )
    _limit_option(parser)
    parser.add_argument(
        "--as-of", metavar="DATE", help="as the newest inventory until then lists them"
    )
    parser.add_argument(
        "--state", metavar="STATES",
        help=f"of {', '.join(STATES)}; commas between; default: present,pending,unknown",
    )  # fmt: skip
    vault_option(parser)


def _ls(console: Console, args: Namespace) -> pd.DataFrame:
    table = console.vault(args.vault).archives(
        args.glob,
        where=args.where,
        sort=args.sort,
        limit=args.limit,
        as_of=args.as_of,
        states=None if args.state is None else args.state.split(","),
    )
    console.face.note(as_of(console, table))
    return table


def _configure_find(parser: Parser) -> None:
    parser.add_argument("text", metavar="TEXT", help="what the name holds anywhere")
    _limit_option(parser)
    vault_option(parser)


def _find(console: Console, args: Namespace) -> pd.DataFrame:
    table = console.vault(args.vault).find(args.text, limit=args.limit)
    console.face.note(as_of(console, table))
    return table


def _configure_du(parser: Parser) -> None:
    parser.add_argument("path", nargs="?", default="", metavar="PATH", help="a folder")
    parser.add_argument(
        "--depth", metavar="N", type=_whole(0, 100, "a number of folder levels"), default=1,
        help="levels below it; default 1",
    )  # fmt: skip
    vault_option(parser)


def _du(console: Console, args: Namespace) -> pd.DataFrame:
    vault = console.vault(args.vault)
    table = vault.du(args.path, args.depth)
    if not len(table) and args.path:
        raise NameNotKnown(
            f"There is no folder {args.path!r} in {vault.name!r}",
            cure="%glacier du shows those at the top; %glacier find TEXT searches names.",
        )
    console.face.note(as_of(console, table, _sums(table)))
    if len(table) and table["month_usd"].iloc[0] is None:
        console.face.note(
            f"What storage costs in {console.session.region} is not known: %glacier cost --refresh "
            "asks AWS."
        )
    return table


def _sums(table: pd.DataFrame) -> str:
    """Return in words what is in the first folder of a table, which holds all others."""
    if not len(table):
        return "0 archives"
    whole = table.iloc[0]
    where = f" in {whole['path']}" if whole["path"] else ""
    count, size = plural(int(whole["archives"]), "archive"), human_bytes(int(whole["size"]))
    return f"{count}{where}, {size}, {whole['month']} a month"


def _duplicates(console: Console, args: Namespace) -> pd.DataFrame:
    table = console.vault(args.vault).duplicates()
    groups = int(table["group"].max()) if len(table) else 0
    wasted = int(table.drop_duplicates("group")["wasted"].sum())
    console.face.note(
        as_of(
            console,
            table,
            f"{plural(len(table), 'archive')} in {plural(groups, 'group')} with the same bytes, "
            f"{human_bytes(wasted)} of them more than once",
        )
    )
    return table


def _configure_diff(parser: Parser) -> None:
    parser.add_argument("before", nargs="?", metavar="DATE", help="default: the last but one")
    parser.add_argument("after", nargs="?", metavar="DATE", help="default: the last inventory")
    vault_option(parser)


def _diff(console: Console, args: Namespace) -> pd.DataFrame:
    table = console.vault(args.vault).diff(args.before, args.after)
    told, counts = table.attrs, table["change"].value_counts()
    first = datetime.fromisoformat(told["before"])
    changes = ", ".join(f"{counts.get(c, 0):,} {c}" for c in ("added", "gone", "renamed"))
    sign = "-" if told["growth"] < 0 else "+"
    console.face.note(
        f"{told['vault']}: {changes} since the inventory of {first:%Y-%m-%d %H:%M} UTC; "
        f"{told['archives_before']:,} archives then, {told['archives_after']:,} after; "
        f"{sign}{human_bytes(abs(told['growth']))}; {age(console, told['after'])}."
    )
    return table


VERBS = (
    Verb(
        name="ls",
        summary="list archives: names, conditions, order, as of a date",
        run=_ls,
        configure=_configure_ls,
        signed=("--sort",),
        details=f"Columns to sort by and to set conditions on: {', '.join(SORTABLE)}.\n"
        "Conditions: < <= = <> >= >, in (...), like 'with %', glob 'with *', is null, and, or, "
        "not; sizes such as 1e9,\n500kB, 16MiB; times such as 2016 or '2016-05-17', which mean "
        "all of that year or day (UTC).",
    ),
    Verb(
        name="find",
        summary="archives by a text anywhere in the name",
        run=_find,
        configure=_configure_find,
        details="ASCII letters are found in either case; no character is a wildcard.",
    ),
    Verb(
        name="du",
        summary="folders with all that is in them: number, bytes, age, monthly cost",
        run=_du,
        configure=_configure_du,
    ),
    Verb(
        name="duplicates",
        summary="archives with the same bytes, by tree hash",
        run=_duplicates,
        configure=vault_option,
    ),
    Verb(
        name="diff",
        summary="what came, went or was renamed between two inventories",
        run=_diff,
        configure=_configure_diff,
        details="A date means the newest inventory until its end.",
    ),
)
