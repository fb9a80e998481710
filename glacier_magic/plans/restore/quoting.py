"""The price and the completion time of a restore in each tier."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...base.dataframes import marked
from ...base.rendering import Rendered, escape, html_table, text_table
from ...base.units import human_duration, local_time
from ...errors import InputError
from ...errors.steps import option, step
from ...jobs import window
from ...prices import PriceTable, Quote, QuoteLine
from ...prices.built_in import regions
from ...prices.figures import THOUSAND
from ...prices.money import money, rate
from ...prices.quotes import HERE, INTERNET, REGION, TIERS, other_requests, retrieval, transfer_out
from ...service import ServiceClock
from .item_rows import Sums, sums_of
from .items import ASK, TO_FETCH, RetrievalItem

if TYPE_CHECKING:
    import pandas as pd

DESTINATIONS = {
    INTERNET: "over the internet",
    REGION: "to another region of AWS",
    HERE: "to a computer in the vault's region",
}
"""Where the bytes go: the price of transfer out depends on it."""

EXPEDITED_SIZE = 250_000_000
"""Bytes up to which the minutes of the expedited tier are documented."""

SLOW = "expedited retrievals take 1 to 5 minutes for archives of up to some 250 MB"

_TRANSFER = ("transfer-out-internet", "transfer-out-region")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """The requests of a restore and the bytes that are then transferred out, in numbers.

    :param requests: archives to request.
    :param bytes: bytes in those whose size is known.
    :param unsized: how many of the archives have no known size.
    :param out: bytes to download, also of archives that are staged or requested already.
    :param out_unsized: archives to fetch whose size is not known.
    :param largest: bytes of the largest request.
    :param outputs: requests for output that download the bytes.
    """

    requests: int
    bytes: int
    unsized: int = 0
    out: int = 0
    out_unsized: int = 0
    largest: int = 0
    outputs: int = 0

    @classmethod
    def of(cls, items: Iterable[RetrievalItem]) -> Asking:
        """Return the numbers of the items of a restore."""
        return cls.of_sums(sums_of(items))

    @classmethod
    def of_sums(cls, sums: Mapping[str, Sums]) -> Asking:
        """Return the numbers by those of each action."""
        asked, fetched = sums[ASK], [sums[action] for action in TO_FETCH]
        return cls(
            requests=asked.count,
            bytes=asked.retrieved,  # the range asked is charged, not the part cut from it
            unsized=asked.unsized,
            out=sum(each.fetched for each in fetched),
            out_unsized=sum(each.unsized for each in fetched),
            largest=asked.largest,  # expedited minutes depend on it
            outputs=sum(each.outputs for each in fetched),
        )


@dataclass(frozen=True)
class TierOffer:
    """A restore by one tier: what it costs, and between when it is ready (aware, UTC).

    The times are None where no request is needed; ``latest`` also where the service gives none.
    """

    tier: str
    quote: Quote
    earliest: datetime | None
    latest: datetime | None


def checked_destination(word: str | None) -> str:
    """Return *word* if it is a destination: one of :data:`DESTINATIONS`, or the name of a region.

    The default is ``GLACIER_MAGIC_DESTINATION``, or else ``internet``: whether this computer is in the
    region of a vault is not known, so the highest price is taken.

    :raises InputError: it is none.
    """
    word = word or os.environ.get("GLACIER_MAGIC_DESTINATION") or INTERNET
    if word not in DESTINATIONS and word not in regions():
        raise InputError(
            f"There is no destination {word!r}",
            cure=f"Destinations: {', '.join(DESTINATIONS)}, or a region such as eu-west-1 "
            f"({option('destination')}, or GLACIER_MAGIC_DESTINATION).",
        )
    return word


def transfers(prices: PriceTable, asking: Asking, destination: str) -> dict[str, str]:
    """Return the destinations in words with the price of the transfer to each, for a user to choose from.

    :param destination: the destination of the plan, which comes first if it is the name of a region.
    """
    named = {} if destination in DESTINATIONS else {destination: f"to {destination}"}
    words = {}
    for word, text in (named | DESTINATIONS).items():
        price = transferred(prices, asking, word)
        shown = money(price.known) if price.known or price.total is not None else "price not known"
        more = " and more" if price.known and price.total is None else ""
        words[word] = f"{text}: {shown}{more or (' at most' if word == REGION and price.known else '')}"
    return words


def destination_words(prices: PriceTable, asking: Asking, destination: str) -> str:
    """Return the destination as text with the price of its transfer, and the options for the others."""
    words = transfers(prices, asking, destination)
    others = "; ".join(
        f"{text} ({option('destination', word)}{', or its name' if word == REGION else ''})"
        for word, text in words.items()
        if word != destination
    )
    return f"{words[destination]}. Elsewhere: {others}"


def checked_tier(word: str) -> str:
    """Return a tier as the service spells it.

    :raises InputError: there is none of that name.
    """
    if word.capitalize() not in TIERS:
        raise InputError(f"There is no tier {word!r}", cure="Tiers are expedited, standard and bulk.")
    return word.capitalize()


def slow(tier: str, largest: int) -> bool:
    """Return whether a tier may take longer than documented for a request of *largest* bytes.

    Service documentation: expedited takes 1 to 5 minutes "for all but the largest archives (250 MB+)".
    """
    return tier == "Expedited" and largest > EXPEDITED_SIZE


def quote_for(prices: PriceTable, asking: Asking, tier: str, destination: str) -> Quote:
    """Return the price of retrieving archives by a tier and transferring them to a destination.

    A retrieval is charged by the bytes of its archive and by request; the 32 KiB that storage adds
    to each archive are not part of it, according to the service documentation.

    :raises InputError: there is no such tier or destination.
    """
    quote = retrieval(prices, asking.bytes, asking.requests, tier)
    if asking.unsized:  # a line without a quantity makes the total unknown
        quote += Quote((QuoteLine(prices.figure(f"retrieval-{tier.lower()}"), None),))
    quote += other_requests(prices, asking.outputs)
    return quote + transferred(prices, asking, checked_destination(destination))


def transferred(prices: PriceTable, asking: Asking, destination: str) -> Quote:
    """Return the price of the transfer to a destination."""
    out = transfer_out(prices, asking.out, destination)
    if asking.out_unsized and out.lines:  # no line: to the same region it is free whatever the size
        out += Quote((QuoteLine(out.lines[0].figure, None),))
    return out


def priced(quote: Quote) -> str:
    """Return a price with its sources as one line of text."""
    sources = "; ".join(dict.fromkeys(line.figure.cite() for line in quote.lines))
    return " ".join([f"{quote.headline()} ({sources}).", *quote.notes])


def when_ready(tier: str, clock: ServiceClock, *, last: datetime | None = None, largest: int = 0) -> str:
    """Return as text when the output of requests by a tier can be downloaded.

    :param last: the time of the last request of a schedule; None where all are made now.
    :param largest: bytes of the largest request.
    """
    if slow(tier, largest):
        return f"{SLOW}; the service gives no time for larger ones, and keeps the output for 24 hours"
    shortest, longest = window(tier)
    now = clock.now()
    words = (
        f"in {human_duration(shortest.total_seconds())} to "
        f"{human_duration(longest.total_seconds())}, between "
        f"{local_time(now + shortest, now)} and {local_time(now + longest, now)}"
    )
    if clock.virtual and clock.speed > 0:  # a stopped clock never gets there
        real = clock.real_seconds(longest.total_seconds())
        words += f" of emulator time ({human_duration(real)} on your clock at most)"
    if last is not None and last > now:
        end = local_time(last + longest, now)
        return f"the first {words}; all by {end}; each output is kept for 24 hours"
    return f"{words}; the output is kept for 24 hours after that"


def ready_between(earliest: datetime, latest: datetime | None, now: datetime) -> str:
    """Return as text between when outputs are ready; *latest* is None where the service gives no time."""
    if latest is None:
        return f"ready from {local_time(earliest, now)} on"
    return f"ready {local_time(earliest, now, zone=False)} to {local_time(latest, earliest)}"


class Tiers(Rendered):
    """A restore in all three tiers: ``tiers["Bulk"].quote.total``; iterate it for the offers.

    :param chosen: the tier that the plan would use.
    :param last: when the last request is made by each tier, of a schedule; without one, *now*.
    :param more: what is paid in each tier besides.
    """

    def __init__(
        self,
        prices: PriceTable,
        asking: Asking,
        *,
        destination: str,
        chosen: str,
        now: datetime,
        last: Mapping[str, datetime] | None = None,
        more: Quote | None = None,
    ) -> None:
        self.prices, self.asking, self.destination = prices, asking, destination
        self._more = more or Quote()
        self.chosen, self._now, self._last = chosen, now, last or {}
        self._offers = {tier: self._offer(tier) for tier in TIERS}

    def _offer(self, tier: str) -> TierOffer:
        quote = quote_for(self.prices, self.asking, tier, self.destination) + self._more
        if not self.asking.requests:  # all is staged, requested or here: no tier to wait for
            return TierOffer(tier, quote, None, None)
        shortest, longest = window(tier)
        last = max(self._now, self._last.get(tier, self._now))  # a schedule that is late starts now
        latest = None if slow(tier, self.asking.largest) else last + longest
        return TierOffer(tier, quote, self._now + shortest, latest)  # the best and the worst case

    def when(self) -> str:
        """Return as text when the chosen tier is ready; empty where no request is needed."""
        offer = self[self.chosen]
        return ready_between(offer.earliest, offer.latest, self._now) if offer.earliest else ""

    def choices(self, limit: Decimal | None = None) -> dict[str, tuple[str, ...]]:
        """Return each tier with its price, how long it takes, and why the limit excludes it if it does.

        :param limit: US dollars.
        """
        found = {}
        for offer in self:
            excluded = limit is not None and offer.quote.known > limit
            lines = (offer.quote.brief(), self._takes(offer), "over the limit" if excluded else "")
            found[offer.tier] = tuple(filter(None, lines))
        return found

    def _takes(self, offer: TierOffer) -> str:
        if offer.earliest is None:
            return "nothing to wait for"
        shortest = human_duration((offer.earliest - self._now).total_seconds())
        if offer.latest is None:
            return f"in {shortest} or more"
        longest = human_duration((offer.latest - self._now).total_seconds())
        number, _, unit = shortest.partition(" ")
        return f"in {number if longest.endswith(f' {unit}') else shortest} to {longest}"

    def transfers(self) -> dict[str, str]:
        """Return each destination in words with the price of the transfer there."""
        return transfers(self.prices, self.asking, self.destination)

    def __getitem__(self, tier: str) -> TierOffer:
        return self._offers[tier.capitalize()]

    def __iter__(self) -> Iterator[TierOffer]:
        return iter(self._offers.values())

    def __len__(self) -> int:
        return len(self._offers)

    @property
    def table(self) -> pd.DataFrame:
        """One row per tier: US dollars (Decimal, None unknown), whether confirmed, and when ready.

        ``known`` is what the known part comes to; ``earliest`` and ``latest`` are UTC.
        """
        import pandas as pd

        offers = list(self)
        parts = [[part.total for part in _parts(offer.quote)] for offer in offers]
        columns: dict[str, Any] = {
            "tier": [o.tier for o in offers],
            "retrieval": [retrieved for retrieved, _, _ in parts],
            "requests": [requested for _, requested, _ in parts],
            "transfer_out": [moved for _, _, moved in parts],
            "price": [o.quote.total for o in offers],
            "known": [o.quote.known for o in offers],
            "confirmed": [o.quote.confirmed for o in offers],
            "earliest": pd.to_datetime(pd.Series([o.earliest for o in offers]), utc=True),  # may be all None
            "latest": pd.to_datetime(pd.Series([o.latest for o in offers]), utc=True),
            "chosen": [o.tier == self.chosen for o in offers],
        }
        return marked(pd.DataFrame(columns))

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                f"{offer.tier}{' (this plan)' if offer.tier == self.chosen else ''}",
                *(part.words() for part in _parts(offer.quote)),
                offer.quote.words(),
                local_time(offer.earliest, self._now) or "nothing to wait for",
                local_time(offer.latest, self._now) or ("not known" if offer.earliest else ""),
            )
            for offer in self
        ]

    def notes(self) -> list[str]:
        """Return sentences on the sources of the prices and on what they leave out."""
        quote = self[self.chosen].quote
        notes = [f"{self.chosen}: {words}" for words in map(_line_words, quote.lines) if words]
        notes += quote.notes
        if slow("Expedited", self.asking.largest):
            notes.append(f"{SLOW[0].upper()}{SLOW[1:]}.")
        if any(offer.quote.total is None for offer in self):
            notes.append(f"{step('cost', '--refresh')} asks AWS for the prices that are unknown.")
        return [*notes, self.prices.about()]

    def _repr_text(self) -> str:
        return "\n".join([text_table(_HEAD, self._cells(), numbers=range(1, 5)), *self.notes()])

    def _repr_html(self) -> str:
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes())
        return html_table(_HEAD, self._cells(), numbers=range(1, 5), long=(5, 6)) + f"<ul>{notes}</ul>"


_HEAD = ("tier", "retrieval", "requests", "transfer out", "together", "ready from", "until")


def _parts(quote: Quote) -> list[Quote]:
    """Return the lines for retrieval, requests and transfer out, each as a quote."""
    kinds = [
        1 if line.figure.item.endswith("-requests") else 2 if line.figure.item in _TRANSFER else 0
        for line in quote.lines
    ]
    lines = list(zip(kinds, quote.lines, strict=True))
    return [Quote(tuple(line for each, line in lines if each == kind)) for kind in range(3)]


def _line_words(line: QuoteLine) -> str:
    """Return a line of a quote as text, with its source; empty where its quantity is 0."""
    if line.quantity == 0:
        return ""
    unit = line.figure.unit if line.figure.unit == THOUSAND else "1 GB"
    return (
        f"{line.words()} at {rate(line.figure.price)} for {unit}, {money(line.amount)} ({line.figure.cite()})"
    )
