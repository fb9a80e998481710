"""The numbers of all archives of a vault at hand, to look up those of an inventory quickly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..storage.database import Database

if TYPE_CHECKING:
    import numpy as np

_PIECE = 100_000


@dataclass(frozen=True)
class IdIndex:
    """Keys, checks and row ids, in the order of the keys."""

    keys: np.ndarray[Any, Any]
    checks: np.ndarray[Any, Any]
    ids: np.ndarray[Any, Any]

    @classmethod
    def read(cls, database: Database, vault_id: int, last: int) -> IdIndex | None:
        """Return those of the rows up to the id *last*; None where they are too many to hold."""
        import numpy as np

        parts, count = [np.zeros((0, 3), np.int64)], 0
        for rows in database.stream(
            "SELECT id_key, id_check, id FROM archive_rows WHERE vault_id=? AND id<=? "
            "ORDER BY id_key, id_check",
            (vault_id, last),
            _PIECE,
        ):
            count += len(rows)
            if count > database.limits.known_ids:
                return None
            parts.append(np.array(rows, np.int64))
        whole = np.concatenate(parts)
        return cls(*(np.ascontiguousarray(whole[:, place]) for place in range(3)))

    def find(self, keys: np.ndarray[Any, Any], checks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the row id of each pair of numbers, -1 where there is none."""
        import numpy as np

        found = np.full(len(keys), -1, np.int64)
        places = np.searchsorted(self.keys, keys)
        open_ = np.flatnonzero(places < len(self.keys))
        while len(open_):  # more than once only where two ids share the first number
            at = places[open_]
            open_ = open_[self.keys[at] == keys[open_]]
            at = places[open_]
            same = self.checks[at] == checks[open_]
            found[open_[same]] = self.ids[at[same]]
            places[open_] += 1
            open_ = open_[~same & (places[open_] < len(self.keys))]
        return found
