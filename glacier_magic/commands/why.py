"""The last error, in full."""

from __future__ import annotations

from .failure import Failure
from .grammar import Verb

VERB = Verb(
    name="why",
    summary="show the last error in full",
    # This process's own first: another one may have failed since.
    run=lambda console, _: console.failure or Failure.last() or "No error is on record.",
    examples=(("why", ""),),
    details=(
        "Shows what the error means, what to do, the service's code and request id, and where in "
        "this program it occurred. Include it in a bug report."
    ),
)
