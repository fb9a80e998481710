"""The account's data retrieval policy, which limits standard retrievals in a region."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.rendering import Rendered
from ..base.units import human_bytes, parse_size
from ..errors import InputError
from ..service import Service
from ..service.administration import Administration
from .change import Change

NO_LIMIT, FREE_TIER, BYTES_PER_HOUR = "None", "FreeTier", "BytesPerHour"
MOST = 2**63 - 1
"""The most bytes per hour that the service accepts (service documentation)."""

_CURE = "Write none, free-tier, or bytes per hour such as 1GB/h."
_SCOPE = (
    "It applies to standard retrievals of this account in {region}; bulk and expedited ones and "
    "jobs in progress are not affected."
)


@dataclass(frozen=True, repr=False)
class RetrievalPolicy(Rendered):
    """A data retrieval policy.

    :param strategy: ``None`` (no limit), ``FreeTier`` or ``BytesPerHour``.
    :param bytes_per_hour: the limit of ``BytesPerHour``, else None.
    """

    strategy: str
    bytes_per_hour: int | None
    service: Service = field(compare=False)  # the same policy, whichever session has read it

    @classmethod
    def read(cls, service: Service) -> RetrievalPolicy:
        """Request the current policy from the service."""
        return cls(*Administration(service).retrieval_policy(), service)

    def set(self, limit: str | int) -> Change[RetrievalPolicy]:
        """Return the plan to set another policy; setting the same one changes nothing.

        :param limit: ``none``, ``free-tier``, ``1GB/h`` or a number of bytes per hour.
        :raises InputError: it is none of these.
        """
        after = RetrievalPolicy(*read_limit(limit), self.service)
        return Change(
            f"Set the data retrieval policy of the account in {self.service.region} to {after.name}",
            act=after._put,
            facts=[
                ("now", f"{self.name}: {self.words}"),
                ("then", f"{after.name}: {after.words}"),
                ("for", _SCOPE.format(region=self.service.region)),
                ("when", "within minutes, for everyone who retrieves from this account"),
            ],
            # Without a limit, retrievals can cost any amount.
            danger=after.strategy == NO_LIMIT != self.strategy,
        )

    def _put(self) -> RetrievalPolicy:
        Administration(self.service).set_retrieval_policy(self.strategy, self.bytes_per_hour)
        return self

    @property
    def words(self) -> str:
        """The policy as a sentence."""
        if self.strategy == NO_LIMIT:
            return "every retrieval is accepted, whatever it costs"
        if self.strategy == FREE_TIER:
            return "a retrieval beyond the day's share of the free allowance is refused, at no cost"
        hourly = self.bytes_per_hour or 0
        return (
            f"a retrieval that would raise the peak above {human_bytes(hourly)} per hour is "
            f"refused, at no cost; this allows at most {human_bytes(24 * hourly)} per day"
        )

    @property
    def name(self) -> str:
        """The policy in the form that ``policy set`` accepts: ``none``, ``free-tier`` or ``1GB/h``."""
        if self.strategy == BYTES_PER_HOUR:
            return f"{_exact(self.bytes_per_hour or 0)}/h"
        return "free-tier" if self.strategy == FREE_TIER else "none"

    def _repr_text(self) -> str:
        return (
            f"Data retrieval policy: {self.name}\n  {self.words}\n  "
            + _SCOPE.format(region=self.service.region)
            + "\n  A change takes effect within minutes."
        )


def _exact(count: int) -> str:
    """Return bytes in the largest decimal unit that divides them."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count and count % size == 0:  # exact: the result can be given to "policy set" again
            return f"{count // size}{unit}"
    return str(count)


def read_limit(limit: str | int) -> tuple[str, int | None]:
    """Return the strategy and the bytes per hour of a limit.

    :raises InputError: it is not a limit, or is below 1 or above 2^63-1 bytes.
    """
    plain = str(limit).strip().lower()
    if plain in ("none", "free-tier", "freetier"):
        return (NO_LIMIT if plain == "none" else FREE_TIER), None
    if plain.endswith(("/s", "/m", "/min", "/d", "/day")):
        raise InputError(f"{limit!r} is not bytes per hour", cure=_CURE)
    try:
        size = plain.removesuffix("/hour").removesuffix("/h")
        allowed = int(size) if size.isdecimal() else parse_size(size)  # a float is not exact
    except (ValueError, OverflowError):
        raise InputError(f"{limit!r} is not a data retrieval policy", cure=_CURE) from None
    if not 1 <= allowed <= MOST:
        raise InputError(f"{limit!r} is not between 1 and 2^63-1 bytes per hour", cure=_CURE)
    return BYTES_PER_HOUR, allowed
