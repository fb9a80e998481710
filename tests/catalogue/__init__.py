"""The tests of the catalogue, and what several of them do to one."""

import time

import pyarrow as pa

from glacier_magic.catalogue.archives import archive_deletion


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
