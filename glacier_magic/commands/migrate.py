"""Moving archives to S3."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from ..errors.steps import step
from ..transfer.migrate.workers import FORMS, open_workers
from .console import Console
from .dataframe_option import table_named, table_option, words_or_table
from .grammar import Parser, Verb
from .options import archive_words, filled, set_rate, vault_option, whole
from .plan_options import retrieval_options, settled

CLASSES = ("deep-archive", "glacier", "glacier-ir", "intelligent-tiering", "standard-ia", "standard")


def _configure(parser: Parser) -> None:
    archive_words(parser, count="*")
    vault_option(parser)
    parser.add_argument("--to", metavar="s3://BUCKET/PREFIX", required=True, help="where to")
    parser.add_argument(
        "--class",
        dest="storage_class",
        metavar="CLASS",
        type=lambda word: word.lower().replace("_", "-"),
        choices=CLASSES,
        default="deep-archive",
        help="the storage class of the objects, see below",
    )
    parser.add_argument(
        "--sample", metavar="N", type=whole(1, 1_000_000, "a number of archives"), help="only so many of them"
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--spread", metavar="TIME", help="spread the requests evenly over so many days: 10d")
    pace.add_argument("--daily", metavar="SIZE", help="request at most so much a day: 2TB")
    parser.add_argument("--workers", metavar="WHERE", type=filled, help=f"copy with other processes: {FORMS}")
    parser.add_argument(
        "--keys", metavar="DF", help="keys by archive: a DataFrame or a file, columns archive_id and key"
    )
    parser.add_argument("--key", metavar="TEMPLATE", help="make the keys of '{created:%%Y}/{name}'")
    parser.add_argument("--suffix", metavar="TEXT", help="another key where the key has another object")
    parser.add_argument(
        "--accept-lifecycle", action="store_true", help="even if a rule of the bucket deletes the objects"
    )
    parser.add_argument(
        "--cross-region", action="store_true", help="to a bucket in another region than the vault"
    )
    parser.add_argument(
        "--checksum",
        type=str.lower,
        choices=("sha256", "crc64nvme"),
        default="sha256",
        help="what S3 compares and keeps of objects above 1 MiB: crc64nvme takes half the processor time",
    )
    table_option(parser)
    retrieval_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    if args.table is None and not args.archives:
        raise InputError(
            "Which archives?", cure=f"Name some, '*' for all, or use --from; {step('migrate', '--help')}."
        )
    set_rate(console, args)
    vault, archives = words_or_table(console, args, args.archives)
    with console.busy():
        plan = vault.migrate(
            *archives,
            to=args.to,
            storage_class=args.storage_class,
            tier=args.tier,
            destination=args.destination,
            spread=args.spread,
            daily=args.daily,
            sample=args.sample,
            keys=None if args.keys is None else table_named(console, args.keys),
            key=args.key,
            suffix=args.suffix,
            accept_lifecycle=args.accept_lifecycle,
            cross_region=args.cross_region,
            checksum=args.checksum,
            executor=open_workers(args.workers) if args.workers else None,
        )
    alone = args.workers and not console.face.lasting
    where = ", by itself; --wait copies with the workers" if alone else ""
    return settled(console, plan, args, then=f"the archives to S3{where}")


VERB = Verb(
    name="migrate",
    summary="move archives to S3, proven",
    run=_run,
    configure=_configure,
    examples=(
        ("migrate 'scans/2019/*' --to s3://archive-2026/scans --sample 10", "a few first"),
        ("migrate --from df --to s3://archive --daily 2TB --max-cost 40", ""),
        ("migrate '*' --to s3://archive --key '{created:%Y}/{name}'", "keys of your own"),
        ("migrate 'film/*' --to s3://b --workers dask://host:8786 --wait", "on a cluster"),
        ("rm --migrated", "afterwards: delete what S3 has"),
    ),
    details=(
        "The storage classes are deep-archive (the default), glacier, glacier-ir, intelligent-tiering, "
        "standard-ia and standard.\n\n"
        "Shows the plan first: the price line by line, what a month costs before and after, and each key. "
        "Before anything is requested the bucket is looked at, and an upload to it is started and aborted, "
        "since a retrieval that cannot be stored is money lost.\n\n"
        "A key is the prefix and the name of the archive. --keys names whole keys, --key makes them of "
        "a template; its fields are created, modified, name, folder, file, archive_id, vault, size and "
        "tree_hash. The plan says which keys are not the name, and why.\n\n"
        "Each archive becomes one object when its retrieval is done. Its bytes are compared with the tree "
        "hashes of the vault on their way, an existing object is never overwritten, and afterwards S3 is "
        "asked what it has. The archives stay in the vault. The same line goes on after an interruption: "
        "what is in S3, or requested, is not requested again.\n\n"
        "--workers copies in N processes of this computer, or on the workers of a Dask scheduler, for which "
        "there is pip install 'glacier_magic[dask]'. Before anything is requested, their accounts, regions "
        "and versions are compared. They copy as long as this process lasts: in a shell add --wait. Where a "
        "move goes on later, as with wait, the process itself copies."
    ),
)
