"""The job board."""

from __future__ import annotations

from .grammar import Verb

VERB = Verb(
    name="jobs",
    summary="show the job board; downloads start when their jobs are ready",
    run=lambda console, _: console.session.jobs(),
    table=True,
    examples=(("jobs", ""),),
    details=(
        "Lists the jobs of all vaults, other programs' included. A job takes hours, depending on its "
        "tier, and its output is kept for 24 hours."
    ),
)
