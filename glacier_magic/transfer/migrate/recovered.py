"""Moves that a lost catalogue knew, read from what is written on their objects.

Whoever may write to the bucket may have written it: such a move is not proven.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from uuid import uuid4

from ...base.bucket_names import BucketFolder
from ...base.units import storable
from ...catalogue import Catalogue
from ...catalogue.records.moved_records import STORED, MovedObject, object_url
from ...service.object_store import ObjectRecord
from .proving import SENT

_FORMS = {
    "gm-archive-id": re.compile(r"[A-Za-z0-9_-]{138}"),
    "gm-vault": re.compile(r"[A-Za-z0-9_.-]{1,255}"),
    "gm-tree-hash": re.compile(r"[0-9a-f]{64}"),
}
TAKEN, ELSEWHERE, OTHER = "of this vault", "of other vaults", "with other metadata"
"""What an object is: a move of the vault's archives, of another vault's, or nothing that can be read."""


def kind_of(labels: Mapping[str, str], vault: str) -> str:
    """Return what an object with this metadata is to a vault."""
    known = {"gm-tree-hash": "0" * 64, **labels}  # not all archives have one
    if not all(form.fullmatch(known.get(name, "")) for name, form in _FORMS.items()):
        return OTHER
    return TAKEN if labels["gm-vault"] == vault else ELSEWHERE


def record_recovered(
    catalogue: Catalogue,
    place: BucketFolder,
    region: str,
    key: str,
    found: tuple[ObjectRecord, Mapping[str, str]],
) -> None:
    """Record the move of an object as sent, which is not enough to delete its source.

    :param found: what S3 records of it, and its metadata, which :func:`kind_of` has checked.
    """
    record, labels = found
    intent = {
        "vault": labels["gm-vault"],
        "batch": uuid4().hex,
        "archive_id": labels["gm-archive-id"],
        "name": storable(key.removeprefix(place.prefix)),
        "size": record.size,
        "tree_hash": labels.get("gm-tree-hash"),
        "tier": "",
        "root": place.name,
        "target": object_url(place.bucket, key),
        "token": f"glacier_magic {uuid4()}",
        "state": "forgotten",  # no row of the job board
    }
    with catalogue.database.transaction():
        (number,) = catalogue.downloads.want([intent])
        catalogue.moved.add(
            MovedObject(
                download=number,
                bucket=place.bucket,
                key=key,
                region=region,
                storage_class=record.storage_class,
                metadata=json.dumps({name: labels[name] for name in _FORMS if name in labels}),
                step=STORED,
                etag=record.etag,
                version_id=record.version,
                proof=SENT,
            )
        )
