"""Work on hold since the catalogue was restored, copied or moved."""

from __future__ import annotations

from ..base.rendering import Rendered
from ..base.units import human_sum, plural
from ..catalogue import Catalogue
from ..catalogue.storage.holding import how, release
from .delete.drop_plan import end
from .restore.timetable import stop


class OnHold(Rendered):
    """Requests, deletions and drops that wait for the user.

    :param now: milliseconds since 1970 by the service's clock.
    """

    def __init__(self, catalogue: Catalogue, now: int) -> None:
        self._catalogue, self._now = catalogue, now
        self.downloads = [row for row in catalogue.pacing.scheduled() if row.on_hold]
        self.drops = [row for row in catalogue.drops.shown() if row.open and row.on_hold]
        of_drops = {drop.deletion for drop in self.drops}  # counted with their drop
        found = [row for row in catalogue.deletions.unfinished() if row.on_hold]
        self.deletions = [row for row in found if row.id not in of_drops]

    @property
    def words(self) -> str:
        """The work on hold as text; empty if there is none."""
        size = human_sum(row.size for row in self.downloads)
        left = plural(sum(row.left for row in self.deletions), "archive")
        words = [f"{plural(len(self.downloads), 'archive')} to ask for ({size})"]
        words = words if self.downloads else []
        if self.deletions:
            words.append(f"{plural(len(self.deletions), 'deletion')} ({left} left)")
        return ", ".join([*words, *(f"drop of {drop.vault}" for drop in self.drops)])

    def resume(self) -> str:
        """Resume all of it; return a text that lists it.

        A deletion then continues with :meth:`.Session.resume_deletion`.
        """
        release(self._catalogue.database, self._catalogue.scope)
        return f"Goes on: {self.words}." if self.words else "Nothing is on hold."

    def discard(self) -> str:
        """Discard all of it; return a text that lists it.  Requests and deletions made stay made."""
        with self._catalogue.database.transaction():  # all or nothing
            stop(self._catalogue, self.downloads, self._now)  # only those that nobody has requested meanwhile
            for drop in self.drops:
                end(self._catalogue, drop)  # with its deletion, which is not among those below
            for deletion in self.deletions:
                self._catalogue.deletions.ended(deletion.id, "forgotten", "given up by the user")
        return f"Given up: {self.words}." if self.words else "Nothing is on hold."

    def _repr_text(self) -> str:
        return f"On hold: {self.words}. {how()}" if self.words else "Nothing is on hold."
