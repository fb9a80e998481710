"""The last error, in full."""

from __future__ import annotations

from argparse import Namespace

from .console import Console
from .failure import Failure
from .grammar import Verb


def _run(console: Console, _: Namespace) -> Failure | str:
    return console.failure or Failure.last() or "No error is on record."


VERB = Verb(
    name="why",
    summary="show the last error in full",
    run=_run,
    examples=(("why", ""),),
    details=(
        "Shows what the error means, what to do, the service's code and request id, and where in "
        "this program it occurred. Include it in a bug report."
    ),
)
