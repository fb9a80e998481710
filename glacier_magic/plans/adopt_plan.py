"""The plan to adopt backups that another computer made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base.units import plural
from ..catalogue.records.backup_rows import BackupSet
from ..errors import NotReady
from ..errors.steps import step
from .restore.items import THERE, RestoreItem
from .restore.restore_plan import RestorePlan


class AdoptPlan(RestorePlan):
    """Manifests to retrieve: ``run()`` requests them, and when they are there, :meth:`adopt` reads them.

    :param read: records what the manifest of an item says.
    """

    button = "Retrieve"

    def __init__(self, *given: Any, read: Callable[[RestoreItem], BackupSet], **facts: Any) -> None:
        self._read = read
        super().__init__(*given, **facts)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        return f"Retrieve {plural(len(self.items), 'manifest')} from {self.vault}"

    @property
    def ready(self) -> bool:
        """Whether all manifests are retrieved."""
        return all(item.action == THERE for item in self.items)

    def adopt(self) -> list[BackupSet]:
        """Record the backups in the catalogue; return them.

        :raises NotReady: not all manifests are retrieved yet.
        :raises IntegrityError: a manifest is damaged.
        """
        self._decide_again()
        if not self.ready:
            raise NotReady(
                "The manifests are not retrieved yet",
                cure=f"{step('jobs')} shows them; then repeat the line.",
            )
        found = []
        for item in self.items:
            found.append(self._read(item))
            item.target.unlink(missing_ok=True)
        return found
