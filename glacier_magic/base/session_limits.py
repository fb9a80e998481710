"""The sizes, pauses and counts that a session uses."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes, pauses and counts of one session, an argument of :class:`.Session`.

    Seconds are those of this computer, also with an emulator whose clock runs faster.
    """

    # The job tracker

    tick: float = 0.2
    """Seconds between two snapshots while bytes move."""
    idle: float = 5.0
    """Seconds between two snapshots otherwise: how late the progress of another process shows."""
    emulator_idle: float = 1.0
    """Seconds after which an emulator is always polled: its hours may last seconds."""
    first_look: float = 15.0
    """Seconds of the service's clock after which a new job is looked at, and the least between two looks."""
    request_interval: float = 5.0
    """Seconds between two rounds of requests for what is due."""
    lost_request: float = 45.0
    """Seconds after which a request whose answer was lost is repeated if no job shows it."""
    lost_renewal: float = 60.0
    """Seconds after which a renewal whose answer was lost may be requested again."""
    lost_purchase: float = 60.0
    """Seconds after which a purchase whose answer was lost has failed if no new unit is listed."""
    list_retry: float = 20.0
    """Seconds of the service's clock before a failed listing of jobs is repeated; each failure doubles it."""
    drop_retry: float = 60.0
    """Seconds before a failed step of a vault drop is repeated."""
    queue_wait: int = 10
    """Seconds that a queue holds a request open; a stopped listener ends when its last one does."""
    queue_retry: float = 5.0
    """Seconds before a queue that failed is polled again; each further failure doubles it."""

    # Leases: which process works on what

    download_lease: float = 15.0
    """Seconds without a renewal after which the process that holds a download is considered dead."""
    upload_lease: float = 30.0
    """Seconds without a renewal after which the process that holds an upload is considered dead."""
    lease_renewal: float = 5.0
    """Seconds between two renewals of a lease."""

    # Patience with the service

    first_pause: float = 0.5
    """Seconds of the first pause after a failed request; each further failure doubles it."""
    longest_pause: float = 60.0
    """Seconds of the longest pause after a failed request."""
    give_up: float = 900.0
    """Seconds without one successful request, anywhere in the session, before a transfer fails."""
    fetch_retry: float = 30.0
    """Seconds before a download is resumed that failed because the service was unavailable."""

    # Transfers

    workers: int = 16
    """Requests of one transfer that run at the same time, at most."""
    downloads: int = 4
    """Files that are downloaded at the same time; twice as many if they would expire otherwise.

    Archives below 8 MiB that are moved to S3 are as many as ``workers``: they mostly wait for answers.
    """
    single_request: int = 4 * MIB
    """Files above this many bytes are uploaded in parts, which are never stored twice.

    That takes two more requests, whose price is that of a copy of 5.6 MB for the 90 days that are billed.
    """
    smallest_part: int = 16 * MIB
    """Bytes of a part of a file, at least: every part is a paid request."""
    pack_part: int = 64 * MIB
    """Bytes of a part of a pack, at least: it stays on the disk until it is stored, also after a kill."""
    stream_part: int = 16 * MIB
    """Bytes of a part of a stream, whose length is not known in advance: 10,000 parts are 156 GiB."""
    in_memory: int = 16 * MIB
    """Parts up to this many bytes are read once, into memory; larger ones twice, from the file."""
    piece: int = 16 * MIB
    """Bytes per download request: MiB times a power of two from offset 0, so tree-hash aligned."""
    object_part: int = 64 * MIB
    """Bytes of a part of an object in S3, at least; an archive of no more is stored by one request."""
    object_in_memory: int = 64 * MIB
    """Bytes of a part of an object that is held in memory; a larger one is held in a temporary file."""
    object_spool: int = 8 * 1024 * MIB
    """Bytes of those files together, unless a single part is larger."""
    inventory_piece: int = 8 * MIB
    """Bytes per request of an inventory's output."""
    rate_settles: float = 10.0
    """Seconds of downloading before its rate is used to predict anything."""
    deletion_batch: int = 100
    """Deleted archives per write to the catalogue: that many may be deleted again after a crash."""
    denials: int = 20
    """Denied deletions in a row after which the rest is not tried: the oldest come first."""

    # The catalogue

    few_rows: int = 10_000
    """Rows that are quicker to fetch and sort than to meet while walking an index."""
    counted_rows: int = 10_000
    """Rows left out of a table that are counted; of more, only that there are more is known."""
    bulk_rows: int = 200_000
    """Archives from which indexes are built after an inventory is read, if there were fewer rows."""
    known_ids: int = 4_000_000
    """Rows whose ids are held in memory, 24 bytes each, while an inventory is read."""
    collected: int = 48 * MIB
    """Bytes of new archives that are collected while an inventory is read, and written by ranges of keys."""
    kept_rows: int = 2_000_000
    """Archives of a first inventory from which they wait in a temporary file until all are written."""
    server_patience: float = 30.0
    """Seconds to wait for a database server that does not answer."""
    lock_wait: float = 60.0
    """Seconds after which a statement that waits for other writers of a database server fails."""
    listed_members: int = 2_000_000
    """Members of archives that are stored, of all archives together."""
    listed_text: int = 64 * MIB
    """Characters in the names of the members of one archive."""
    peek_store: int = 512 * MIB
    """Bytes of fetched parts that are kept for looking into archives, of all archives together."""


USUAL = Limits()
"""The defaults."""
