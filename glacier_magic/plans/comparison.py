"""A plan to compare archives with the local files of their names, without any request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.dataframes import marked
from ..base.rendering import SHOWN, near
from ..base.safenames import UnsafePath, safe_target
from ..base.treehash import FileChanged, Progress, tree_hash
from ..base.units import human_bytes, plural, short_id
from ..catalogue import ArchiveRecord
from ..catalogue.storage.letters import spellings
from ..errors import NotReady
from ..transfer.progress import Meter
from .lasting_plan import LastingPlan

if TYPE_CHECKING:
    import pandas as pd

SAME, DIFFERENT, MISSING, UNREADABLE = "same", "different", "missing locally", "unreadable"


class ComparePlan(LastingPlan[str]):
    """Archives whose local files are to be hashed; ``run()`` returns the counts as text.

    After the run, ``table`` has a state for each archive.

    :param folder: the folder of the files; each has the name of its archive.
    """

    button = "Hash"

    def __init__(self, archives: Sequence[ArchiveRecord], *, vault: str, folder: Path) -> None:
        super().__init__()  # no log: it pays for nothing and destroys nothing
        self.vault, self.folder = vault, folder.expanduser().absolute()  # a notebook may change its folder
        self.archives = list(archives)
        self._files = [self._file(archive) for archive in self.archives]
        self._states: list[str] = []

    def _file(self, archive: ArchiveRecord) -> Path | None:
        for name in spellings(archive.file_name):
            with suppress(UnsafePath):
                path = safe_target(self.folder, name, fallback=archive.archive_id)  # as in a restore
                if path.is_file():  # hashing a pipe could wait for ever
                    return path
        return None

    def to_read(self) -> list[tuple[ArchiveRecord, Path]]:
        """Return the archives that have a file of their size, with the file."""
        return [
            (archive, path)
            for archive, path in zip(self.archives, self._files, strict=True)
            if path is not None and _size(path) == archive.size  # a file of another size need not be read
        ]

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        return (
            f"Hash the local files of {plural(len(self.archives), 'archive')} of {self.vault} "
            f"in {near(str(self.folder)) or self.folder}"
        )

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        found = sum(path is not None for path in self._files)
        read = [path for _, path in self.to_read()]
        size = human_bytes(sum(_size(path) for path in read))
        return [
            ("there", f"{plural(found, 'file')}; {len(self.archives) - found:,} missing"),
            ("read", f"{plural(len(read), 'file')} of the right size, {size}"),
            ("service", "nothing is asked: the catalogue knows the tree hashes"),
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row per archive: name, size, archive_id, tree_hash, path; then also state."""
        import pandas as pd

        columns = ("name", "size", "archive_id", "tree_hash", "path")
        rows = [
            (a.name, a.size, a.archive_id, a.tree_hash, str(path or ""))
            for a, path in zip(self.archives, self._files, strict=True)
        ]
        found = marked(pd.DataFrame(rows, columns=columns).astype({"size": "Int64"}))
        return found.assign(state=self._states) if self._states else found

    @property
    def empty(self) -> bool:
        """Whether there is nothing to compare."""
        return not self.archives

    def _head(self) -> Sequence[str]:
        return ("name", "size", "archive id", "tree hash", "file")

    def _cells(self) -> list[tuple[str, ...]]:
        pairs = zip(self.archives, self._files, strict=True)
        return [
            (
                archive.name or archive.archive_id,
                human_bytes(archive.size),
                short_id(archive.archive_id),
                archive.tree_hash or "",
                near(str(path)) if path else MISSING,
            )
            for archive, path in islice(pairs, SHOWN)
        ]

    def _count(self) -> int:
        return len(self.archives)

    def _run(self) -> str:
        self._files = [self._file(archive) for archive in self.archives]  # files may have come or gone
        self._stop.clear()
        read = [path for _, path in self.to_read()]
        meter = Meter(f"Hashing {plural(len(read), 'file')}", sum(map(_size, read)), self._observer)

        def hashed(count: int) -> None:
            if self._stop.is_set():
                raise NotReady(
                    "The comparison was stopped", cure="It starts from the beginning the next time."
                )
            meter.moved(count)

        pairs = zip(self.archives, self._files, strict=True)
        self._states = [_state(archive, path, hashed) for archive, path in pairs]
        meter.finish()
        counts = Counter(self._states)
        order = (SAME, DIFFERENT, UNREADABLE, MISSING)
        return f"{', '.join(f'{counts[s]:,} {s}' for s in order if counts[s])}: see .table."


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1  # no archive has this size


def _state(archive: ArchiveRecord, path: Path | None, progress: Progress) -> str:
    if path is None:
        return MISSING
    if _size(path) != archive.size:  # the size first: a tree hash reads the whole file
        return DIFFERENT
    try:
        return SAME if tree_hash(path, progress=progress) == archive.tree_hash else DIFFERENT
    except (OSError, FileChanged):  # written to while it is read: there is no hash to compare
        return UNREADABLE
