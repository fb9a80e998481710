"""The plan to check random files of a backup."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ..backup.backup_tables import sampled
from ..backup.sampling import Sample
from ..base.units import human_bytes, plural
from ..jobs import Batch
from .recover_plan import RecoverPlan
from .restore.restore_plan import RestorePlan

if TYPE_CHECKING:
    import pandas as pd


class SamplePlan(RecoverPlan):
    """Random files of a snapshot, and the parts of packs that are to be retrieved for them.

    ``run()`` requests the parts; when they are there, :meth:`verify` reads the files.

    :param recovery: a :class:`.Sample`.
    """

    button = "Check"
    recovery: Sample

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        what = f"{plural(len(self.recovery.files), 'random file')} ({human_bytes(self.recovery.size)})"
        return f"Check {what} of {self.recovery.set.name}"

    def _run(self) -> Batch:
        return RestorePlan._run(self)  # no event: nothing is recovered

    def verify(self) -> pd.DataFrame:
        """Read the files, and remove the parts.

        One row per file: path, size, pack, problem; the problem is empty if it is as it was stored.

        :raises NotReady: not all parts are retrieved yet.
        """
        found = self.recovery.verify(self._gathered())
        shutil.rmtree(self.to, ignore_errors=True)
        return sampled(found)
