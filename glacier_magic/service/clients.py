"""Clients of AWS's services."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit


def new_client(session: Any, name: str, region: str, config: Any = None, **options: Any) -> Any:
    """Return a client of a boto3 session; one whose server is this computer uses no proxy.

    :param name: the service, such as ``sqs``.
    :param config: a botocore configuration.
    :param options: further parameters of boto3, such as ``endpoint_url``.
    """
    from botocore.config import Config

    client = session.client(name, region_name=region, config=config, **options)
    if client.meta.config.proxies is not None or not is_here(client.meta.endpoint_url):
        return client
    # Only now: botocore finds the address in the environment or a profile, if it is not an option.
    direct = (config or Config()).merge(Config(proxies={}))
    return session.client(name, region_name=region, config=direct, **options)


def is_here(url: str) -> bool:
    """Return whether a URL has a loopback address, which no proxy can reach."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified  # a client that connects to 0.0.0.0 stays here
