"""What was moved to S3, is being moved, or has stopped: one row an archive."""

from __future__ import annotations

import os
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.dataframes import marked
from ...base.rendering import SHOWN, Rendered, html_table, text_table
from ...base.units import human_bytes, human_sum, plural
from ...catalogue import Catalogue
from ...catalogue.records.moved_records import MANIFEST, object_url
from ...errors import InputError, LocalError
from ...prices.quotes import MINIMUM_HOURS

if TYPE_CHECKING:
    import pandas as pd

_HEAD = ("name", "size", "state", "proof", "object", "source")


class Migrations(Rendered):
    """The moves of a vault's archives, as the catalogue has them; no request is sent."""

    def __init__(self, catalogue: Catalogue, vault: str) -> None:
        self._catalogue, self._vault = catalogue, vault

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def _rows(self) -> list[tuple[Any, ...]]:
        return self._catalogue.moved.manifest(self._vault)

    def _values(self, name: str, most: int | None = None) -> list[Any]:
        place = list(MANIFEST).index(name)
        return [row[place] for row in self._rows[:most]]

    @property
    def table(self) -> pd.DataFrame:
        """The manifest, one row an archive.

        vault, archive_id, name, size, created, tree_hash, bucket, key, version_id, storage_class, etag,
        checksum_type, checksum, part_size, proof (0 to 2), proved, source (kept, deleted), free_from (of
        the fee for early deletion), state, error.
        """
        import pandas as pd

        frame = pd.DataFrame.from_records(self._rows, columns=list(MANIFEST))
        for name in ("created", "proved", "free_from"):
            frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
        frame["free_from"] += pd.Timedelta(hours=MINIMUM_HOURS)
        sizes = dict.fromkeys(("size", "part_size", "proof"), "Int64")
        return marked(frame.astype(sizes))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the manifest to a new .parquet or .csv file; return its path.

        :raises InputError: the name ends otherwise.
        :raises LocalError: the file exists, or cannot be written.
        """
        file = Path(path).expanduser().absolute()
        if file.suffix not in (".parquet", ".csv"):
            raise InputError(f"{file.name!r} is no name of a manifest", cure="It ends in .parquet or .csv.")
        table = self.table
        table.attrs.clear()
        try:
            with file.open("xb") as target:
                if file.suffix == ".csv":
                    table.to_csv(target, index=False)
                else:
                    table.to_parquet(target, index=False)
        except OSError as error:
            raise LocalError(f"{file} cannot be written: {error.strerror or error}") from None
        return file

    def _cells(self) -> list[tuple[str, ...]]:
        names = ("name", "size", "state", "proof", "bucket", "key", "source")
        shown = zip(*(self._values(name, SHOWN) for name in names), strict=True)
        return [
            (
                name,
                human_bytes(size),
                state,
                ("none", "sent", "stored")[proof],
                object_url(bucket, key),
                source,
            )
            for name, size, state, proof, bucket, key, source in shown
        ]

    def _words(self) -> str:
        counts = ", ".join(f"{count:,} {state}" for state, count in Counter(self._values("state")).items())
        size = human_sum(self._values("size"))
        return f"{plural(len(self), 'move')} of archives of {self._vault} ({size}): {counts or 'none'}"

    def _repr_text(self) -> str:
        return "\n".join([text_table(_HEAD, self._cells(), numbers=(1,)), self._words()])

    def _repr_html(self) -> str:
        return f"{html_table(_HEAD, self._cells(), numbers=(1,), long=(0, 4))}<p>{self._words()}</p>"
