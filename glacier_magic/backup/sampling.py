"""Random files of a snapshot, retrieved to see whether they can be read."""

from __future__ import annotations

import hashlib
import heapq
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.ranges import ByteRange
from ..catalogue.records.backup_rows import BackedUp
from ..errors import InputError, IntegrityError
from .recovery import Recovery

_AMOUNT = re.compile(r"(?P<files>\d{1,9})|(?P<share>\d{1,3}(\.\d{1,4})?)%")


def checked_amount(text: str) -> str:
    """Return how much is sampled: a number of files, or a share such as ``1%``.

    :raises InputError: it is neither.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None or not float(found["files"] or found["share"]) or float(found["share"] or 0) > 100:
        raise InputError(f"{text!r} is neither a number of files nor a share", cure="For example 5, or 1%.")
    return text


@dataclass
class Sample(Recovery):
    """Random files of a snapshot, and the parts of packs that have them.

    :param amount: as :func:`checked_amount` returns it.
    :param number: that of the sample; the same number selects the same files.
    """

    amount: str = "1"
    number: int = 0

    def _chosen(self, matching: Iterator[BackedUp]) -> list[BackedUp]:
        # Files with the same content are read once; empty files have none.
        files = list({e.content_id: e for e in matching if e.kind == "file" and e.size}.values())
        share = float(self.amount[:-1]) / 100 if self.amount.endswith("%") else None
        count = int(self.amount) if share is None else math.ceil(share * len(files))
        return sorted(heapq.nsmallest(count, files, key=self._chance), key=lambda entry: entry.path)

    def _chance(self, entry: BackedUp) -> bytes:
        return hashlib.sha256(f"{self.number} {entry.path}".encode()).digest()

    def verify(
        self, parts: Mapping[int, Sequence[tuple[ByteRange, Path]]]
    ) -> list[tuple[str, int, str, str]]:
        """Decrypt and unpack the files, and compare their hashes; nothing is written.

        :param parts: of each pack, the files with its ranges.
        :return: of each file its path, size, pack and problem, which is empty if it is as it was stored.
        """
        reading, found = self._reading(parts), []
        for entry in self.files:
            problem, content = "", self.contents[entry.content_id or 0]
            try:
                for _ in reading(entry):
                    pass
            except IntegrityError as error:
                problem = error.message
            found.append((entry.path, entry.size, self.packs[content.pack_id].name, problem))
        return found
