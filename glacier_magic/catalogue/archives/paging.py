"""Limited inventories: pages that each go on from the marker of the one before.

What the pages list is kept as a bit a row.  With the last page they are a whole inventory, if none
is missing in between; a page that does not go on from the one before only adds.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..storage.database import Database

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ListedPage:
    """The place of a limited inventory: the markers that it begins with and that follows it.

    Without the first it is the first page, without the second the last.
    """

    after: str | None
    marker: str | None


@dataclass
class Pages:
    """The pages so far: the earliest date, sums, and the rows that were listed."""

    made: int | None
    archives: int
    bytes: int
    seen: np.ndarray[Any, Any]

    def join(self, earlier: Pages) -> None:
        """Add the pages before."""
        import numpy as np

        dates = [made for made in (self.made, earlier.made) if made is not None]
        self.made = min(dates) if len(dates) == 2 else None
        self.archives += earlier.archives
        self.bytes += earlier.bytes
        longer = max(len(self.seen), len(earlier.seen))
        whole = np.zeros(longer, bool)
        whole[: len(self.seen)] |= self.seen
        whole[: len(earlier.seen)] |= earlier.seen
        self.seen = whole


def goes_on(database: Database, vault_id: int, page: ListedPage, pages: Pages) -> bool:
    """Join *pages* with those that *page* goes on from; false where one in between is missing."""
    if page.after is None:
        return True
    row = database.row("SELECT * FROM pages WHERE vault_id=? AND marker=?", (vault_id, page.after))
    if row is None:
        return False
    import numpy as np

    bits = np.unpackbits(np.frombuffer(zlib.decompress(row["seen"]), np.uint8))
    pages.join(Pages(row["made"], row["archives"], row["bytes"], bits.astype(bool)))
    return True


def keep(database: Database, vault_id: int, marker: str | None, pages: Pages) -> None:
    """Keep the pages until the next one; forget them where there is none."""
    import numpy as np

    database.execute("DELETE FROM pages WHERE vault_id=?", (vault_id,))
    if marker is not None:
        database.execute(
            "INSERT INTO pages(vault_id, marker, made, archives, bytes, seen) VALUES(?,?,?,?,?,?)",
            (
                vault_id,
                marker,
                pages.made,
                pages.archives,
                pages.bytes,
                zlib.compress(np.packbits(pages.seen).tobytes(), 1),
            ),
        )
