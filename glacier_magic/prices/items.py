"""What can be charged for: the names of the figures, in words and with their units."""

from __future__ import annotations

GB = 1 << 30
"""Bytes in the GB of a bill: AWS's worked examples count 100 TB as 102,400 GB
(repost.aws/knowledge-center/s3-manage-data-retrieval)."""

GB_MONTH, PER_GB, THOUSAND, UNIT_MONTH = "GB-month", "GB", "1,000 requests", "unit-month"
FREE_GB = "month"

ITEMS: dict[str, tuple[str, str]] = {
    "storage": ("vault storage", GB_MONTH),
    "early-deletion": ("deletion before 90 days", GB_MONTH),
    "upload-requests": ("upload requests", THOUSAND),
    "other-requests": ("lists, deletions, output requests", THOUSAND),
    "retrieval-standard": ("standard retrieval", PER_GB),
    "retrieval-standard-requests": ("standard retrieval requests", THOUSAND),
    "retrieval-bulk": ("bulk retrieval", PER_GB),
    "retrieval-bulk-requests": ("bulk retrieval requests", THOUSAND),
    "retrieval-expedited": ("expedited retrieval", PER_GB),
    "retrieval-expedited-requests": ("expedited retrieval requests", THOUSAND),
    "free-retrieval": ("free standard retrieval", FREE_GB),
    "provisioned-capacity": ("provisioned capacity", UNIT_MONTH),
    "transfer-out-internet": ("transfer out to the internet", PER_GB),
    "transfer-out-region": ("transfer out to another region", PER_GB),
    "flexible-storage": ("S3 Glacier Flexible Retrieval storage", GB_MONTH),
    "flexible-put-requests": ("requests into Flexible Retrieval", THOUSAND),
    "flexible-retrieval-bulk": ("bulk retrieval from Flexible Retrieval", PER_GB),
    "instant-storage": ("S3 Glacier Instant Retrieval storage", GB_MONTH),
    "instant-retrieval": ("retrieval from Instant Retrieval", PER_GB),
    "instant-put-requests": ("requests into Instant Retrieval", THOUSAND),
    "deep-archive-storage": ("S3 Glacier Deep Archive storage", GB_MONTH),
    "deep-archive-put-requests": ("requests into Deep Archive", THOUSAND),
    "deep-archive-retrieval-standard": ("standard retrieval from Deep Archive", PER_GB),
    "deep-archive-retrieval-standard-requests": ("standard requests from Deep Archive", THOUSAND),
    "deep-archive-retrieval-bulk": ("bulk retrieval from Deep Archive", PER_GB),
    "deep-archive-retrieval-bulk-requests": ("bulk requests from Deep Archive", THOUSAND),
    "s3-standard-storage": ("S3 Standard storage", GB_MONTH),
}
"""Name of each figure to what it is in words and the unit that its price is for."""
