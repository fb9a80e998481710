"""Translating failures to reach a server: networks, proxies and certificates."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConnectionFailed, GlacierError, Unavailable

TRUST = (
    "Set AWS_CA_BUNDLE, or ca_bundle in the AWS configuration, to a file with the certificate of the "
    "authority that signs for this server, or for a proxy that opens TLS."
)


def unreachable(error: Any) -> GlacierError:
    """Return the error for one of botocore's errors about a connection."""
    import botocore.exceptions as raw

    text = str(error)
    if isinstance(error, raw.ProxyConnectionError):
        cause = str(getattr(error.kwargs.get("error"), "original_error", ""))  # of urllib3
        if " 407 " in cause:
            return unauthenticated_proxy()
        proxy = str(error.kwargs.get("proxy_url", ""))
        answer = f": {cause}" if cause.startswith("Tunnel") else ""
        return Unavailable(f"The proxy {proxy} gives no connection{answer}", cure=_of_proxy(proxy))
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return ConnectionFailed(f"The server's certificate is not trusted: {error}", cure=TRUST)
    return Unavailable(f"The service cannot be reached: {error}")


def unauthenticated_proxy() -> GlacierError:
    """Return the error for a proxy that wants a user name and a password."""
    names = " or ".join(_proxy_variables()) or "HTTPS_PROXY"
    return ConnectionFailed(
        "The proxy refuses the connection without a name and a password (status 407)",
        cure=f"Put them into {names}, as http://NAME:PASSWORD@HOST:PORT.",
    )


def _of_proxy(url: str) -> str:
    names = " and ".join(_proxy_variables(urlsplit(url).hostname or ""))
    source = f"It comes from {names}" if names else "The system names it"
    return f"{source}: correct or unset that, or list the service's host in NO_PROXY."


def _proxy_variables(host: str = "") -> list[str]:
    """Return the variables that name a proxy at *host*."""
    known = ("http_proxy", "https_proxy")
    return [name for name, value in os.environ.items() if name.lower() in known and value and host in value]
