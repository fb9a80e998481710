"""Requests to the service: the only room that imports boto3.

Connections, paging, request bodies that are hashed once, the service's clock, and the translation of
every failure into an error of :mod:`glacier_magic.errors`.
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
