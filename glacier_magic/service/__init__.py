"""The boto3 client as this project uses it: the only floor that knows boto3.

Connections, paging, request bodies that are hashed once, the service's own clock, and every
failure translated into an error of :mod:`glacier_magic.errors`.
"""

from .bodies import HashedBody
from .client import Output, Service
from .clock import ServiceClock
from .connection import Connection, located, open_service
from .retrieval_policies import Policies, Policy

__all__ = [
    "Connection",
    "HashedBody",
    "Output",
    "Policies",
    "Policy",
    "Service",
    "ServiceClock",
    "located",
    "open_service",
]
