"""The differences between two inventories."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime
from typing import Any

from ..base.units import human_bytes
from .age import inventory_age
from .console import Console
from .grammar import Parser, Verb
from .options import vault_option


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "before", nargs="?", metavar="DATE", help="the earlier inventory; default: the last but one"
    )
    parser.add_argument("after", nargs="?", metavar="DATE", help="the later inventory; default: the last")
    vault_option(parser)


def _run(console: Console, args: Namespace) -> Any:
    table = console.vault(args.vault).diff(args.before, args.after)
    facts, counts = table.attrs, table["change"].value_counts()
    age = inventory_age(console.session.service.clock.now, facts["after"])
    first = datetime.fromisoformat(facts["before"])
    changes = ", ".join(f"{counts.get(c, 0):,} {c}" for c in ("added", "gone", "renamed"))
    sign = "-" if facts["growth"] < 0 else "+"  # human_bytes() is for sizes, which have no sign
    console.face.note(
        f"{facts['vault']}: {changes} since the inventory of {first:%Y-%m-%d %H:%M} UTC; "
        f"{facts['archives_before']:,} archives before, {facts['archives_after']:,} after; "
        f"{sign}{human_bytes(abs(facts['growth']))}; {age}."
    )
    return table


VERB = Verb(
    name="diff",
    summary="show what was added, removed or renamed between two inventories",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("diff", "the last two"), ("diff 2024-01-31 2024-12-31", "")),
    details=("A date means the newest inventory up to the end of that day."),
)
