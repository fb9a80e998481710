"""The temporary files of a move: parts above 64 MiB, of archives above 625 GiB, are not held in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...base.files import temporary_folder
from ...base.session_limits import Limits
from ...base.treehash import MOST_PARTS, part_size_for
from ...base.units import human_bytes
from ...errors import LocalError
from ..restore.request import room


@dataclass(frozen=True)
class Spooling:
    """The room that parts take in temporary files.

    :param part: bytes of the largest part.
    :param needed: bytes that all take at the same time, at most.
    :param elsewhere: whether other processes copy, whose disks are not known here.
    """

    part: int = 0
    needed: int = 0
    elsewhere: bool = False

    @classmethod
    def of(cls, sizes: Iterable[int], limits: Limits, *, elsewhere: bool = False) -> Spooling:
        """Return the room for archives of these sizes in bytes."""
        part = total = 0
        memory, smallest = limits.object_in_memory, limits.object_part
        least = memory if smallest > memory else smallest * MOST_PARTS
        for size in sizes:
            if size > least:
                largest = min(size, part_size_for(size, smallest=smallest))
                if largest > memory:
                    part, total = max(part, largest), total + size
        return cls(part, max(part, min(total, limits.object_spool)), elsewhere)

    def facts(self) -> list[tuple[str, str]]:
        """Return what a plan says of it."""
        if not self.part:
            return []
        if self.elsewhere:
            words = f"{human_bytes(self.part)} on each worker for each range that it copies at a time"
        else:
            folder = temporary_folder()
            words = f"up to {human_bytes(self.needed)} in {folder}: {room(folder, self.needed)[1]}"
        return [("temporary files", f"{words}; TMPDIR names another folder")]

    @property
    def refusal(self) -> LocalError | None:
        """The error where there is too little room for them; None otherwise."""
        folder = temporary_folder()
        enough, words = room(folder, self.needed)
        if enough or self.elsewhere:
            return None
        return LocalError(
            f"No request was sent: there is no room for the parts in {folder}: {words}",
            cure="Free some space, or let the environment variable TMPDIR name another folder.",
        )
