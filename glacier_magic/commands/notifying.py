"""Whom the vaults tell that a job is done."""

from __future__ import annotations

from .grammar import Verb

VERBS: tuple[Verb, ...] = ()
