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
        # False means not given: None is the rate "none", and argparse would parse a text default
        "rate",
        nargs="?",
        type=rate,
        default=False,
        metavar="RATE",
        help="such as 10MB/s, 500k or none; without it, the rate is shown",
    )


def _run(console: Console, args: Namespace) -> str:
    budget = console.session.engine.budget
    if args.rate is not False:
        if not console.face.lasting:  # the process of a shell ends with its verb
            raise InputError(
                "The rate would end with this command", cure="Add --max-rate to upload, restore or wait."
            )
        budget.max_rate = args.rate
    once = console.settings.get("max_rate")
    also = f" upload, restore and wait use {once}, unless --max-rate is given." if once else ""
    if budget.max_rate is None:
        return f"The bandwidth is not limited.{also}"
    limit = f"at most {human_bytes(budget.max_rate)}/s"
    return f"All transfers of this session together use {limit}.{also}"


VERB = Verb(
    name="rate",
    summary="show or limit the bandwidth of all transfers",
    run=_run,
    configure=_configure,
    examples=(("rate", ""), ("rate 10MB/s", ""), ("rate none", "")),
)
