"""Sources that cost nothing: a local copy of an archive, or a finished output of all of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path

from ...base.treehash import CHUNK, tree_hash
from ...base.units import human_bytes
from ...catalogue import ArchiveRecord, Catalogue, JobRecord
from ...catalogue.records import twins
from ...errors import IntegrityError, Unlistable
from ...jobs.copying import verified_copy
from ...peek import Window
from ...transfer.engine import Engine

HELD = 16
"""MiB held in memory."""
MOST_FETCHED = 2 << 30
"""The most bytes of a job's output to fetch for a look into it."""


class DirectWindow(Window):
    """A window that has everything at hand, in little memory.

    :param chunk: returns the MiB of that number.
    :param most_read: bytes that may be read in all; None for no limit.
    """

    def __init__(self, size: int, chunk: Callable[[int], bytes], *, most_read: int | None = None) -> None:
        super().__init__(lambda *_: b"", size)  # nothing is fetched through the base: read() replaces its own
        self._chunk, self._left = chunk, most_read
        self._held: OrderedDict[int, bytes] = OrderedDict()  # a large archive does not fit in memory
        # As if all had been requested: list_tar() then reads no more than it needs.
        self.asked.append((0, max(0, size - 1)))

    def has(self, _start: int, _length: int, /) -> bool:
        """Return True: all bytes are at hand."""
        return True

    def read(self, start: int, length: int) -> bytes:
        """Return *length* bytes from *start*, fewer at the end of the archive.

        :raises Unlistable: they are more than may be held at once, or all together.
        """
        end = min(max(start, 0) + max(length, 0), self.size)
        start = min(max(start, 0), end)
        if self.most is not None and end - start > self.most:  # a damaged header may claim any length
            raise Unlistable(
                f"Contents it takes {human_bytes(end - start)} at once, more than the "
                f"{human_bytes(self.most)} allowed"
            )
        pieces = []
        while start < end:
            number, offset = divmod(start, CHUNK)
            pieces.append(self._at(number)[offset : offset + end - start])
            if not pieces[-1]:  # a file that was cut short would loop for ever
                raise IntegrityError(f"There are no bytes from {start:,} on")
            start += len(pieces[-1])
        return b"".join(pieces)

    def _at(self, number: int) -> bytes:
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        if self._left is not None:
            self._left -= CHUNK  # each MiB is a request of its own
            if self._left < 0:
                raise Unlistable("Contents it takes too many requests")
        data = self._held[number] = self._chunk(number)
        if len(self._held) > HELD:
            self._held.popitem(last=False)
        return data


def of_file(path: Path, size: int) -> DirectWindow:
    """Return a window on a local file."""

    def chunk(number: int) -> bytes:
        with path.open("rb") as file:
            file.seek(number * CHUNK)
            return file.read(CHUNK)

    return DirectWindow(size, chunk)


def of_output(engine: Engine, job: JobRecord, size: int) -> DirectWindow:
    """Return a window on the output of a finished job that retrieved the whole archive."""
    stop = threading.Event()

    def fetch(number: int) -> bytes:
        length = min(CHUNK, size - number * CHUNK)
        # One MiB is a leaf of the tree, so that the service sends its hash wherever it lies.
        output = engine.service.output(job.vault, job.job_id, number * CHUNK, length)
        # Damaged bytes would give a wrong listing.
        if len(output.data) != length or output.tree_hash != tree_hash(output.data):
            raise IntegrityError(f"{length:,} bytes from {number * CHUNK:,} arrived damaged")
        return output.data

    # Limited, as each MiB of it is a request: a huge tar would take many thousands.
    return DirectWindow(size, lambda n: engine.budget.call(partial(fetch, n), stop), most_read=MOST_FETCHED)


def local_copy(catalogue: Catalogue, archive: ArchiveRecord) -> Path | None:
    """Return a file that an archive was uploaded from, or restored to, and that still has its bytes."""
    key = archive.vault, archive.archive_id
    paths = [upload.path for upload in catalogue.uploads.of_archive(*key)]
    found = twins.verified_files(catalogue.database, archive.size, archive.tree_hash or "")
    paths += chain.from_iterable(found.values())
    return verified_copy(paths, archive.size, archive.tree_hash)  # the bytes decide: users change files
