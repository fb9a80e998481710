"""The plan to recover files from a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..backup.recovery import Recovered, Recovery
from ..base.ranges import ByteRange
from ..base.rendering import near
from ..base.units import from_ms, human_bytes, local_time, plural
from ..catalogue import ArchiveRecord
from ..errors import NotReady
from ..errors.steps import step
from .restore.items import THERE
from .restore.restore_plan import RestorePlan


class RecoverPlan(RestorePlan):
    """Files of a snapshot, and the parts of packs that are to be retrieved for them.

    ``run()`` requests the parts; when they are there, :meth:`extract` writes the files.

    :param recovery: the files.
    :param archives: of *parts*, one each.
    """

    button = "Recover"

    def __init__(
        self, recovery: Recovery, archives: Sequence[ArchiveRecord], parts: Sequence[ByteRange], **facts: Any
    ) -> None:
        self.recovery = recovery
        self._facts_given = facts
        super().__init__(archives, parts, exact=True, **facts)

    def revised(self, **changed: Any) -> RecoverPlan:
        """Return a plan for the same files that differs in its tier or destination."""
        facts = self._facts_given | {name: value for name, value in changed.items() if value and name != "to"}
        made = type(self)(self.recovery, self._archives, self._parts or (), **facts)
        made.limit, made.limit_source = self.limit, self.limit_source
        made.accepts_unconfirmed = self.accepts_unconfirmed
        return made

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        what = f"{plural(len(self.recovery.files), 'file')} ({human_bytes(self.recovery.size)})"
        return f"Recover {what} of {self.recovery.set.name} to {near(str(self.recovery.folder))}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        made = from_ms(self.recovery.snapshot.started)
        facts = [("snapshot", f"{self.recovery.snapshot.ordinal}, {local_time(made) if made else ''}")]
        if self.recovery.there:
            facts.append(("there already", plural(self.recovery.there, "file")))
        facts.append(("verified", "each file, by the SHA-256 of its content"))
        parts = ("written", "verified")  # parts are removed once the files are written
        return [*facts, *(fact for fact in super().facts if fact[0] not in parts)]

    @property
    def ready(self) -> bool:
        """Whether all parts are retrieved."""
        return all(item.action == THERE for item in self.items)

    def extract(self) -> Recovered:
        """Write the files, and remove the parts.

        :raises NotReady: not all parts are retrieved yet.
        :raises IntegrityError: the content of a file does not match its hash.
        """
        done = self.recovery.extract(self._gathered())
        for item in self.items:
            item.target.unlink(missing_ok=True)
        with suppress(OSError):  # another recovery may have parts there, too
            for folder in {item.target.parent for item in self.items}:
                folder.rmdir()
            self.to.rmdir()
        return done

    def _gathered(self) -> dict[int, list[tuple[ByteRange, Path]]]:
        """Return the retrieved parts of each pack.

        :raises NotReady: not all parts are retrieved yet.
        """
        self._decide_again()
        if not self.ready:
            raise NotReady(
                f"{plural(sum(item.action != THERE for item in self.items), 'part')} of "
                f"{len(self.items)} are not retrieved yet",
                cure=f"{step('jobs')} shows them; then run the same line again.",
            )
        parts: dict[int, list[tuple[ByteRange, Path]]] = {}
        numbers = [number for number, ranges in self.recovery.ranges.items() for _ in ranges]
        for number, item in zip(numbers, self.items, strict=True):
            assert item.part is not None
            parts.setdefault(number, []).append((item.part, item.target))
        return parts
