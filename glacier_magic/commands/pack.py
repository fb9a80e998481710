"""Packing folders into one file on this computer."""

from __future__ import annotations

from argparse import Namespace

from ..backup.packing import Packed, pack
from ..backup.rules import RULE_FILE
from ..errors import LocalError
from .backup_options import reader_options, rule_options, rules_of
from .console import Console
from .grammar import Parser, Verb


def _configure(parser: Parser) -> None:
    parser.add_argument("folders", nargs="+", metavar="PATH", help="folders and files")
    parser.add_argument("file", metavar="FILE", help="the new file, .tar.zst.age or .tar.zst")
    reader_options(parser)
    rule_options(parser)


def _run(console: Console, args: Namespace) -> Packed:
    rules = rules_of(args)
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
        "read by a range. A computer without this program opens it with age -d -i KEY FILE | zstd -d | tar "
        "x. Times are kept to the nanosecond, and links as links.\n\n"
        f"Patterns are those of .gitignore files; a file {RULE_FILE} in a folder has more for what is below. "
        "What cannot be read, or changes meanwhile, is named, and the exit code is 9. Needs the extra "
        "backup: pip install 'glacier_magic[backup]'."
    ),
)
