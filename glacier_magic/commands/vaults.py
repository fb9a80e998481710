"""The vaults of a region, or of all."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import InputError
from ..service.regions import checked_regions
from .console import Console
from .grammar import Parser, Verb


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "--all-regions", action="store_true", help="the vaults of all regions, with cost and idleness"
    )
    parser.add_argument(
        "--regions", metavar="REGIONS", help="the vaults of these regions, with cost and idleness"
    )


def _run(console: Console, args: Namespace) -> Any:
    if args.regions is not None:
        regions = [name for name in args.regions.replace(",", " ").split() if name]
        if not regions:
            raise InputError("No region is given", cure="Write --regions eu-west-1,us-east-1.")
        # A misspelt one would only be noted as not answering.
        checked_regions(regions, [console.session.region])
    else:
        regions = None
    with console.busy("Listing the vaults"):
        if regions or args.all_regions:
            return console.session.vaults_everywhere(regions)
        return console.session.exact_vaults()


VERB = Verb(
    name="vaults",
    summary="list the vaults of the region, or of all regions",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("vaults", ""),
        ("vaults --all-regions", "with monthly cost and idleness"),
        ("vaults --regions eu-west-1,us-east-1", ""),
    ),
)
