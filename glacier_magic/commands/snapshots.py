"""The snapshots of backups, their files and their differences."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..catalogue.archives.as_of import snapshot_moment
from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb
from .options import vault_option


def _configure(parser: Parser) -> None:
    parser.add_argument("set", nargs="?", metavar="SET", help="one set; without it, all of the vault")
    vault_option(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--files", nargs="?", const="", metavar="GLOB", help="the files of a snapshot")
    what.add_argument(
        "--diff", nargs=2, metavar="SNAPSHOT", help="the differences of two snapshots: dates or numbers"
    )
    what.add_argument(
        "--explore",
        nargs="?",
        const=0,
        type=snapshot_moment,
        metavar="SNAPSHOT",
        help="browse a snapshot (the last)",
    )
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        type=snapshot_moment,
        help="with --files: the number of a snapshot, or a date for the last one until then",
    )
    parser.add_argument("--key", metavar="FILE", help="with --explore: the key for a recovery")


def _run(console: Console, args: Namespace) -> Any:
    vault = console.vault(args.vault)
    if (args.files is not None or args.diff or args.explore is not None) and not args.set:
        raise InputError("These options need a set", cure="Name it; without options, all sets are listed.")
    if args.as_of and args.files is None:
        raise InputError("--as-of is for the files of a snapshot", cure="Add --files.")
    if args.key and args.explore is None:
        raise InputError("--key is for a recovery from the explorer", cure="Add --explore.")
    if args.explore is not None:
        return vault.explore_snapshot(args.set, args.explore or None, key=args.key)
    if args.diff:
        first, second = (snapshot_moment(each) for each in args.diff)
        return vault.compare_snapshots(args.set, first, second)
    if args.files is not None:
        patterns = [args.files] if args.files else []
        return vault.snapshot_files(args.set, *patterns, as_of=args.as_of)
    return vault.snapshots(args.set)


VERB = Verb(
    name="snapshots",
    summary="list the snapshots of backups, and their files",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("snapshots photos", ""),
        ("snapshots photos --files '2019/**' --as-of 2026-10-01", ""),
        ("snapshots photos --diff 2026-10-01 2026-11-01", "or the numbers of two snapshots"),
        ("snapshots photos --explore", "the files of the last one, to select and recover"),
    ),
)
