"""The bandwidth of all transfers."""

from __future__ import annotations

from argparse import Namespace

from ..base.units import human_bytes
from ..errors import InputError
from .console import Console
from .grammar import Parser, Verb
from .options import rate


def _configure(parser: Parser) -> None:
    parser.add_argument(
        # False: not given; None is a rate, "none", and argparse would convert SUPPRESS as a text
        "rate",
        nargs="?",
        type=rate,
        default=False,
        metavar="RATE",
        help="10MB/s, 500k, none; nothing: say what it is",
    )


def _run(console: Console, args: Namespace) -> str:
    budget = console.session.engine.budget
    if args.rate is not False:
        if not console.face.lasting:
            raise InputError(
                "A rate set here would end with this very command",
                cure="Add --max-rate to upload, restore or wait.",
            )
        budget.max_rate = args.rate
    once = console.settings.get("max_rate")
    also = f" upload, restore and wait set it to {once}, unless --max-rate is given." if once else ""
    if budget.max_rate is None:
        return f"Transfers run as fast as they can.{also}"
    limit = f"{human_bytes(budget.max_rate)}/s at most"
    return f"All transfers of this session together: {limit}.{also}"


VERB = Verb(
    name="rate",
    summary="show or limit the bandwidth of all transfers, also while they run",
    run=_run,
    configure=_configure,
    examples=(("rate", ""), ("rate 10MB/s", ""), ("rate none", "")),
)
