"""Write the table of a petabyte in docs/migrating.md from the price list of the package.

python scripts/write_petabyte.py           # write it
python scripts/write_petabyte.py --check   # fail where it differs from what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from glacier_magic.base.units import human_duration, plural
from glacier_magic.plans.restore.object_quoting import MONTH_DAYS, retrieved_by
from glacier_magic.prices import PriceTable, Quote
from glacier_magic.prices.built_in import built_in
from glacier_magic.prices.money import money
from glacier_magic.prices.move_costs import TARGETS, Writing, monthly, pays_back, writing
from glacier_magic.prices.quotes import INTERNET, early_deletion, gigabytes, retrieval, transfer_out
from glacier_magic.prices.storage_costs import Holding, monthly_storage

PAGE = Path(__file__).parents[1] / "docs" / "migrating.md"
BEGIN, END = "<!-- petabyte: made by scripts/write_petabyte.py -->", "<!-- end of petabyte -->"
REGION, PETABYTE = "us-east-1", 10**15
PRICES = PriceTable(REGION, {figure.item: figure for figure in built_in(REGION)}, None, {})
ASKED, DAILY = 100, 100 << 40
"""Requests a second and bytes a day that AWS's own transfer solution keeps to."""
READS, STAGED = "s3-standard-get-requests", "s3-standard-storage"


@dataclass(frozen=True)
class Move:
    """A petabyte in archives of one size, to be moved to a storage class."""

    archives: int
    name: str = "DEEP_ARCHIVE"

    @property
    def title(self) -> str:
        """The head of its column."""
        size = PETABYTE // self.archives // 10**6
        return f"{self.archives:,} of {f'{size // 1000} GB' if size >= 1000 else f'{size} MB'}"

    @property
    def holding(self) -> Holding:
        """Its archives."""
        return Holding(PETABYTE, self.archives)

    @cached_property
    def written(self) -> Quote:
        """The price of its requests to S3."""
        return writing(PRICES, TARGETS[self.name], Writing.of([(PETABYTE // self.archives, self.archives)]))

    def requests(self, *items: str) -> str:
        """Return the price of its requests to S3 by some items; of all others without any."""
        chosen = [
            line
            for line in self.written.lines
            if (line.figure.item in items if items else line.figure.item not in (READS, STAGED))
        ]
        return money(Quote(tuple(chosen)).total)

    def retrieved(self, tier: str) -> Quote:
        """Return the price of its retrieval by a tier."""
        return retrieval(PRICES, PETABYTE, self.archives, tier)

    @property
    def before(self) -> Quote:
        """A month in the vault."""
        return monthly_storage(PRICES, self.holding)

    @property
    def after(self) -> Quote:
        """A month in the storage class."""
        return monthly(PRICES, TARGETS[self.name], self.holding)

    def pays(self, tier: str) -> str:
        """Return after how many months the move has paid for itself."""
        months = pays_back(self.retrieved(tier) + self.written, self.before, self.after)
        if months is None:
            return "never"
        return f"{months:.1f} months" if months >= 1 else plural(round(months * MONTH_DAYS), "day")

    @property
    def restored(self) -> Quote:
        """All of it back from the storage class, by bulk."""
        return Quote(tuple(retrieved_by(PRICES, {self.name: (self.archives, PETABYTE)}, "Bulk")))


ROWS: dict[str, Callable[[Move], str]] = {
    "*asking at 100 a second*": lambda move: human_duration(move.archives / ASKED),
    "*bytes at 100 TiB a day*": lambda _: human_duration(PETABYTE / DAILY * 86400),
    "retrieval, bulk": lambda move: money(move.retrieved("Bulk").total),
    "retrieval, standard": lambda move: money(move.retrieved("Standard").total),
    "retrieval, expedited": lambda move: money(move.retrieved("Expedited").total),
    "requests into S3": lambda move: move.requests(),
    "parts that wait an hour": lambda move: move.requests(STAGED),
    "proof": lambda move: move.requests(READS),
    "a month in the vault": lambda move: money(move.before.total),
    "a month in Deep Archive": lambda move: money(move.after.total),
    "**pays for itself after**, bulk": lambda move: move.pays("Bulk"),
    "the same, standard": lambda move: move.pays("Standard"),
    "the same, into `GLACIER`": lambda move: Move(move.archives, "GLACIER").pays("Bulk"),
    "over the internet, more": lambda _: money(transfer_out(PRICES, PETABYTE, INTERNET).total),
    "fee if all archives are new": lambda move: money(
        early_deletion(PRICES, [(PETABYTE + (move.archives - 1) * (32 << 10), 0)], 0).total
    ),
    "all back from Deep Archive, bulk": lambda move: money(move.restored.total),
    "its copies, a day": lambda _: money(
        PRICES.figure("s3-standard-storage").amount(gigabytes(PETABYTE) / MONTH_DAYS)
    ),
}


def table() -> str:
    """Return the table."""
    moves = [Move(count) for count in (100_000_000, 1_000_000, 10_000)]
    lines = [f"| | {' | '.join(move.title for move in moves)} |", "| --- | --- | --- | --- |"]
    lines += [f"| {label} | {' | '.join(map(row, moves))} |" for label, row in ROWS.items()]
    return "\n".join(lines)


def main() -> None:
    """Write the page, or compare it."""
    found = PAGE.read_text("utf-8")
    before, rest = found.split(BEGIN)
    made = f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"
    if "--check" in sys.argv[1:]:
        if made != found:
            print(f"docs/{PAGE.name} is not what scripts/write_petabyte.py writes")
        sys.exit(made != found)
    PAGE.write_text(made, "utf-8")


if __name__ == "__main__":
    main()
