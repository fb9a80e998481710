"""Giving up old snapshots, and deleting the archives that only they need."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from datetime import timedelta
from typing import Any

from ..backup.keep import Keep
from ..backup.outcome import BackupOutcome
from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb
from .options import duration, label, vault_option, whole
from .plan_options import guard_options, limited
from .rm import or_failure

_count = whole(0, 9999, "a number of snapshots")
_RULES = {"hourly": "hours", "daily": "days", "weekly": "weeks", "monthly": "months", "yearly": "years"}


def _configure(parser: Parser) -> None:
    parser.add_argument("set", metavar="SET", help="a set, as `snapshots` lists it")
    vault_option(parser)
    parser.add_argument("--keep-last", metavar="N", type=_count, default=0, help="keep the newest N")
    for rule, periods in _RULES.items():
        what = f"keep the earliest of each of the last N {periods}"
        parser.add_argument(f"--keep-{rule}", metavar="N", type=_count, default=0, help=what)
    parser.add_argument(
        "--keep-within",
        metavar="TIME",
        type=_age,
        help="keep all snapshots of this time, with a unit: 30d, 8w",
    )
    parser.add_argument(
        "--keep-label",
        metavar="TAG",
        action="append",
        type=label,
        default=[],
        help="keep all with this label",
    )
    parser.add_argument(
        "--now", action="store_true", help="delete archives that are not 90 days old, too, and pay their fee"
    )
    parser.add_argument(
        "--repack",
        action="store_true",
        help="first store again the needed files of packs that are more than half unused",
    )
    guard_options(parser)


def _age(text: str) -> float:
    """Return seconds; a number without a unit is refused: the user may mean days."""
    if not text.strip()[-1:].isalpha():
        raise ArgumentTypeError(f"{text[:30]!r} has no unit: write {text.strip()[:20]}d for days")
    return duration(text)


def _run(console: Console, args: Namespace) -> Any:
    counts = {rule: getattr(args, f"keep_{rule}") for rule in ("last", *_RULES)}
    if not (any(counts.values()) or args.keep_label or args.keep_within is not None):
        raise InputError("Nothing says what is kept", cure="For example --keep-daily 7 --keep-monthly 12.")
    keep = Keep(**counts, within=timedelta(seconds=args.keep_within or 0), labels=frozenset(args.keep_label))
    vault = console.vault(args.vault)
    if args.repack:
        with console.busy("Looking at the files"):
            backup = limited(vault.repack(args.set, keep), args)
        if backup.repacks:
            done = console.settle(backup, yes=args.yes or args.confirm is not None)
            if not isinstance(done, BackupOutcome):
                return done
            console.face.note(str(done))
    with console.busy():
        plan = limited(vault.prune(args.set, keep, now=args.now), args)
    return or_failure(console, console.settle(plan, yes=args.yes, confirm=args.confirm))


VERB = Verb(
    name="prune",
    summary="give up old snapshots, and delete the archives that only they need",
    run=_run,
    configure=_configure,
    examples=(
        ("prune photos --keep-daily 7 --keep-monthly 12", "shows the plan first"),
        ("prune photos --keep-within 90d --confirm VAULT", ""),
        ("prune photos --keep-last 3 --repack", "first repacks what is mostly unused"),
    ),
    interrupted="%glacier deletions --resume resumes the confirmed deletion.",
    details=(
        "The newest snapshot is always kept; hours to years are those of UTC. Archives that a kept snapshot "
        "needs are never deleted, and without --now none that is less than 90 days old: the service charges "
        "the rest of the 90 days as a fee, so that deleting it costs as much as keeping it. A later prune "
        "deletes it for free.\n\n"
        "With --repack, a backup runs first. If the kept snapshots need less than half of a pack, and all "
        "of that is unchanged in the folders, it is stored again in a new pack. Nothing is retrieved. The "
        "old pack is then deleted like others."
    ),
)
