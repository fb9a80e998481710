"""The names of this computer, and which of them lead to a server."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Return whether a name or address is this computer's own, whatever a name server says."""
    with suppress(ValueError):
        # Without the zone of an IPv6 address.
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return host == "localhost"


def leads_to(authority: str, bound: tuple[str, int]) -> bool:
    """Return whether ``host[:port]`` is the address that a server is *bound* to, or loopback at its port."""
    try:
        parts = urlsplit(f"//{authority}")
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:  # no number, or a bracket too few
        return False
    return port == bound[1] and (host == bound[0] or is_loopback(host))
