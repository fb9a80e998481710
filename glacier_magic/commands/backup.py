"""Backing up folders."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..backup.outcome import BackupOutcome
from ..backup.rules import RULE_FILE
from ..backup.run_options import RunOptions
from ..client.backup_sets import BackupSets
from ..errors import InputError, LocalError
from .backup_options import reader_options, rule_options, rules_of
from .console import Console, run_shown
from .grammar import Parser, Verb
from .options import label, rate_option, set_rate, size, vault_option, yes_option
from .plan_options import ask_option, limit_options, limited

_RULES = {"exclude", "exclude_from", "exclude_larger", "exclude_caches", "if_present", "one_file_system"}


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "set", nargs="?", metavar="SET", help="the name of the set; without it, all sets are shown"
    )
    parser.add_argument(
        "paths", nargs="*", default=[], metavar="PATH", help="its folders and files, needed the first time"
    )
    vault_option(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would be stored")
    reader_options(parser)
    rule_options(parser)
    parser.add_argument(
        "--pack-size", metavar="SIZE", type=size, default=1 << 30, help="bytes of files in a pack (1GiB)"
    )
    parser.add_argument("--checksum", action="store_true", help="read all files, also unchanged ones")
    parser.add_argument(
        "--trust-mtime", action="store_true", help="compare only size and time, for network shares"
    )
    parser.add_argument(
        "--label", metavar="TAG", action="append", type=label, default=[], help="label of the snapshot"
    )
    parser.add_argument("--note", metavar="TEXT", default="", help="note on the snapshot")
    rate_option(parser)
    limit_options(parser)
    yes_option(parser)
    ask_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    if args.set is None:
        if args.typed - {"vault"}:
            raise InputError(
                "These options need a set", cure="Name it first; alone, the verb shows all sets."
            )
        return BackupSets(console.session, args.vault)
    vault = console.vault(args.vault)
    set_rate(console, args)
    options = RunOptions(
        checksum=args.checksum,
        trust_mtime=args.trust_mtime,
        level=args.level,
        pack_size=args.pack_size,
        labels=tuple(args.label),
        note=args.note,
    )
    with console.busy("Looking at the files"):
        plan = vault.backup(
            args.set,
            *args.paths,
            rules=rules_of(args) if args.typed & _RULES else None,
            recipients=args.recipient,
            plain=args.plain,
            options=options,
        )
    if args.dry_run:
        return plan if console.face.lasting else plan.as_text()
    if limited(plan, args).must_ask(args.ask_above):
        outcome = console.settle(plan, yes=args.yes)
        if not isinstance(outcome, BackupOutcome):  # a plan that is shown, or nothing
            return outcome
    else:
        console.check_place()
        outcome = run_shown(console.face, plan)
    if outcome.unread or outcome.hook_error:
        console.exit_code = LocalError.exit_code  # not an error: the rest is stored
    return outcome


VERB = Verb(
    name="backup",
    summary="store what is new in folders, packed and encrypted",
    run=_run,
    configure=_configure,
    examples=(
        ("backup photos ~/Pictures --recipient age1... --exclude '*.tmp'", "the first time"),
        ("backup photos", "later: what has changed"),
        ("backup photos --dry-run", ""),
        ("backup", "all sets: last run, next due, size, price per month"),
    ),
    details=(
        "The first run defines the set; what is given later replaces what it has. Files that are new or "
        "changed go into packs, each an archive that opens without this program: age -d -i KEY PACK | zstd "
        "-d | tar x. A file that was moved or copied is not stored again. Each run that "
        "finds something new makes a snapshot, whose manifest, an archive too, restores it without this "
        "computer. After an interruption, the same line goes on.\n\n"
        "A file is unchanged if its size, times and inode are. Patterns are those of .gitignore files; a "
        f"file {RULE_FILE} in a folder has more for what is below. What cannot be read is named, and the "
        "exit code is 9. Needs the extra backup: pip install 'glacier_magic[backup]'."
    ),
)
