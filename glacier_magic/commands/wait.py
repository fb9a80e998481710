"""Waiting for all requests."""

from __future__ import annotations

from argparse import Namespace

from ..jobs import Batch
from .console import Console
from .grammar import Parser, Verb
from .options import duration, rate_option, set_rate


def _configure(parser: Parser) -> None:
    parser.add_argument("--timeout", metavar="TIME", type=duration, help="wait at most 90s, 15m, 6h ...")
    rate_option(parser)


def _run(console: Console, args: Namespace) -> Batch:
    set_rate(console, args)
    # Not jobs(): those of other clients would keep it waiting.
    batch = console.session.pending()
    # Without jobs, the result says so.
    return console.face.wait(batch, args.timeout) if len(batch) else batch.wait(args.timeout)


VERB = Verb(
    name="wait",
    summary="wait until all requests are done",
    run=_run,
    configure=_configure,
    examples=(("wait", ""), ("wait --timeout 6h", "")),
    details=("Exit codes in a shell: 0 all verified, 75 not ready yet, 3 failed, 4 expired."),
)
