"""The regions that have the vault service, and a client for each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from ..errors import InputError
from .client import Service
from .clock import ServiceClock
from .connection import Connection, client_in, regions_of_service
from .translation import translated

DEFAULT_PARTITION = "aws"


def regions_of(service: Service) -> list[str]:
    """Return boto3's list of the regions in the service's partition, sorted, with the service's own."""
    with translated():
        known = service._session.get_available_regions("glacier", partition_of(service))
    return sorted({*known, service.region})  # the list may be older than the region


@cache  # it takes a part of a second
def known_regions() -> tuple[str, ...]:
    """Return boto3's list of the regions of all partitions that have the vault service."""
    # Also with a broken configuration, which the list does not need.
    from ..emulator.bare_session import bare_session  # noqa: PLC0415 - costs time: imported when used

    return tuple(regions_of_service(bare_session()))


def checked_regions(names: Sequence[str], more: Collection[str] = ()) -> list[str]:
    """Return *names* if each is a region with the vault service, or one of *more*.

    :raises InputError: one is not.
    """
    known = known_regions()
    wrong = [name for name in names if name not in known and name not in more]
    if wrong:
        raise InputError(
            f"No region with the vault service is called {wrong[0]!r}",
            cure=f"The regions are {', '.join(known)}.",
        )
    return list(names)


def partition_of(service: Service) -> str:
    """Return the partition of a service's region; ``aws`` if boto3 does not know the region."""
    import botocore.exceptions

    try:
        return str(service._session.get_partition_for_region(service.region))
    except botocore.exceptions.UnknownRegionError:
        return DEFAULT_PARTITION


def in_region(service: Service, connection: Connection, region: str) -> Service:
    """Return a service of another region with the same credentials; no request is sent.

    Its timeouts are short: many regions are queried at once, and some do not respond to every account.
    """
    if region == service.region:
        return service
    client = client_in(service._session, connection, region)
    return Service(
        client, client, clock=ServiceClock(), region=region, session=service._session, connection=connection
    )
