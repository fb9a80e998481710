"""The job board."""

from __future__ import annotations

from .grammar import Verb

VERB = Verb(
    name="jobs",
    summary="show the job board; downloads start when their jobs are ready",
    run=lambda console, _: console.session.jobs(),
    examples=(("jobs", ""),),
)
