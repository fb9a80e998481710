"""The members of a zip or tar in a vault, listed without restoring it."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..base.rendering import visible
from ..errors import InputError
from ..packs.unpacking import Keys
from ..peek import KINDS
from ..plans import PeekPlan
from .console import Console
from .dataframe_option import table_option, words_or_table
from .grammar import Parser, Verb
from .options import size, vault_option, waiting_options, whole
from .plan_options import destination_option, limit_options, limited, tier_option
from .unpack import key_options


def _configure(parser: Parser) -> None:
    parser.add_argument("archive", nargs="?", metavar="NAME|id:ID", help="a zip or tar")
    table_option(parser)
    vault_option(parser)
    parser.add_argument("--as", dest="kind", choices=KINDS, help="the format, if the name does not say")
    key_options(parser)
    tier_option(parser, default="standard")
    parser.add_argument(
        "--max-bytes",
        metavar="SIZE",
        type=size,
        default=64 << 20,
        help="the most bytes to retrieve, in all requests together (64MiB)",
    )
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=whole(1, 1000, "a number of rounds, 1 to 1000"),
        default=4,
        help="the most requests in a row, each of which takes hours (4)",
    )
    limit_options(parser)
    destination_option(parser)
    parser.add_argument("--yes", action="store_true", help="start at once, without asking")
    waiting_options(parser)


def _run(console: Console, args: Namespace) -> Any:
    keys = Keys(args.key, args.password_file, asks=False)
    while True:  # each round may show that further bytes are needed
        plan = _plan(console, args, keys)
        if plan.empty:  # the members are known: no request is needed
            return _members(console, plan)
        if not args.yes and plan.costs:  # parts that were requested before are not paid again
            return console.settle(plan, yes=False)
        batch = console.settle(plan, yes=True)
        if not args.wait:
            return batch
        console.face.wait(batch, args.timeout)


def _plan(console: Console, args: Namespace, keys: Keys) -> PeekPlan:
    if args.table is None and args.archive is None:
        raise InputError("Which archive?", cure="Name one, or give a table of one row with --from.")
    vault, archives = words_or_table(console, args, [] if args.archive is None else [args.archive])
    with console.busy():
        plan = vault.peek(
            archives[0],
            kind=args.kind,
            tier=args.tier,
            max_bytes=args.max_bytes,
            rounds=args.rounds,
            destination=args.destination,
            keys=keys,
        )
    return limited(plan, args)


def _members(console: Console, plan: PeekPlan) -> Any:
    table = plan.members
    for note in table.attrs["notes"] if table is not None else ():
        console.face.note(visible(note))  # it may quote names from inside the archive, which can be anything
    return table


VERB = Verb(
    name="peek",
    summary="list the members of a zip or tar from a few MiB of it",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("peek backup-2019.zip --max-cost 0.10", ""),
        ("peek id:ID --as tar.gz", ""),
        ("peek notes.tgz.enc --password-file - --rounds 1", "asks for the password first"),
    ),
    details=(
        "A zip is read from its end, a tar from its start, header by header; of a compressed tar only "
        "what its first bytes unpack to is listed. Of an encrypted one, the first MiB is requested alone: "
        "it shows whether the key or the password is right, before the rest is paid. --rounds 1 lists "
        "what that has; the catalogue keeps the names. The plan shows what is retrieved and what it "
        "costs. Repeat the same line when that is ready, hours later; no bytes are charged twice. Outputs "
        "of other programs' finished jobs are read at once with --destination here, and otherwise when "
        "the price of their transfer is confirmed. With --yes --wait all further rounds are requested, "
        "too, within --max-bytes, --rounds and --max-cost."
    ),
)
