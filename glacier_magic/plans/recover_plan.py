"""The plan to recover files from a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..backup.recovery import Recovered, Recovery
from ..base.ranges import ByteRange
from ..base.rendering import near
from ..base.units import from_ms, human_bytes, local_time, plural
from ..catalogue import ArchiveRecord
from ..errors import NotReady
from ..errors.steps import step
from ..jobs import Batch
from .events import PlanEvents
from .restore.items import THERE, TO_WRITE
from .restore.restore_plan import RestorePlan


class RecoverPlan(RestorePlan):
    """Files of a snapshot, and the parts of packs that are to be retrieved for them.

    ``run()`` requests the parts; when they are there, :meth:`extract` writes the files.

    :param recovery: the files.
    :param again: returns the plan for the same files with another ``tier``, ``destination`` or ``to``.
    :param archives: of *parts*, one each.
    """

    button = "Recover"

    def __init__(
        self,
        recovery: Recovery,
        again: Callable[..., RecoverPlan],
        archives: Sequence[ArchiveRecord],
        parts: Sequence[ByteRange],
        **facts: Any,
    ) -> None:
        self.recovery, self._again = recovery, again
        self._told: PlanEvents = facts["log"].events
        super().__init__(archives, parts, exact=True, **facts)

    def revised(self, **changed: Any) -> RecoverPlan:
        """Return a plan for the same files that differs in its tier, destination or folder."""
        now = {"tier": self.tier, "destination": self.destination, "to": self.folder}
        made = self._again(**now | {name: value for name, value in changed.items() if value})
        made.limit, made.limit_source = self.limit, self.limit_source
        made.accepts_unconfirmed = self.accepts_unconfirmed
        return made

    @property
    def folder(self) -> Path:
        """The folder that the files are written below; the parts are in one of their own."""
        return self.recovery.folder

    @property
    def empty(self) -> bool:
        """Whether all files are there already."""
        return super().empty and all(entry.kind == "folder" for entry in self.recovery.entries)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        what = f"{plural(len(self.recovery.files), 'file')} ({human_bytes(self.recovery.size)})"
        return f"Recover {what} of {self.recovery.set.name} to {near(str(self.recovery.folder))}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        made = from_ms(self.recovery.snapshot.started)
        facts = [("snapshot", f"{self.recovery.snapshot.ordinal}, {local_time(made)}")]
        if self.recovery.there:
            facts.append(("there already", plural(self.recovery.there, "file")))
        readers = self.recovery.set.recipients
        facts.append(
            ("key", f"opens the packs, for {', '.join(readers)}" if readers else "none: they are plain")
        )
        facts.append(("verified", "each file, by the SHA-256 of its content"))
        parts = ("written", "verified")  # parts are removed once the files are written
        return [*facts, *(fact for fact in super().facts if fact[0] not in parts)]

    def _run(self) -> Batch:
        return self._told.around("recover", self.vault, self.recovery.set.name, super()._run, ends=False)

    def _remember(self) -> int | None:
        # A repeated line that only waits for earlier requests is not a new entry in the history.
        return super()._remember() if self._having(*TO_WRITE) else None

    def extract(self) -> Recovered:
        """Write the files, and remove the parts.

        :raises NotReady: not all parts are retrieved yet.
        :raises IntegrityError: the content of a file does not match its hash.
        """
        work = partial(self.recovery.extract, self._gathered())
        done = self._told.around("recover", self.vault, self.recovery.set.name, work, starts=False)
        for item in self.items:
            item.target.unlink(missing_ok=True)
        with suppress(OSError):  # parts of another recovery may be there
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
                cure=f"{step('jobs')} shows them; repeat the line when they are.",
            )
        parts: dict[int, list[tuple[ByteRange, Path]]] = {}
        numbers = [number for number, ranges in self.recovery.ranges.items() for _ in ranges]
        for number, item in zip(numbers, self.items, strict=True):
            assert item.part is not None
            parts.setdefault(number, []).append((item.part, item.target))
        return parts
