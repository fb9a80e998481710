"""Packing folders into one file on this computer."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..backup.packing import Packed, pack
from ..backup.rules import RULE_FILE, Rules
from ..errors import InputError, LocalError
from .console import Console
from .grammar import Parser, Verb
from .options import size, whole


def _configure(parser: Parser) -> None:
    parser.add_argument("folders", nargs="+", metavar="PATH", help="folders and files")
    parser.add_argument("file", metavar="FILE", help="the new file, .tar.zst.age or .tar.zst")
    parser.add_argument(
        "--recipient",
        action="append",
        default=[],
        metavar="age1...",
        help="who can open it, as `key new` shows it; may be repeated",
    )
    parser.add_argument("--plain", action="store_true", help="do not encrypt it")
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave these files out, by the rules of .gitignore files; may be repeated",
    )
    parser.add_argument("--exclude-from", metavar="FILE", help="a file of such patterns")
    parser.add_argument("--exclude-larger", metavar="SIZE", type=size, help="leave larger files out")
    parser.add_argument(
        "--exclude-caches", action="store_true", help="leave folders out that have a CACHEDIR.TAG"
    )
    parser.add_argument(
        "--if-present",
        action="append",
        default=[],
        metavar="NAME",
        help="leave folders out that have such a file; may be repeated",
    )
    parser.add_argument(
        "--one-file-system", action="store_true", help="do not enter folders of other file systems"
    )
    parser.add_argument("--level", type=whole(1, 19, "a level of zstd"), default=3, help="1 to 19 (3)")


def _run(console: Console, args: Namespace) -> Packed:
    rules = Rules(
        exclude=(*_lines(args.exclude_from), *args.exclude),
        larger=args.exclude_larger,
        if_present=tuple(args.if_present),
        caches=args.exclude_caches,
        one_file_system=args.one_file_system,
    )
    with console.face.progress("Packing") as observer:
        packed = pack(
            args.folders,
            args.file,
            recipients=args.recipient,
            plain=args.plain,
            rules=rules,
            level=args.level,
            progress=observer,
        )
    if packed.unreadable:
        console.exit_code = LocalError.exit_code  # not an error: the rest is packed
    return packed


def _lines(file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"The patterns in {file!r} cannot be read: {reason}") from None


VERB = Verb(
    name="pack",
    summary="pack, compress and encrypt folders into one file",
    run=_run,
    configure=_configure,
    examples=(
        ("pack ~/Pictures photos.tar.zst.age --recipient age1...", "as `key new` shows it"),
        ("pack docs mail docs.tar.zst --plain --exclude '*.tmp'", ""),
    ),
    details=(
        "Small files cost a request each; in a pack they cost one together, and one file of it can still be "
        "read by a range. `unpack` opens it, and so does a computer without this program: age -d -i KEY "
        "FILE | zstd -d | tar x. Times are kept to the nanosecond, and links as links.\n\n"
        f"Patterns are those of .gitignore files; a file {RULE_FILE} in a folder has more for what is below. "
        "What cannot be read, or changes meanwhile, is named, and the exit code is 9. Needs the extra "
        "backup: pip install 'glacier_magic[backup]'."
    ),
)
