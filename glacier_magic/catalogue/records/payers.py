"""Buckets whose requester pays: S3 refuses requests that do not say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.bucket_names import BucketFolder

if TYPE_CHECKING:
    from .. import Catalogue

_WORDS = (
    "this account, as the requester: requests, retrieval and transfer. The owner of the bucket pays for "
    "storage; that of restored copies is counted here all the same"
)


def requester_pays(catalogue: Catalogue, vault: str) -> bool:
    """Return whether this account pays for its requests to a bucket."""
    return catalogue.settings.get(_key(catalogue, vault)) is not None


def note_payer(catalogue: Catalogue, vault: str) -> None:
    """Record that this account pays for its requests to a bucket, from now on.

    :raises InputError: it is not the name of a bucket.
    """
    catalogue.settings.put(_key(catalogue, vault), "yes")


def payer_facts(catalogue: Catalogue, vault: str) -> list[tuple[str, str]]:
    """Return what a plan says about who pays; nothing unless the requester does."""
    return [("paid by", _WORDS)] if requester_pays(catalogue, vault) else []


def _key(catalogue: Catalogue, vault: str) -> str:
    return f"requester pays of {catalogue.scope.account} for {BucketFolder.read(vault).bucket}"
