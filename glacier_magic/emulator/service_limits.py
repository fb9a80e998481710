"""The service's durations and limits.

Durations are in virtual milliseconds, the unit of all stored times.
"""

from __future__ import annotations

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Documented: 1 to 5 minutes, 3 to 5 hours, 5 to 12 hours.
RETRIEVAL = {"Expedited": 3 * MINUTE, "Standard": 4 * HOUR, "Bulk": 8 * HOUR}
"""The duration of an archive retrieval, by tier."""

INVENTORY = 4 * HOUR  # real ones took 3 h 47 min to 3 h 56 min
"""The duration of an inventory retrieval."""

OUTPUT_LIFE = DAY  # documented as "at least"
"""How long a completed job and its output stay available."""

INVENTORY_TIME = 26 * MINUTE + 18 * SECOND + 28  # a real inventory is dated 00:26:18Z
"""When inventories are made, in milliseconds after each virtual midnight UTC."""

UPLOAD_LIFE = DAY  # the service may keep one longer
"""How long a multipart upload lives without activity."""

REPEAT_LIFE = DAY  # documented as "a short period"
"""How long completing (or aborting) a multipart upload again returns the same response."""

RECENT_DELETION = DAY  # the length is not documented
"""How long a retrieval of a deleted archive is still accepted; it fails later."""

LOCK_LIFE = DAY
"""How long a vault lock may stay in progress."""

VAULTS = 1_000  # per Region; one page of the documentation says per account
TAGS = 50
TAGS_A_CALL = 10
CAPACITY_UNITS = 2
PARTS = 10_000
POLICY_BYTES = 20 * 1024
DESCRIPTION = 1_024
MIN_PART = 1 << 20
MAX_PART = 1 << 32
MAX_ARCHIVE = 1 << 32
"""The largest archive of a single request: 4 GiB."""

OVERHEAD = 32_768
"""Bytes that the service adds to every archive's size for its index."""

PAGE = 50  # older pages of the documentation still say 1,000
VAULT_PAGE = 10
JSON_BODY = 1 << 20
"""The largest JSON body; the largest documents are policies of 20 KB."""

CLOCK_SKEW = 5 * MINUTE
"""How far the date of a signature may be from real time."""

S3_CLOCK_SKEW = 15 * MINUTE
