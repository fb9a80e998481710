"""What went wrong last, in full."""

from __future__ import annotations

from argparse import Namespace

from .console import Console
from .failure import Failure
from .grammar import Verb


def _run(console: Console, _: Namespace) -> Failure | str:
    return console.failure or Failure.last() or "Nothing has gone wrong."


VERB = Verb(
    name="why",
    summary="show the last error in full",
    run=_run,
    examples=(("why", ""),),
    details=(
        "Shows what the error means, what to do, the service's code and request id, and where in "
        "this program it occurred. Include it when you report a defect."
    ),
)
