"""The limits and durations of S3; durations are in virtual milliseconds."""

from __future__ import annotations

from glacier_magic.emulator.service_limits import DAY, HOUR, MINUTE

RETRIEVAL = {
    "GLACIER": {"Expedited": 3 * MINUTE, "Standard": 4 * HOUR, "Bulk": 8 * HOUR},
    "DEEP_ARCHIVE": {"Standard": 11 * HOUR, "Bulk": 40 * HOUR},
}
"""The duration of a restore, by storage class and tier; other classes are not archived."""

CHECKSUM_JOB = HOUR
"""The duration of a job that computes checksums."""

CLASSES = (
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
)

GIB = 1 << 30
MAX_PUT = 5 * GIB
"""The largest body of a request: an object or a part."""

MIN_PART = 5 << 20
"""The smallest part, except the last one of an upload."""

PARTS = 10_000
MAX_OBJECT = PARTS * MAX_PUT

KEY = 1_024
METADATA = 2_048
"""The largest sum of names and values of user metadata, in bytes."""

PAGE = 1_000
DELETES = 1_000
DOCUMENT = 8 << 20
"""The largest XML document: 10,000 parts with their checksums take 3 MB."""


def midnight(moment: int) -> int:
    """Return the first midnight UTC that is not before *moment*."""
    return -(-moment // DAY) * DAY
