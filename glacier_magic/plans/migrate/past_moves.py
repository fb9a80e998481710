"""What was moved to S3, is being moved, or has stopped: one row an archive."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...base.dataframes import marked
from ...base.rendering import SHOWN, Rendered, escape, html_table, text_table
from ...base.units import human_bytes, human_sum, plural
from ...catalogue import Download
from ...catalogue.records.moved_records import CONFLICT, MANIFEST, PROVEN, MovedObject, object_url
from ...errors import InputError, LocalError
from ...errors.steps import step
from ...prices.quotes import MINIMUM_HOURS
from ...transfer.engine import Engine
from ...transfer.migrate.proving import AT_REST, STORED_AS_SENT
from ..base import PlanLog
from ..restore.quoting import checked_destination, checked_tier
from .prove_plan import LEVELS, ProvePlan
from .rest_plan import RestPlan

if TYPE_CHECKING:
    import pandas as pd

    from .migrate_plan import MigratePlan

_HEAD = ("name", "size", "state", "proof", "object", "source")


def _frame(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame.from_records(rows, columns=list(MANIFEST))
    for name in ("created", "proved", "free_from"):
        frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
    frame["free_from"] += pd.Timedelta(hours=MINIMUM_HOURS)
    return frame.astype(dict.fromkeys(("size", "part_size", "proof"), "Int64"))


def _write_parquet(frames: Iterable[pd.DataFrame], target: IO[bytes]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    writer = None
    for frame in frames:
        if writer is None:
            schema = pa.Schema.from_pandas(frame, preserve_index=False)
            for place, each in enumerate(schema):
                if pa.types.is_null(each.type):  # the next piece may have texts there
                    schema = schema.set(place, each.with_type(pa.string()))
            writer = parquet.ParquetWriter(target, schema)
        writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))
    if writer is not None:
        writer.close()


class Migrations(Rendered):
    """The moves of a vault's archives, as the catalogue has them; no request is sent.

    :param chosen: the ids of the archives whose moves are meant; None for all.
    :param migrate: returns the plan to move archives, as :meth:`.Vault.migrate` does.
    """

    def __init__(
        self,
        vault: str,
        chosen: Collection[str] | None,
        *,
        engine: Engine,
        log: PlanLog,
        migrate: Callable[..., MigratePlan],
    ) -> None:
        self._vault, self._chosen = vault, chosen
        self._engine, self._log, self._migrate = engine, log, migrate

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def _rows(self) -> list[tuple[Any, ...]]:
        return list(chain.from_iterable(self._pieces()))

    def _pieces(self) -> Iterator[list[tuple[Any, ...]]]:
        pieces = self._engine.catalogue.moved.manifest(self._vault)
        if self._chosen is None:
            return pieces
        place, chosen = list(MANIFEST).index("archive_id"), self._chosen
        return ([row for row in rows if row[place] in chosen] for rows in pieces)

    @cached_property
    def _moves(self) -> list[tuple[MovedObject, Download]]:
        return [
            (moved, row)
            for moved, row in self._engine.catalogue.moved.of_vault(self._vault)
            if (row.state != "forgotten" or moved.proof > 0)
            and (self._chosen is None or row.archive_id in self._chosen)
        ]

    def _values(self, name: str, most: int | None = None) -> list[Any]:
        place = list(MANIFEST).index(name)
        return [row[place] for row in self._rows[:most]]

    @property
    def table(self) -> pd.DataFrame:
        """The manifest, one row an archive.

        vault, archive_id, name, size, created, tree_hash, bucket, key, version_id, storage_class, etag,
        checksum_type, checksum, crc64nvme, part_size, proof (0 to 4), proved, source (kept, deleted),
        free_from (of the fee for early deletion), state, error.
        """
        return marked(_frame(self._rows))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the manifest to a new .parquet or .csv file; return its path.

        :raises InputError: the name ends otherwise.
        :raises LocalError: the file exists, or cannot be written.
        """
        file = Path(path).expanduser().absolute()
        if file.suffix not in (".parquet", ".csv"):
            raise InputError(f"{file.name!r} is no name of a manifest", cure="It ends in .parquet or .csv.")
        # A piece at a time, and an empty one where there is none: a vault may have millions.
        frames = (_frame(rows) for rows in chain(self._pieces(), [[]]))
        try:
            with file.open("xb") as target:
                if file.suffix == ".csv":
                    for place, frame in enumerate(frames):
                        frame.to_csv(target, index=False, header=place == 0)
                else:
                    _write_parquet(frames, target)
        except OSError as error:
            raise LocalError(f"{file} cannot be written: {error.strerror or error}") from None
        return file

    def prove(
        self,
        level: int = STORED_AS_SENT,
        *,
        tier: str = "Bulk",
        destination: str | None = None,
        role: str | None = None,
    ) -> ProvePlan | RestPlan:
        """Return the plan to prove the moves again; no request is sent until its ``run()``.

        :param level: 2 compares what S3 records; 3 lets S3 hash what it stores, by a job; 4 reads the
            objects, and those of archive classes are restored before.
        :param tier: of the restores.
        :param role: the ARN of the IAM role that reads the objects for the job of S3.
        :param destination: where this computer is; see :meth:`.Vault.restore`.
        :raises InputError: there is no such level, tier or destination.
        """
        shared: dict[str, Any] = {"vault": self._vault, "engine": self._engine, "log": self._log}
        if level == AT_REST:
            return RestPlan(self._moves, role=role, **shared)
        return ProvePlan(
            self._moves,
            level=level,
            tier=checked_tier(tier),
            destination=checked_destination(destination),
            **shared,
        )

    @cached_property
    def stuck(self) -> list[tuple[MovedObject, Download]]:
        """The moves that have failed, or whose output has expired, and that can go on."""
        if not {"failed", "expired"}.intersection(self._values("state")):
            return []
        newest = {(row.archive_id, row.root): (moved, row) for moved, row in self._moves}
        stopped = ("failed", "expired")
        return [
            (moved, row)
            for moved, row in newest.values()
            if row.state in stopped and moved.step not in (PROVEN, CONFLICT)
        ]

    def resume(self, **options: Any) -> MigratePlan:
        """Return the plan to go on with what is stuck: with the moves to one place and storage class.

        What S3 has of them, and outputs that last, are used; the price has what is requested again.

        :param options: as of :meth:`.Vault.migrate`; the tier is that of the first move.
        :raises InputError: nothing is stuck.
        """
        if not self.stuck:
            cure = f"{step('wait')} goes on with what is on its way."
            raise InputError(f"No move of an archive of {self._vault} is stuck", cure=cure)
        first, row = self.stuck[0]
        place = row.root, first.storage_class
        ids = [each.archive_id for moved, each in self.stuck if (each.root, moved.storage_class) == place]
        known = {"tier": row.tier, "checksum": min(moved.algorithm for moved, _ in self.stuck)}
        return self._migrate(ids, to=row.root, storage_class=first.storage_class, **known | options)

    def _cells(self) -> list[tuple[str, ...]]:
        names = ("name", "size", "state", "proof", "bucket", "key", "source")
        shown = zip(*(self._values(name, SHOWN) for name in names), strict=True)
        return [
            (name, human_bytes(size), state, LEVELS[proof], object_url(bucket, key), source)
            for name, size, state, proof, bucket, key, source in shown
        ]

    def _words(self) -> str:
        states = Counter(self._values("state"))
        counts = ", ".join(f"{count:,} {state}" for state, count in states.items())
        size = human_sum(self._values("size"))
        words = f"{plural(len(self), 'move')} of archives of {self._vault} ({size}){counts and f': {counts}'}"
        reasons = Counter(row.error or row.state for _, row in self.stuck)
        if reasons:
            why = "; ".join(f"{count:,}: {reason}" for reason, count in reasons.most_common(3))
            words += f". {step('migrations', '--resume')} goes on with what is stuck ({why})"
        return words

    def _repr_text(self) -> str:
        return "\n".join([text_table(_HEAD, self._cells(), numbers=(1,)), self._words()])

    def _repr_html(self) -> str:
        return f"{html_table(_HEAD, self._cells(), numbers=(1,), long=(0, 4))}<p>{escape(self._words())}</p>"
