"""The monthly cost of storage, and the prices."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..base.bucket_names import is_bucket
from ..base.dataframes import marked
from ..base.rendering import Rendered, html_notes, html_table, text_table
from ..base.units import from_ms, human_bytes, local_time, plural
from ..errors import InputError
from ..errors.steps import step
from ..prices import PriceTable, Quote, configuration_file, load, refresh
from ..prices.storage_costs import CLASSES, Holding, by_folder, class_storage, monthly_storage, of_vault
from ..service.regions import checked_regions
from .bucket_cost import BucketCosts
from .console import Console
from .grammar import Parser, Verb
from .options import filled, whole

if TYPE_CHECKING:
    import pandas as pd


TOTAL = "in total"  # not a valid name of a vault


class Prices(Rendered):
    """The prices of a region, each with its source."""

    def __init__(self, prices: PriceTable) -> None:
        self.prices = prices

    @property
    def table(self) -> pd.DataFrame:
        """One row per figure: item, price (Decimal), unit, source, date, origin, confirmed."""
        import pandas as pd

        figures = self.prices.all()
        columns: dict[str, Any] = {name: [getattr(f, name) for f in figures] for name in _FIGURE}
        columns["confirmed"] = [f.confirmed and f.price is not None for f in figures]
        return marked(pd.DataFrame(columns))

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (figure.item, figure.shown(), figure.unit, figure.words, figure.cite())
            for figure in self.prices.all()
        ]

    def _notes(self) -> list[str]:
        missing = ", ".join(self.prices.missing())
        return [
            self.prices.about(),
            *(
                [f"Not in the AWS Price List as read on {self.prices.refreshed}: {missing}."]
                if missing
                else []
            ),
            f"Your own prices: {configuration_file()}",
        ]

    def _repr_text(self) -> str:
        return "\n".join([text_table(_PRICE_HEAD, self._rows(), numbers=(1,)), *self._notes()])

    def _repr_html(self) -> str:
        return html_table(_PRICE_HEAD, self._rows(), numbers=(1,), long=(4,)) + html_notes(self._notes())


_PRICE_HEAD = ("item", "price", "per", "description", "source")
_FIGURE = ("item", "price", "unit", "source", "date", "origin")


class Costs(Rendered):
    """The cost of a month of storage, in vaults and in the storage classes of S3.

    :param what: the kind of the holdings: ``vault`` or ``folder``.
    :param notes: sentences on the age of the sizes.
    """

    def __init__(
        self, what: str, holdings: Mapping[str, Holding], prices: PriceTable, notes: list[str]
    ) -> None:
        self.what, self.holdings, self.prices = what, dict(holdings), prices
        self._own_notes = notes

    @property
    def total(self) -> Quote:
        """The cost of a month of all archives in vaults."""
        return monthly_storage(self.prices, self._sum())

    @property
    def table(self) -> pd.DataFrame:
        """One row per vault or folder: archives, size, and US dollars a month.

        ``month`` is for vaults; the other columns are for each storage class of S3.  Decimals; None
        if a price is unknown.
        """
        import pandas as pd

        columns: dict[str, list[Any]] = {
            self.what: list(self.holdings),
            "archives": [h.archives for h in self.holdings.values()],
            "size": [h.bytes for h in self.holdings.values()],
            "month": [monthly_storage(self.prices, h).total for h in self.holdings.values()],
        }
        for kind in CLASSES:
            name = kind.item.removesuffix("-storage").replace("-", "_")
            columns[name] = [class_storage(self.prices, kind, h).total for h in self.holdings.values()]
        # The columns of an empty table have no type of their own.
        return marked(pd.DataFrame(columns).astype({"archives": "int64", "size": "int64"}))

    def _sum(self) -> Holding:
        return sum(self.holdings.values(), Holding(0, 0))

    def _row(self, name: str, holding: Holding) -> tuple[str, ...]:
        quotes = [monthly_storage(self.prices, holding)]
        quotes += [class_storage(self.prices, kind, holding) for kind in CLASSES]
        return (
            name,
            f"{holding.archives:,}",
            human_bytes(holding.bytes),
            *(quote.words() for quote in quotes),
        )

    def _head(self) -> tuple[str, ...]:
        return (self.what, "archives", "size", "a month", *(kind.name for kind in CLASSES))

    def _rows(self) -> list[tuple[str, ...]]:
        rows = [self._row(name, holding) for name, holding in self.holdings.items()]
        # A single row is its own total.
        return rows if len(rows) == 1 else [*rows, self._row(TOTAL, self._sum())]

    def _notes(self) -> list[str]:
        days = ", ".join(f"{kind.name} {kind.days}" for kind in CLASSES)
        notes = [note for kind in CLASSES for note in class_storage(self.prices, kind, self._sum()).notes]
        return [
            *self._own_notes,
            f"The last columns: the same archives in storage classes of S3, with their overhead. "
            f"Minimum storage duration in days: {days}.",
            *dict.fromkeys(notes),  # the classes may share a note
            self.prices.about(),
            *self._unknown(),
        ]

    def _unknown(self) -> list[str]:
        row = [class_storage(self.prices, kind, self._sum()) for kind in CLASSES]
        if all(quote.total is not None for quote in [self.total, *row]):
            return []
        return [f"{step('cost', '--refresh')} reads the unknown prices from AWS."]

    def _repr_text(self) -> str:
        table = text_table(self._head(), self._rows(), numbers=range(1, 7))
        return "\n".join([table, *self._notes()])

    def _repr_html(self) -> str:
        table = html_table(self._head(), self._rows(), numbers=range(1, 7))
        return table + html_notes(self._notes())


def _configure(parser: Parser) -> None:
    parser.add_argument("vault", nargs="?", metavar="VAULT", help="only this vault, or a bucket: s3://...")
    parser.add_argument(
        "--depth",
        metavar="N",
        type=whole(1, 100, "a number of folder levels"),
        help="the cost of folders, N levels deep, from the catalogue",
    )
    parser.add_argument("--region", type=filled, metavar="REGION", help="use the prices of another region")
    parser.add_argument("--prices", action="store_true", help="show the prices and their sources")
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="read the prices from the AWS Price List, with your credentials",
    )


def _run(console: Console, args: Namespace) -> Rendered:
    if (args.prices or args.refresh) and (args.vault or args.depth):
        raise InputError("Prices belong to a region, not to a vault", cure="Use --region R.")
    region = args.region or console.session.region  # with --region, prices are shown without a connection
    if args.refresh:
        return Prices(refresh(console.session.service, region))
    prices = load(region)
    if args.region:
        # A misspelt region would have no prices, without an error.
        checked_regions([region], [f.region for f in prices.figures.values()])
    if args.prices:
        return Prices(prices)
    if args.depth:
        return _by_folder(console, args, prices)
    return _by_vault(console, args, prices)


def _by_vault(console: Console, args: Namespace, prices: PriceTable) -> Costs | BucketCosts:
    if is_bucket(args.vault):
        return BucketCosts.of(console.session, console.vault(args.vault).name, prices)
    if args.vault is not None:
        console.session.vault(args.vault)  # checks the name
        console.session.service.describe_vault(args.vault)  # raises NotFound
    vaults = console.session.exact_vaults().records()
    rows = [row for row in vaults if args.vault in (None, row["vault"])]
    # Without the 32 KiB per archive, which has prices of its own.
    holdings = {row["vault"]: of_vault(row["archives"], row["size"]) for row in rows}
    # The service reports 0 archives before the first inventory.
    never = [row["vault"] for row in rows if row["inventory"] is None]
    for vault in never:
        for whole_vault in console.session.catalogue.archives.du(vault)[:1]:
            holdings[vault] = Holding(whole_vault.bytes, whole_vault.archives)
    made = [row["inventory"] for row in rows if row["inventory"] is not None]
    notes = []
    if made:
        oldest = local_time(min(made), console.session.service.clock.now())
        notes.append(f"Sizes as of each vault's last inventory; the oldest is of {oldest}.")
    if never:
        notes.append(f"No inventory yet, only what this catalogue stored: {', '.join(never)}.")
    return Costs("vault", holdings, prices, notes)


def _by_folder(console: Console, args: Namespace, prices: PriceTable) -> Costs:
    vault = console.vault(args.vault).name
    if is_bucket(vault):
        raise InputError("The cost of a bucket is shown by storage class", cure="Leave out --depth.")
    catalogue = console.session.catalogue
    found = by_folder(catalogue.archives.du(vault, depth=args.depth))
    unknown = catalogue.archives.count_unsized(vault)  # imported records may lack sizes
    newest = catalogue.inventories.newest(vault)
    made = from_ms(newest.made) if newest else None
    if made is None:
        notes = [f"No inventory read yet, only what this catalogue stored ({step('inventory')})."]
    else:
        when = local_time(made, console.session.service.clock.now())
        notes = [f"{vault}: as of the inventory of {when}, plus what this catalogue stored since."]
    if unknown:
        notes.append(f"{plural(unknown, 'archive')} of unknown size counted as empty.")
    return Costs("folder", found, prices, notes)


VERB = Verb(
    name="cost",
    summary="show the monthly cost of vaults or folders, and the prices",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("cost", ""),
        ("cost photos --depth 2", ""),
        ("cost s3://archive-2026/scans", "a bucket, by storage class"),
        ("cost --prices", "every figure with its source and date"),
    ),
    details=(
        "Prices come from your own file, then from the AWS Price List as last refreshed, then from "
        "the copies of price lists in this package. Your file is prices.toml in GLACIER_MAGIC_HOME, or the "
        "file in GLACIER_MAGIC_PRICES. It has a table for each region, such as [eu-west-1], or "
        '[all], with lines such as storage = 0.0036 or storage = { price = "0.0036", unit = "GB-month", '
        'source = "contract", date = "2026-01-01" }, in US dollars for the unit that --prices shows.'
    ),
)
