"""The new archives of a long inventory in a temporary file, from which ranges of their keys are read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import LocalError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Piece = tuple[pa.RecordBatch, np.ndarray[Any, Any], np.ndarray[Any, Any]]  # rows, keys, checks


class KeyRanges:
    """Archives in a file that ends with this process, cut at keys of the first that are added.

    :param folder: where the file is.
    :param count: how many ranges of keys there are; each has about as many archives.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count
        self._writer: pa.RecordBatchFileWriter | None = None
        self._open = ExitStack()

    def add(self, piece: Piece) -> None:
        """Append archives in the order of their keys.

        :raises LocalError: the file cannot be written.
        """
        import numpy as np
        import pyarrow as pa

        rows, keys, checks = piece
        columns = dict(zip(rows.schema.names, rows.columns, strict=True))
        rows = pa.record_batch({**columns, "id_key": keys, "id_check": checks})
        try:
            if self._writer is None:
                with ExitStack() as opened:
                    self._file = opened.enter_context(tempfile.TemporaryFile(dir=self._folder))
                    self._open = opened.pop_all()  # close() ends it
                self._writer = pa.ipc.new_file(self._file, rows.schema)
                self._cuts = keys[len(keys) * np.arange(1, self._count) // self._count]
            for start, end in pairwise([0, *np.searchsorted(keys, self._cuts).tolist(), len(keys)]):
                self._writer.write_batch(rows.slice(start, end - start))
        except OSError as error:
            raise LocalError(
                f"The inventory cannot be sorted in {self._folder}: {error.strerror or error}",
                cure="Free some space, and repeat.",
            ) from None

    def read(self) -> Iterator[list[Piece]]:
        """Yield all archives, those of one range of keys at a time."""
        import pyarrow as pa

        if self._writer is None:
            return
        self._writer.close()
        reader = pa.ipc.open_file(self._file)
        for first in range(self._count):
            numbers = range(first, reader.num_record_batches, self._count)
            batches = list(map(reader.get_batch, numbers))
            yield [(each, each["id_key"].to_numpy(), each["id_check"].to_numpy()) for each in batches]
        self.close()

    def close(self) -> None:
        """Delete the file."""
        self._open.close()
