"""Drops in progress."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .console import Console
from .grammar import Verb


def _run(console: Console, _: Namespace) -> Any:
    return console.session.drops()


VERB = Verb(
    name="drops", summary="show the vaults that are being dropped", run=_run, examples=(("drops", ""),)
)
