"""The proof of a move: what S3 records of an object, compared with what was sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from ...base.treehash import CHUNK
from ...catalogue.records.moved_records import MovedObject
from ...errors import IntegrityError
from ...service.object_store import ObjectRecord

SENT, STORED_AS_SENT, AT_REST, READ_BACK = 1, 2, 3, 4
"""Levels of proof: S3 accepted all bytes, each range of which had the service's tree hash; asked
afterwards, S3 records the same size, class, version, parts and checksums; S3 has hashed the bytes that it
stores again; the bytes were read, and have the tree hash.  Only the last three allow to delete the source."""


def level(
    found: ObjectRecord | None, moved: MovedObject, *, size: int, tree_hash: str | None, parts: Sequence[str]
) -> int:
    """Return the level of proof that S3's record of an object gives.

    :param found: the record; None if there is no such object.
    :param size: bytes of the archive.
    :param tree_hash: the archive's by the catalogue; without it nothing shows that the job's output
        is what was stored.
    :param parts: the checksum of each part that was sent; empty if they are not known any more.
    :raises IntegrityError: the object is gone, or differs.
    """
    if found is None:
        raise IntegrityError(f"{moved.url} is not there any more")
    wanted: dict[str, tuple[object, object]] = {
        "size": (found.size, size),
        "version": (found.version, moved.version_id),
        "ETag": (found.etag, moved.etag),
    }
    if moved.checksum is not None:
        wanted["checksum"] = (found.checksum, moved.checksum)
    if moved.proof < STORED_AS_SENT:  # later, the bucket's lifecycle may have moved it on
        wanted["storage class"] = (found.storage_class, moved.storage_class)
    if parts and found.parts:
        wanted["parts"] = ([part[1] for part in found.parts], list(parts))
    # The tree hash is the SHA-256: S3 and the inventory need no link of ours.
    direct = size <= CHUNK and bool(tree_hash) and bool(found.checksum or moved.checksum)
    if direct and tree_hash:
        wanted["tree hash"] = (found.checksum, b64encode(bytes.fromhex(tree_hash)).decode())
    differing = [what for what, (there, ours) in wanted.items() if there != ours]
    if differing:
        raise IntegrityError(
            f"S3 records another {' and another '.join(differing)} of {moved.url} than was sent",
            cure="The source is kept. Look at the object before it is removed.",
        )
    # What was sent is not known of a recovered move.
    return STORED_AS_SENT if direct or (tree_hash and moved.checksum is not None) else SENT
