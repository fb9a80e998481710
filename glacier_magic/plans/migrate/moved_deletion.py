"""The plan to delete the sources of moves."""

from __future__ import annotations

from typing import Any

from ...base.units import human_bytes, plural
from ...catalogue import ArchiveRecord
from ...catalogue.records.deletion_records import DeletionChoice
from ...errors.steps import option
from ...prices.money import money
from ...prices.quotes import early_deletion
from ...transfer.engine import Engine
from ..base import PlanLog
from ..delete.delete_plan import DeletePlan
from .prove_plan import LEVELS


class DeleteMovedPlan(DeletePlan):
    """Archives to delete that S3 has, proven: nothing is deleted until ``run()``.

    Immediately before each one is deleted, S3 is asked for its object again; an archive whose object is
    gone or another stays.

    :param young: archives that are left out because deleting them has a fee.
    :param proof: the level of proof that each move must have.
    :param same: how many of the archives have the object of another one with their name and bytes.
    """

    def __init__(
        self,
        choice: DeletionChoice,
        *,
        engine: Engine,
        log: PlanLog,
        young: list[ArchiveRecord],
        proof: int,
        same: int = 0,
    ) -> None:
        self._young, self._proof, self._same = young, proof, same
        super().__init__(choice, engine=engine, log=log)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        asked = "S3 is asked for each object immediately before its source goes"
        facts = [*super().facts, ("proof", f"{LEVELS[self._proof]} at least, and {asked}")]
        if self._same:
            count = plural(self._same, "archive")
            facts.append(("the same", f"{count} with name and bytes of another: one object is for all"))
        if self._young:
            count = plural(len(self._young), "archive")
            size = human_bytes(sum(archive.size or 0 for archive in self._young))
            ages = ((archive.size, archive.created) for archive in self._young)
            fee = early_deletion(self._prices, ages, self._engine.service.clock.now_ms())
            words = f"{count} ({size}) younger than 90 days, a fee of {money(fee.known)}"
            facts.append(("left out", f"{words}: included with {option('max-fee', 'USD')}"))
        return facts

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable; the queue is checked by it."""
        return {**super().promised(), "moved": self._proof}
