"""The options of backups and packs: what is left out, and who can read it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..backup.rules import Rules
from ..errors import InputError
from .grammar import Parser
from .options import size, whole


def rule_options(parser: Parser) -> None:
    """Add the options of what is left out."""
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out, by the rules of .gitignore files; may be repeated",
    )
    parser.add_argument("--exclude-from", metavar="FILE", help="a file of such patterns")
    parser.add_argument("--exclude-larger", metavar="SIZE", type=size, help="leave larger files out")
    parser.add_argument("--exclude-caches", action="store_true", help="leave out folders with a CACHEDIR.TAG")
    parser.add_argument(
        "--if-present",
        action="append",
        default=[],
        metavar="NAME",
        help="leave out folders with such a file; may be repeated",
    )
    parser.add_argument(
        "--one-file-system", action="store_true", help="do not enter folders of other file systems"
    )


def reader_options(parser: Parser) -> None:
    """Add the options of who can read it, and of its compression."""
    parser.add_argument(
        "--recipient",
        action="append",
        default=[],
        metavar="age1...",
        help="who can read it, as `key new` shows it; may be repeated",
    )
    parser.add_argument("--plain", action="store_true", help="do not encrypt it")
    parser.add_argument(
        "--level", metavar="N", type=whole(1, 19, "a level of zstd"), default=3, help="of zstd, 1 to 19 (3)"
    )


def rules_of(args: Namespace) -> Rules:
    """Return the rules of the options."""
    return Rules(
        exclude=(*_lines(args.exclude_from), *args.exclude),
        larger=args.exclude_larger,
        if_present=tuple(args.if_present),
        caches=args.exclude_caches,
        one_file_system=args.one_file_system,
    )


def _lines(file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"The patterns in {file!r} cannot be read: {reason}") from None
