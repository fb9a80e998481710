"""The vaults of all regions in one table: contents, last change and monthly cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..base import dataframes
from ..base.rendering import Rendered, html_notes, html_table, text_table
from ..base.units import from_ms, human_bytes, local_time, parse_time, plural
from ..errors import CredentialsError, GlacierError, Unavailable
from ..errors.steps import step
from ..prices import Quote, load
from ..prices.storage_costs import monthly_storage, of_vault
from ..service import Connection, Service
from ..service.regions import in_region, regions_of

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = 8  # regions queried at a time
IDLE = timedelta(days=365)

_HEAD = ("region", "vault", "archives", "size", "created", "inventory", "idle", "a month")
_IDLE_NOTE = (
    "idle: no archive was added or removed for over a year, because the service makes an inventory "
    "only after a change. Retrievals do not count: they leave no trace in a vault."
)


@dataclass(frozen=True)
class RegionalVault:
    """One vault of one region, as the service described it; times are aware, UTC."""

    region: str
    vault: str
    archives: int
    size: int
    created: datetime | None
    inventory: datetime | None
    month: Quote

    def idle(self, now: datetime) -> bool:
        """Return whether no archive is known to have been added or removed for over a year."""
        # A vault without an inventory has never held an archive for long: the first one is made
        # on the day of the first upload (service documentation, "Downloading a Vault Inventory").
        since = self.inventory or self.created
        return since is not None and now - since > IDLE


class VaultsEverywhere(Rendered):
    """The vaults of several regions.

    :param skipped: regions that did not respond, with the reason.
    """

    def __init__(
        self, found: Sequence[RegionalVault], *, asked: int, skipped: Mapping[str, str], now: datetime
    ) -> None:
        self.found, self.asked, self.skipped, self.now = list(found), asked, dict(skipped), now

    @property
    def table(self) -> pd.DataFrame:
        """One row per vault: region, vault, archives, size, created, inventory, idle, month.

        ``month`` is US dollars (Decimal), or None if the region's price is unknown; ``idle``
        means that no archive was added or removed for over a year.
        """
        described = [
            {
                "VaultName": row.vault,
                "NumberOfArchives": row.archives,
                "SizeInBytes": row.size,
                "CreationDate": row.created and row.created.isoformat(),
                "LastInventoryDate": row.inventory and row.inventory.isoformat(),
            }
            for row in self.found
        ]
        frame = dataframes.vaults(described)
        frame.insert(0, "region", [row.region for row in self.found])
        frame["region"] = frame["region"].astype("str")
        frame["idle"] = [row.idle(self.now) for row in self.found]
        frame["idle"] = frame["idle"].astype("bool")
        months: list[Any] = [row.month.total for row in self.found]
        frame["month"] = months
        return frame

    @property
    def total(self) -> Quote:
        """The cost of a month of all vaults."""
        return sum((row.month for row in self.found), Quote())

    def __len__(self) -> int:
        return len(self.found)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                row.region,
                row.vault,
                f"{row.archives:,}",
                human_bytes(row.size),
                local_time(row.created, self.now, zone=False),
                local_time(row.inventory, self.now, zone=False) or "never",
                "idle" if row.idle(self.now) else "",
                row.month.words(),
            )
            for row in self.found
        ]

    def _notes(self) -> list[str]:
        archives = plural(sum(row.archives for row in self.found), "archive")
        size = human_bytes(sum(row.size for row in self.found))
        regions = len({row.region for row in self.found})
        notes = [
            f"Total: {plural(len(self.found), 'vault')} in {plural(regions, 'region')} "
            f"({self.asked} checked), {archives}, {size}, {self.total.words()} a month; as of each "
            "vault's last inventory."
        ]
        if any(row.idle(self.now) for row in self.found):
            notes.append(_IDLE_NOTE)
        if self.total.total is None:
            notes.append(f"A price is unknown: {step('cost', '--refresh --region R')} requests it from AWS.")
        return [*notes, *(f"{where}: {why}" for why, where in self._reasons())]

    def _reasons(self) -> list[tuple[str, str]]:
        regions: dict[str, list[str]] = {}
        for region, why in self.skipped.items():
            regions.setdefault(why, []).append(region)
        return [(why, f"Not seen: {', '.join(names)}") for why, names in regions.items()]

    def _repr_text(self) -> str:
        table = [text_table(_HEAD, self._rows(), numbers=(2, 3, 7))] if self.found else []
        return "\n".join([*table, *self._notes()])

    def _repr_html(self) -> str:
        numbers = (2, 3, 7)
        table = html_table(_HEAD, self._rows(), numbers=numbers, long=(1,)) if self.found else ""
        return table + html_notes(self._notes())


def look_everywhere(
    service: Service, connection: Connection, regions: Iterable[str] | None = None
) -> VaultsEverywhere:
    """List the vaults of several regions concurrently.

    A region that does not respond (not enabled for the account, no access, no such service) is
    skipped with the reason; the others are still listed.

    :param regions: names of regions; None for all that boto3 knows in the partition.
    """
    # Without repeats: a region named twice would count its cost twice.
    names = list(dict.fromkeys(regions_of(service) if regions is None else regions))
    skipped: dict[str, str] = {}
    # Created in this thread: creating boto3 clients is not thread-safe.
    ready = list(_services(service, connection, names, skipped))
    found: list[RegionalVault] = []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="glacier-regions") as crew:
        for one, vaults in zip(ready, crew.map(_vaults, ready), strict=True):
            if isinstance(vaults, GlacierError):
                skipped[one.region] = _reason(vaults)
            else:
                found += [_row(one.region, vault) for vault in vaults]
    return VaultsEverywhere(found, asked=len(names), skipped=skipped, now=service.clock.now())


def _services(
    service: Service, connection: Connection, names: Iterable[str], skipped: dict[str, str]
) -> Iterator[Service]:
    for name in names:
        try:
            yield in_region(service, connection, name)
        except GlacierError as error:
            skipped[name] = _reason(error)


def _vaults(service: Service) -> list[Mapping[str, Any]] | GlacierError:
    try:
        return list(service.vaults())
    except GlacierError as error:
        return error  # not raised: map() would end with the first one


def _reason(error: GlacierError) -> str:
    if isinstance(error, CredentialsError) and error.code:  # without a code, the login has failed
        return "the region is not enabled for this account, or does not know its key"
    if isinstance(error, Unavailable):  # a region without the service has no such host name
        return "no response; does the region have the vault service?"
    return error.message


def _row(region: str, vault: Mapping[str, Any]) -> RegionalVault:
    archives, size = vault.get("NumberOfArchives") or 0, vault.get("SizeInBytes") or 0
    return RegionalVault(
        region=region,
        vault=vault["VaultName"],
        archives=archives,
        size=size,
        created=from_ms(parse_time(vault.get("CreationDate"))),
        inventory=from_ms(parse_time(vault.get("LastInventoryDate"))),
        month=monthly_storage(load(region), of_vault(archives, size)),
    )
