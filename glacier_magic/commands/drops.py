"""Drops in progress."""

from __future__ import annotations

from .grammar import Verb

VERB = Verb(
    name="drops",
    summary="show the vaults that are being dropped",
    run=lambda console, _: console.session.drops(),
    table=True,
    examples=(("drops", ""),),
)
