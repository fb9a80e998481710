"""The listed members of zips and tars, bounded whatever the files contain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...base.units import human_bytes, storable
from ...peek.contents import Contents, Member
from ..storage.database import Database, Scope

LONGEST = 4096
"""Characters of a name or of a link's target that are kept."""


@dataclass(frozen=True, kw_only=True)
class ListingRecord:
    """The listing of one archive; ``listed`` in milliseconds since 1970 UTC.

    :param paid: the paid requests and bytes, by tier.
    :param most_bytes: the limit of bytes read, in at most *most_rounds* rounds.
    """

    id: int
    vault: str
    archive_id: str
    kind: str
    listed: int
    complete: bool
    notes: list[str]
    source: str
    paid: Mapping[str, tuple[int, int]]
    most_bytes: int
    most_rounds: int
    members: int


_FACTS = (
    "vault",
    "archive_id",
    "kind",
    "listed",
    "complete",
    "notes",
    "source",
    "paid",
    "most_bytes",
    "most_rounds",
    "members",
)
_MEMBER = ("name", "kind", "size", "packed", "start", "mtime", "written", "target", "encrypted")


class Listings:
    """The members of the zips and tars of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)

    def record(
        self,
        vault: str,
        archive_id: str,
        listing: Contents,
        *,
        listed: int,
        source: str,
        paid: Mapping[str, Sequence[int]],
        most_bytes: int,
        most_rounds: int,
    ) -> ListingRecord:
        """Store a listing in place of the archive's earlier one."""
        rows, notes = _bounded(listing.members, self._database.limits.listed_text)
        values = (
            vault,
            archive_id,
            listing.kind,
            listed,
            int(listing.complete and not notes),  # a listing that was bounded is not complete
            json.dumps([*map(storable, listing.notes), *notes]),
            storable(source),
            json.dumps(paid),
            most_bytes,
            most_rounds,
            len(rows),
        )
        with self._database.transaction():
            self._forget(  # in one transaction: a reader never finds an archive without its listing
                "account=? AND region=? AND vault=? AND archive_id=?", (*self._key, vault, archive_id)
            )
            number = self._database.insert(
                f"INSERT INTO listings(account, region, {', '.join(_FACTS)}) "
                f"VALUES({_marks(len(_FACTS) + 2)})",
                (*self._key, *values),
            )
            sql = (
                f"INSERT INTO members(listing, number, {', '.join(_MEMBER)}) "
                f"VALUES({_marks(len(_MEMBER) + 2)})"
            )
            for place, row in enumerate(rows):
                self._database.execute(sql, (number, place, *row))
            self._make_room()
        found = self.get(vault, archive_id)
        if found is None:
            raise LookupError(archive_id)
        return found

    def get(self, vault: str, archive_id: str) -> ListingRecord | None:
        """Return the listing of an archive, or None."""
        row = self._database.row(
            f"SELECT id, {', '.join(_FACTS)} FROM listings "
            "WHERE account=? AND region=? AND vault=? AND archive_id=?",
            (*self._key, vault, archive_id),
        )
        if row is None:
            return None
        facts = dict(row)
        facts["complete"], facts["notes"] = bool(row["complete"]), json.loads(row["notes"])
        facts["paid"] = {tier: (n, size) for tier, (n, size) in json.loads(row["paid"]).items()}
        return ListingRecord(**facts)

    def members(self, listing: int) -> Iterator[dict[str, Any]]:
        """Yield the members of a listing, in the order of the archive."""
        rows = self._database.rows(
            f"SELECT {', '.join(_MEMBER)} FROM members WHERE listing=? ORDER BY number", (listing,)
        )
        return (dict(row) | {"encrypted": bool(row["encrypted"])} for row in rows)

    def _make_room(self) -> None:
        kept = 0
        # The limit is that of the whole catalogue, so this is of all accounts.
        for row in self._database.rows("SELECT id, members FROM listings ORDER BY listed DESC"):
            kept += row["members"]
            # The newest stays, even if it alone is larger.
            if kept > self._database.limits.listed_members and kept > row["members"]:
                self._forget("id=?", (row["id"],))

    def _forget(self, where: str, values: Sequence[Any]) -> None:
        self._database.execute(  # before the listings, which the condition reads
            f"DELETE FROM members WHERE listing IN (SELECT id FROM listings WHERE {where})", values
        )
        self._database.execute(f"DELETE FROM listings WHERE {where}", values)


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _bounded(members: Sequence[Member], most: int) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Return the rows to store, and a note about those that are not."""
    rows: list[tuple[Any, ...]] = []
    text = 0
    for member in members:
        name, target = _cut(member.name), _cut(member.target)
        text += len(name) + len(target)
        if text > most:
            note = f"Only {len(rows):,} of {len(members):,} members are kept: their names alone "
            return rows, [f"{note}are over {human_bytes(most)}."]
        rows.append(
            (
                name,
                member.kind,
                _whole(member.size),
                _whole(member.packed),
                _whole(member.start),
                _whole(member.mtime),
                _cut(member.written),
                target,
                int(member.encrypted),
            )
        )
    return rows, []


def _cut(text: str) -> str:
    return storable(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")  # names may have any bytes


def _whole(number: int | None) -> int | None:
    """Return a number that the database can hold, or None: a zip may contain any number."""
    return number if number is not None and -(1 << 63) <= number < 1 << 63 else None
