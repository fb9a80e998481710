"""The price table of a region: the user's figures, else the price list's, else the built-in ones."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..base.files import write_atomically
from ..base.paths import data_folder
from ..errors import InputError, LocalError, NotFound
from ..errors.scrubbing import scrub
from ..errors.steps import step
from ..service import Service
from ..service.pricelist import price_list
from ..service.regions import known_regions
from .built_in import COPY, between, built_in, regions
from .figures import ANYWHERE, CONFIGURED, ITEMS, LIST, PACKAGE, UNLISTED, Figure
from .money import parse_price
from .offers import OFFERS, read

_VERSION = 1
_KEYS = ("price", "unit", "source", "date")
_REGION = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True)
class PriceTable:
    """The figures of one region.

    :param refreshed: the day of the last refresh from the AWS Price List, or None.
    :param pairs: the refreshed prices of transfers to other regions, by destination.
    """

    region: str
    figures: Mapping[str, Figure]
    refreshed: str | None = None
    pairs: Mapping[str, Figure] = field(default_factory=dict)

    def figure(self, item: str) -> Figure:
        """Return the figure of an item; an unknown one if no source has it."""
        return self.figures.get(item) or Figure.unknown(item, self.region)

    def to_region(self, region: str) -> Figure:
        """Return the price of a transfer to another region.

        It is the user's own price, else that of the two regions, else the dearest of all destinations.
        """
        dearest = self.figure("transfer-out-region")
        if dearest.origin == CONFIGURED:
            return dearest
        return self.pairs.get(region) or between(self.region, region) or dearest

    def all(self) -> list[Figure]:
        """Return every figure, including unknown ones."""
        return [self.figure(item) for item in ITEMS]

    def about(self) -> str:
        """Return a sentence about the origins of the figures."""
        copied = [f for f in self.figures.values() if f.origin == PACKAGE and f.source.startswith(COPY)]
        dates = sorted(figure.date for figure in copied)
        copies = f"from AWS price lists of {' to '.join(dict.fromkeys((*dates[:1], *dates[-1:])))} (copies)"
        counts = {
            f"from the AWS Price List as read on {self.refreshed}": self._count(LIST),
            copies: len(dates),
            "in no price list": self._count(PACKAGE) - len(dates),
            f"from {CONFIGURED}": self._count(CONFIGURED),
            "unknown": len(ITEMS.keys() - {*UNLISTED, *self.figures}),
        }
        origins = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        doubtful = sum(not figure.confirmed for figure in self.figures.values())
        more = f"; {doubtful} of them not confirmed" if doubtful else ""
        return f"Prices of {self.region} in US dollars: {origins}{more}."

    def missing(self) -> list[str]:
        """Return the items that the last refresh did not find in the AWS Price List."""
        asked = {wanted.item for offer in OFFERS for wanted in offer.wanted} if self.refreshed else set()
        return [f.item for f in self.all() if f.item in asked and f.origin not in (LIST, CONFIGURED)]

    def _count(self, origin: str) -> int:
        return sum(figure.origin == origin for figure in self.figures.values())


def load(region: str) -> PriceTable:
    """Return the prices of a region as known on this computer; no request is sent.

    :raises InputError: the configuration or the refreshed prices cannot be read.
    """
    packaged = built_in(region)
    refreshed, pairs, when = _refreshed(region)
    listed = {figure.item: figure.date for figure in packaged}
    # A copy in a newer version of this package may be newer than the last refresh.
    refreshed, pairs = (
        [f for f in found if (when or "") >= listed.get(f.item, "")] for found in (refreshed, pairs)
    )
    layers = (packaged, refreshed, _configured(region))  # later layers override earlier ones
    figures = {figure.item: figure for layer in layers for figure in layer}
    return PriceTable(region, figures, when, {figure.to: figure for figure in pairs})


# The AWS Price List


def refresh(service: Service, region: str) -> PriceTable:
    """Request a region's figures from the AWS Price List, save them, and return its price table.

    Items that the list lacks keep their built-in figures.

    :param service: provides the credentials; the requests are free.
    :raises NotFound: the list has no price in this region; nothing is changed.
    :raises AccessDenied: the identity lacks pricing:GetProducts.
    """
    today = datetime.now(UTC).date().isoformat()
    found = [
        figure
        for offer in OFFERS
        for figure in read(offer, region, price_list(service, offer.code, offer.filters(region)), today)
    ]
    if not found:
        raise NotFound(
            f"The AWS Price List has no Glacier price in region {region!r}",
            cure=f"Name a region of AWS: {step('cost', '--refresh --region us-east-1')}",
        )
    _save(region, found, today)  # after the last response, so that a failure changes nothing
    return load(region)


def _file(region: str) -> Path:
    if not _REGION.fullmatch(region):  # it becomes a part of a path
        raise InputError(f"Not the name of a region: {region!r}", cure="For example eu-west-1.")
    return data_folder() / "prices" / f"{region}.json"


def _save(region: str, figures: Iterable[Figure], today: str) -> None:
    file = _file(region)
    saved: dict[str, dict[str, Any]] = {"figures": {}, "to_regions": {}}
    for figure in figures:
        saved["to_regions" if figure.to else "figures"][figure.to or figure.item] = {
            # As text, which keeps all digits.
            "steps": [[str(start), str(price)] for start, price in figure.steps],
            "source": figure.source,
            "date": figure.date,
        }
    text = json.dumps({"version": _VERSION, "refreshed": today, **saved}, indent=1)
    try:
        write_atomically(file, text)
    except OSError as error:
        raise LocalError(f"The prices cannot be saved in {file}: {error.strerror}") from None


def _refreshed(region: str) -> tuple[list[Figure], list[Figure], str | None]:
    file = _file(region)
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return [], [], None
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from None
    try:
        saved = json.loads(text)
        if saved["version"] != _VERSION:
            raise ValueError(f"version {saved['version']}")
        items = {item: f for item, f in saved["figures"].items() if item in ITEMS}  # a newer version has more
        pairs = saved.get("to_regions", {})  # an older version has none
        return (
            [_read_back(region, item, figure) for item, figure in items.items()],
            [_read_back(region, "transfer-out-region", figure, to) for to, figure in pairs.items()],
            str(saved["refreshed"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(file, error) from None


def _read_back(region: str, item: str, saved: Mapping[str, Any], to: str = "") -> Figure:
    return Figure(
        item=item,
        steps=tuple((parse_price(start), parse_price(price)) for start, price in saved["steps"]),
        region=region,
        source=str(saved["source"]),
        date=str(saved["date"]),
        origin=LIST,
        to=to,
    )


def _unreadable(file: Path, error: Exception) -> InputError:
    return InputError(
        f"The refreshed prices in {file} cannot be read: {error}",
        cure=f"Delete that file, then {step('cost', '--refresh')}.",
    )


# The configuration


def configuration_file() -> Path:
    """Return the file of the user's own prices: ``GLACIER_MAGIC_PRICES``, else prices.toml at home.

    It has a table for each region, and ``[all]`` for every region; a price is in US dollars per
    unit of the item, as a number, as text, or in a table with its source::

        [all]
        upload-requests = 0.05                    # for 1,000 requests
        [eu-west-1]
        storage = { price = "0.0036", unit = "GB-month", source = "our contract", date = "2026-01-01" }
    """
    given = os.environ.get("GLACIER_MAGIC_PRICES")
    return Path(given).expanduser().absolute() if given else data_folder() / "prices.toml"


def _configured(region: str) -> list[Figure]:
    file = configuration_file()
    try:
        # As written: a float changes the digits.
        tables = tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        if os.environ.get("GLACIER_MAGIC_PRICES"):  # a file that is named has to exist
            raise _wrong(file, "there is no such file") from None
        return []
    except IsADirectoryError:
        raise _wrong(file, "it is a folder; name a file in it with GLACIER_MAGIC_PRICES") from None
    except (OSError, ValueError) as error:
        raise _wrong(file, scrub(error)) from None
    by_item: dict[str, Figure] = {}
    for place in dict.fromkeys((ANYWHERE, *tables)):  # a region's own price overrides that of [all]
        for item, value in _table(file, place, tables, region).items():
            figure = _own(file, place, item, value)  # mistakes in the tables of other regions are found, too
            if place in (ANYWHERE, region):
                by_item[item] = replace(figure, region=region)
    return list(by_item.values())


def _table(file: Path, place: str, tables: Mapping[str, Any], region: str) -> Mapping[str, Any]:
    found = tables.get(place, {})
    if not isinstance(found, dict):
        raise _wrong(file, f"{place!r} is outside of a table; begin with [all] or [eu-west-1]")
    if place not in (ANYWHERE, region) and place not in regions() and place not in known_regions():
        hint = _nearest(place, [ANYWHERE, region, *regions()])
        raise _wrong(file, f"the name of the table [{place}] is neither a region nor all{hint}")
    return found


def _nearest(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), 1)
    return f"; the nearest is {close[0]}" if close else ""


def _own(file: Path, place: str, item: str, value: object) -> Figure:
    if item not in ITEMS:
        raise _wrong(file, f"{item!r} in [{place}] is not a price{_nearest(item, ITEMS)}")
    more: dict[str, Any] = value if isinstance(value, dict) else {"price": value}
    unknown = [key for key in more if key not in _KEYS]
    if unknown:
        hint = _nearest(unknown[0], _KEYS)
        raise _wrong(file, f"{unknown[0]!r} of {item} in [{place}] is none of {', '.join(_KEYS)}{hint}")
    unit = ITEMS[item][1]
    if more.get("unit", unit) != unit:
        raise _wrong(file, f"{item} in [{place}] is in {more['unit']!r}; its price is for the unit {unit!r}")
    try:
        price = parse_price(more.get("price"))
    except ValueError as error:
        raise _wrong(file, f"{item} in [{place}]: {error}") from None
    return Figure.flat(
        item,
        price,
        region=place,
        source=str(more.get("source", file.name)),
        date=str(more.get("date", "")),
        origin=CONFIGURED,
    )


def _wrong(file: Path, what: str) -> InputError:
    return InputError(
        f"Your prices in {file} cannot be used: {what}",
        cure=f"{step('cost', '--help')} says what the file holds.",
    )
