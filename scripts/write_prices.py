"""Write glacier_magic/prices/price_list.json from the copies of AWS's price lists in scripts/prices/.

python scripts/write_prices.py           # write it
python scripts/write_prices.py --check   # fail where it differs from what would be written

``prices.csv`` has a row for each region, item and step: US dollars for the item's unit, the offer
of the AWS Price List that it comes from, and the date on which AWS published that offer.
``interregion.csv`` has the price of a GB from one region to another.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from glacier_magic.prices.figures import ITEMS

ROOT = Path(__file__).parents[1]
SOURCE, TARGET = ROOT / "scripts" / "prices", ROOT / "glacier_magic" / "prices" / "price_list.json"
OFFER = "AWS price data, offer "


def rows(name: str) -> Iterator[dict[str, str]]:
    """Return the rows of one of the files."""
    with (SOURCE / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def figures() -> dict[str, list[dict[str, Any]]]:
    """Return the prices of each item; regions with the same steps and source share an entry."""
    steps: dict[tuple[str, str], list[list[str]]] = {}
    sources: dict[tuple[str, str], tuple[str, str]] = {}
    for row in rows("prices.csv"):
        if row["item"] in ITEMS and row["source"].startswith(OFFER):
            key = row["item"], row["region"]
            steps.setdefault(key, []).append([row["tier_from"], row["usd"]])
            offer = row["source"].removeprefix(OFFER).split()[0].rstrip(",")
            sources[key] = offer, row["publication_date"]
    shared: dict[tuple[str, str], list[str]] = {}
    for (item, region), found in steps.items():
        entry = json.dumps([found, *sources[item, region]])
        shared.setdefault((item, entry), []).append(region)
    made: dict[str, list[dict[str, Any]]] = {}
    for (item, entry), regions in sorted(shared.items()):
        found, offer, date = json.loads(entry)
        line = {"regions": " ".join(sorted(regions)), "steps": found, "offer": offer, "date": date}
        made.setdefault(item, []).append(line)
    return made


def between_regions() -> dict[str, dict[str, str]]:
    """Return for each region the prices of a GB to others: the price, and the regions that have it."""
    made: dict[str, dict[str, list[str]]] = {}
    for row in rows("interregion.csv"):
        made.setdefault(row["from_region"], {}).setdefault(row["usd_per_gb"], []).append(row["to_region"])
    return {a: {price: " ".join(sorted(to)) for price, to in sorted(made[a].items())} for a in sorted(made)}


def text() -> str:
    """Return the file: an entry a line, so that changes are easy to read."""
    lines = ['{"figures": {']
    found = figures()
    for item, entries in found.items():
        body = ",\n  ".join(json.dumps(entry) for entry in entries)
        lines.append(f" {json.dumps(item)}: [\n  {body}\n ]{'' if item == list(found)[-1] else ','}")
    lines.append('},\n"between_regions": {')
    pairs = between_regions()
    lines.append(",\n".join(f" {json.dumps(region)}: {json.dumps(to)}" for region, to in pairs.items()))
    return "\n".join([*lines, "}}", ""])


def main() -> None:
    """Write the file, or compare it."""
    made = text()
    if "--check" in sys.argv[1:]:
        if made != TARGET.read_text("utf-8"):
            sys.exit(f"{TARGET} differs from what scripts/write_prices.py writes: run it.")
        return
    TARGET.write_text(made, "utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(made):,} bytes")


if __name__ == "__main__":
    main()
