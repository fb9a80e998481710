"""Archives as a table."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from ..base.bucket_names import is_bucket
from ..base.tables import ExactTable
from ..base.units import plural
from ..catalogue.archives.as_of import last_ms
from ..catalogue.archives.query import Query
from ..catalogue.archives.states import STATES
from ..catalogue.archives.where import FIELDS
from ..errors import InputError
from .age import listed
from .console import Console
from .grammar import Parser, Verb
from .options import label, limit_option, vault_option

if TYPE_CHECKING:
    from ..client import Bucket


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "glob",
        nargs="?",
        metavar="GLOB",
        help="a name (* matches / too; a folder is all below it), name: and an exact name, or id: and "
        "the beginning of an archive id",
    )
    parser.add_argument("--where", metavar="CONDITION", help="such as \"size > 1e9 and created < '2016'\"")
    parser.add_argument("--sort", metavar="COLUMNS", help="such as -size,name: largest first, then by name")
    limit_option(parser)
    parser.add_argument(
        "--as-of", metavar="DATE", help="list the archives of the newest inventory up to this date"
    )
    parser.add_argument(
        "--state",
        metavar="STATES",
        help=f"{', '.join(STATES)}; separated by commas; default: present,pending,unknown",
    )
    parser.add_argument(
        "--label",
        metavar="TAG",
        action="append",
        type=label,
        default=[],
        help="with this label; may be repeated",
    )
    parser.add_argument(
        "--versions",
        action="store_true",
        help="of a bucket: list all versions of its objects, and delete markers, as S3 has them now",
    )
    vault_option(parser)


def _versions(console: Console, args: Namespace) -> ExactTable:
    vault = console.vault(args.vault)
    if not is_bucket(vault.name):
        raise InputError("Archives of a vault have no versions", cure="Leave out --versions.")
    if args.where or args.sort or args.as_of or args.state or args.label:
        raise InputError(
            "Versions are listed by S3, which knows none of these conditions",
            cure="Leave out all but GLOB and --limit.",
        )
    with console.busy():
        table = cast("Bucket", vault).exact_versions(args.glob, limit=args.limit)
    words = f"{vault.name}: {{}}, as S3 lists them now. Other verbs use the newest only."
    return replace(table, note=lambda _, count: words.format(plural(count, "version")))


def _run(console: Console, args: Namespace) -> ExactTable:
    if args.versions:
        return _versions(console, args)
    conditions = ["labels = '{}'".format(each.replace("'", "''")) for each in args.label]
    conditions += [f"({args.where})" if conditions else args.where] * (args.where is not None)
    return listed(
        console.reader(args.vault),
        Query(
            glob=args.glob,
            where=" and ".join(conditions) if conditions else None,
            sort=args.sort,
            limit=args.limit,
            as_of=last_ms(args.as_of),
            # None: what counts as stored, not all states.
            states=None if args.state is None else args.state.split(","),
        ),
    )


VERB = Verb(
    name="ls",
    summary="list archives: names, conditions, order, as of a date",
    run=_run,
    configure=_configure,
    examples=(
        ("ls 'scans/2019/*'", ""),
        ("ls --where \"size > 1e9 and created < '2016'\" --sort -size", ""),
        ("ls --as-of 2020-12-31", ""),
        ("ls --label taxes", "labels that `label` gave"),
        ("ls 2019 --versions", "old and deleted objects of the bucket in use"),
    ),
    signed=("--sort",),
    table=True,
    details=f"Columns to sort by and to set conditions on: {', '.join(FIELDS)}.\n"
    "Conditions: < <= = <> >= >, in (...), like 'with %', glob 'with *', is null, and, or, "
    "not; sizes such as 1e9,\n500kB, 16MiB; times such as 2016 or '2016-05-17', which mean "
    "all of that year or day (UTC).\nAn archive was stored at the time created; modified is when its file "
    "was, as far as the description says. A condition\non an unknown value is false; modified is null finds "
    "those.",
)
