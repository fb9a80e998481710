"""The job board."""

from __future__ import annotations

from argparse import Namespace

from ..jobs import Batch
from .console import Console
from .grammar import Verb


def _run(console: Console, _: Namespace) -> Batch:
    return console.session.jobs()


VERB = Verb(
    name="jobs",
    summary="show the job board; downloads start when their jobs are ready",
    run=_run,
    examples=(("jobs", ""),),
)
