"""The plan to adopt backups that another computer made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..base.units import plural
from ..catalogue.records.backup_rows import BackupSet
from ..errors import NotReady
from ..errors.steps import step
from .restore.items import RestoreItem
from .restore.restore_plan import RestorePlan


class AdoptPlan(RestorePlan):
    """Manifests or parts of packs to retrieve: ``run()`` requests them, and :meth:`adopt` reads them.

    :param read: records the backups in the retrieved items.
    """

    button = "Retrieve"

    def __init__(
        self, *given: Any, read: Callable[[Sequence[RestoreItem]], list[BackupSet]], **facts: Any
    ) -> None:
        self._read = read
        super().__init__(*given, **facts)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        what = "manifest" if self._parts is None else "part"
        of = "" if self._parts is None else " of packs"
        return f"Retrieve {plural(len(self.items), what)}{of} from {self.vault}"

    def adopt(self) -> list[BackupSet]:
        """Record the backups in the catalogue; return them.

        :raises NotReady: not all of it is retrieved yet.
        :raises IntegrityError: a manifest or pack is damaged.
        """
        self._decide_again()
        if not self.ready:
            raise NotReady(
                "The manifests or parts are not retrieved yet",
                cure=f"{step('jobs')} shows them; repeat the line when they are.",
            )
        found = self._read(self.items)
        for item in self.items:
            item.target.unlink(missing_ok=True)
        return found
