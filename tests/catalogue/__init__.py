"""The tests of the catalogue, and what several tests do to one."""

import time

import pyarrow as pa

from glacier_magic.catalogue import ArchiveRecord
from glacier_magic.catalogue.archives import archive_deletion


def archive_record(description="a.txt", number=1, **known):
    """Return an archive as the catalogue has it, with usual values for what is not known."""
    usual = {
        "vault": "photos",
        "archive_id": f"{number:0138}",
        "size": 7,
        "created": 1_000,
        "tree_hash": "0" * 64,
        "state": "uploaded",
        "seen": None,
    }
    return ArchiveRecord.described(description, **(usual | known))


def wanted(number=1, **known):
    """Return a download as a plan records it, with usual values for what is not known."""
    usual = {
        "vault": "photos",
        "batch": "b",
        "archive_id": f"{number:0138}",
        "name": "a.txt",
        "size": 7,
        "tree_hash": "0" * 64,
        "tier": "Standard",
        "root": "/r",
        "target": f"/r/{number}",
        "token": f"token {number}",
        "state": "planned",
    }
    return usual | known


def mark_deleted(catalogue, archive_id, vault="photos", now=None):
    """Record that the service accepted the deletion of an archive."""
    now = int(time.time() * 1000) if now is None else now
    archive_deletion.mark(catalogue.database, catalogue.scope, vault, [archive_id], now)


def read_inventory(catalogue, records, made, job_id="j", vault="photos"):
    """Read an inventory that lists archives."""
    kinds = {"created": pa.timestamp("ms", "UTC"), "size": pa.int64()}
    names = ("archive_id", "description", "created", "size", "tree_hash")
    columns = {n: pa.array([getattr(r, n) for r in records], kinds.get(n, pa.string())) for n in names}
    with catalogue.inventories.loading(vault, job_id) as load:
        load.add(pa.record_batch(columns))
        load.finish(made)
