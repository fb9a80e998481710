"""The verb ``restore``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any, cast

from ..base.bucket_names import is_bucket
from ..base.ranges import Asked
from ..base.rendering import near
from ..errors import InputError
from ..errors.steps import step
from ..jobs import Batch
from ..packs.unpacking import Keys
from ..plans import Plan, RestorePlan
from .console import Console
from .dataframe_option import table_option, words_or_table
from .grammar import Parser, Verb
from .options import archive_words, set_rate, size, vault_option, whole
from .plan_options import restore_options, settled, tier_option
from .unpack import key_options, unpacked

if TYPE_CHECKING:
    from ..client import Bucket


def part_options(parser: Parser) -> None:
    """Add ``--head``, ``--tail`` and ``--range``."""
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--head", metavar="SIZE", type=size, help="only the first bytes: 1MB")
    part.add_argument("--tail", metavar="SIZE", type=size, help="only the last bytes: 1MB")
    part.add_argument("--range", metavar="A-B", dest="part", help="only these bytes: 0-1048575 (see below)")


def _part(args: Namespace) -> Asked | None:
    if args.head is not None:
        return Asked.head(args.head)
    if args.tail is not None:
        return Asked.tail(args.tail)
    return None if args.part is None else Asked.parse(args.part)


def _configure(parser: Parser) -> None:
    archive_words(parser, count="*")
    vault_option(parser)
    tier_option(parser, default="standard")
    parser.add_argument(
        "--save", metavar="FILE", help="write the plan to a file for a colleague, without any request"
    )
    parser.add_argument(
        "--days",
        metavar="N",
        type=whole(1, 365, "a number of days"),
        help="keep the restored copies of a bucket's objects for so many days (3)",
    )
    parser.add_argument(
        "--newest", action="store_true", help="of archives of one name and different bytes, only the newest"
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--expired",
        action="store_true",
        help="request outputs again that expired before they were downloaded, into the same folders",
    )
    again.add_argument(
        "--extend",
        action="store_true",
        help="keep outputs longer that expire within 5 hours, or are not downloaded in time; of a bucket, "
        "keep copies for --days from now",
    )
    again.add_argument(
        "--hurry",
        metavar="TIER",
        type=str.lower,
        choices=("standard", "expedited"),
        help="speed up restores of a bucket's objects that run: standard or expedited",
    )
    again.add_argument(
        "--stop",
        action="store_true",
        help="cancel scheduled requests, all of them or those of these archives",
    )
    parser.add_argument(
        "--unpack", action="store_true", help="unpack the files beside themselves, once they are verified"
    )
    key_options(parser)
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--spread", metavar="TIME", help="spread the requests evenly over so many days: 10d")
    pace.add_argument("--daily", metavar="SIZE", help="request at most so much a day: 200GB")
    table_option(parser)
    part_options(parser)
    restore_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    if args.stop:
        return _stopped(console, args)
    if not args.unpack and args.typed & {"key", "password_file"}:
        raise InputError("--key and --password-file are for --unpack", cure="Add it, or leave them out.")
    if args.unpack and (not args.wait or args.save is not None or _part(args) is not None):
        raise InputError(
            "--unpack opens whole files that have arrived",
            cure=f"Add --wait, without --save and parts; or use {step('unpack', 'FILE')} later.",
        )
    set_rate(console, args)
    keys = Keys(args.key, args.password_file)
    plan = _plan(console, args)
    if args.save is not None:
        return _saved(console, plan, args)
    outcome = settled(console, plan, args)
    if args.unpack and isinstance(outcome, Batch):  # not a plan: a button starts it, and nothing waits
        unpacked(console, outcome.files, keys)
    return outcome


def _stopped(console: Console, args: Namespace) -> str:
    if args.typed & {"table", "tier", "spread", "daily", "save", "to", "head", "tail", "part", "newest"}:
        raise InputError(
            "--stop takes the names of archives and --vault only", cure="Leave out the other options."
        )
    # Scheduled requests only: the service cannot cancel a job.
    return console.session.stop_restores(*args.archives, vault=_named(console, args))


def _named(console: Console, args: Namespace) -> str | None:
    """Return the name of the vault; None for all vaults."""
    named = args.archives or args.vault is not None
    return console.vault(args.vault).name if named else None


def _plan(console: Console, args: Namespace) -> Plan[Batch]:
    if args.expired or args.extend or args.hurry:
        return _again(console, args)
    if args.table is None and not args.archives:
        raise InputError(
            "Which archives?",
            cure=f"Name some, or use --from, --expired or --extend; {step('restore', '--help')} says more.",
        )
    vault, archives = words_or_table(console, args, args.archives)
    with console.busy():
        return vault.restore(
            *archives,
            tier=args.tier,
            to=args.to or "restored",
            destination=args.destination,
            spread=args.spread,
            daily=args.daily,
            byte_range=_part(args),
            newest=args.newest,
            days=args.days,
        )


def _again(console: Console, args: Namespace) -> Plan[Batch]:
    if args.table is not None:
        raise InputError(
            "--expired, --extend and --hurry read their archives from the catalogue", cure="Leave out --from."
        )
    if _part(args) is not None or args.newest:
        raise InputError(
            "--expired, --extend and --hurry repeat the first requests",
            cure="Leave out --head, --tail, --range and --newest.",
        )
    if "to" in args.typed:
        raise InputError("--expired, --extend and --hurry write to the first folder", cure="Leave out --to.")
    if "days" in args.typed and not args.extend:
        raise InputError("--days is for --extend and for a restore", cure="Leave it out.")
    vault = _named(console, args)
    if args.expired:
        with console.busy():
            return console.session.restore_expired(
                *args.archives,
                vault=vault,
                tier=args.tier if "tier" in args.typed else None,  # a setting is no other tier than before
                destination=args.destination,
                spread=args.spread,
                daily=args.daily,
            )
    if args.typed & {"tier", "spread", "daily"}:
        raise InputError(
            "--extend requests at once, in the first tier, and --hurry has its own",
            cure="Leave out --tier, --spread and --daily.",
        )
    if is_bucket(args.vault or console.session.vault_in_use):
        bucket = cast("Bucket", console.vault(args.vault))
        with console.busy():
            if args.hurry:
                return bucket.hurry(*args.archives, tier=args.hurry)
            return bucket.extend(*args.archives, **({"days": args.days} if args.days else {}))
    if args.hurry or args.days:
        raise InputError(
            "Only restores of a bucket's objects are speeded up, or kept for days",
            cure="The job of an archive keeps its tier, and its output is kept for 24 hours.",
        )
    # A new job for a staged archive starts another 24 hours.
    with console.busy():
        return console.session.extend(*args.archives, vault=vault)


def _saved(console: Console, plan: Plan[Batch], args: Namespace) -> str:
    if args.yes or args.wait:  # otherwise the user would wait for archives that nobody requested
        raise InputError("--save makes no request", cure="Leave out --yes and --wait.")
    # A file is for one vault and folder, at once.
    if not isinstance(plan, RestorePlan) or args.spread or args.daily:
        raise InputError(
            "A plan file has whole archives and a tier only",
            cure="Leave out --spread, --daily and parts, and --expired of several folders.",
        )
    path = plan.save(args.save)  # prices and jobs are looked up again where it is run
    return (
        f"{plan.title}: saved in {near(str(path))}. As of now it costs {plan.quote.headline()}. "
        f"No request was made; {console.face.program} run {near(str(path))} does."
    )


VERB = Verb(
    name="restore",
    summary="get archives back, verified",
    run=_run,
    configure=_configure,
    examples=(
        ("restore 'scans/2019/*' --tier bulk --to ~/back --max-cost 5", ""),
        ("restore --from df --spread 10d", "the archives of a DataFrame, over ten days"),
        ("restore film.mov --tail 1MB", "a part of an archive"),
        ("restore --expired", "outputs that expired before they were downloaded"),
        ("restore documents --unpack --yes --wait", "decrypted and extracted, too"),
        ("restore 2019 --days 5 --tier bulk", "objects of a bucket in use"),
        ("restore 2019 --hurry standard", "speed up restores of these objects that run already"),
    ),
    details=(
        "Shows the plan first; no request is sent before it is started. An archive that already "
        "has a job, started here or elsewhere, is not requested twice.\n\n"
        "Archives of one name and different bytes are versions of it, and all are restored; the plan "
        "counts the older ones. With --newest, of all that the words or the table select, the version of "
        "each name that was uploaded last is restored alone.\n\n"
        "A part (--head, --tail, --range) becomes a file whose name says which bytes it has. In a "
        "range, plain numbers are positions, both included: 0-1048575; numbers with a unit are "
        "borders: 10MiB-20MiB is 10 MiB; 10MiB- goes to the end. The plan shows what is "
        "retrieved, and charged, for it.\n\n"
        "--unpack, with --wait, does what unpack does to each file that this restore writes, and keeps "
        "the file. Files that are there already are not unpacked, nor what a button in a notebook starts. "
        "To test a password before the rest is paid, peek takes one, too.\n\n"
        "Of a bucket, S3 keeps the restored copies for --days; objects that are in no archive class, or have "
        "a copy, are downloaded at once. --extend keeps copies for --days from now; --hurry lets restores go "
        "on in a faster tier. Without names, both are for the objects that downloads wait for."
    ),
)
