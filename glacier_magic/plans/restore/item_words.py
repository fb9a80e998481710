"""The items of a restore as text and as a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ...base.bucket_names import is_bucket
from ...base.dataframes import marked
from ...base.rendering import near
from ...base.units import human_bytes, local_time, plural, short_id
from ...jobs import kept_until
from ...jobs.fetching import NOT_VERIFIABLE
from .items import ASK, READY, RestoreItem, RetrievalItem

if TYPE_CHECKING:
    import pandas as pd


def staged_until(found: Sequence[RetrievalItem], now: datetime) -> str:
    """Return until when finished outputs are available at least; downloading them is no retrieval."""
    times = [kept_until(item.job) for item in found if item.job and item.action == READY]
    known = [time for time in times if time is not None]
    if not known:
        return ""
    until = local_time(min(known), now)
    if is_bucket(found[0].archive.vault):
        return f": the first copy ends {until}"
    # The service documentation does not say so; AWS's own vault-to-S3 solution relies on it.
    return f": staged until {until}; until then another request would be free as well"


def copies(found: Sequence[RestoreItem]) -> str:
    """Return where the verified copies are."""
    paths = [near(str(item.copy)) for item in found if item.copy is not None]
    if not paths:
        return ""
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    return f": a verified copy is at {paths[0]}{more}"


def claims(claimed: Collection[str]) -> list[tuple[str, str]]:
    """Return the fact on archives that are known from a plan file only, by their ids."""
    if not claimed:
        return []
    count = plural(len(claimed), "archive")
    return [("from the plan file", f"{count}: not in this catalogue, sizes as its author says")]


def exactness(parts: Sequence[RestoreItem], written: int) -> list[tuple[str, str]]:
    """Return the facts on the files of parts, in which *written* bytes are written."""
    doubtful, noun = sum(not item.verifiable for item in parts), "part" if len(parts) == 1 else "parts"
    verified = f"by the tree hashes that the service gives of the {noun}"
    if doubtful:
        count = f"{doubtful} of {plural(len(parts), 'part')}"
        verified = f"{count} {NOT_VERIFIABLE}; the file's name says so"
    return [("written", f"{plural(written, 'byte')}, exactly the {noun}"), ("verified", verified)]


def in_words(item: RestoreItem) -> tuple[str, ...]:
    """Return the row of an item in a plan's table."""
    name = item.archive.name or item.archive.archive_id
    return (
        f"{name} (bytes {item.part})" if item.part else name,
        human_bytes(item.size),
        short_id(item.archive.archive_id),
        item.words,
        near(str(item.target)),
    )


def part_in_words(item: RestoreItem) -> tuple[str, ...]:
    """Return the row of a part in a plan's table."""
    return (
        item.archive.name or short_id(item.archive.archive_id),
        human_bytes(item.size),
        str(item.part),
        str(item.cover) if item.action == ASK else "",
        item.words,
        near(str(item.target)),
    )


def table_of(items: Sequence[RestoreItem], *, parts: bool) -> pd.DataFrame:
    """Return one row per item; see :attr:`.RestorePlan.table`."""
    import pandas as pd

    more = ("part", "cover", "verifiable") if parts else ()
    names = ("name", "size", "archive_id", "tree_hash", *more, "action", "target", "job_id")
    rows = [
        (
            i.archive.name,
            i.size,
            i.archive.archive_id,
            i.archive.tree_hash,
            *((str(i.part), str(i.cover), i.verifiable) if parts else ()),
            i.action,
            str(i.target),
            i.job and i.job.job_id,
        )
        for i in items  # once: each is made for it
    ]
    return marked(pd.DataFrame(rows, columns=names).astype({"size": "Int64"}))
