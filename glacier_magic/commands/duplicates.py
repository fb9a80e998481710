"""Archives that have the same bytes."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..base.units import human_bytes, plural
from .age import as_of
from .console import Console
from .grammar import Verb
from .options import vault_option


def _run(console: Console, args: Namespace) -> Any:
    table = console.vault(args.vault).duplicates()
    groups = int(table["group"].max()) if len(table) else 0
    # Each row of a group repeats the bytes of the group.
    wasted = int(table.drop_duplicates("group")["wasted"].sum())
    console.face.note(
        as_of(
            console,
            table,
            f"{plural(len(table), 'archive')} in {plural(groups, 'group')} with the same bytes, "
            f"{human_bytes(wasted)} of them redundant",
        )
    )
    return table


VERB = Verb(
    name="duplicates",
    summary="list archives that have the same bytes",
    run=_run,
    table=True,
    configure=vault_option,
    examples=(("duplicates", ""),),
)
