"""The opaque identifiers of the service, in their real lengths and alphabet.

They are random bytes in unpadded base64url, so one in 64 starts with ``-``, as with the service.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator
from functools import partial

_BATCH = 4_096  # ids per draw of random bytes


def _token(size: int) -> str:
    return base64.urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode("ascii")


archive_id = partial(_token, 103)  # 138 characters
job_id = upload_id = partial(_token, 69)  # 92 characters
lock_id = capacity_id = partial(_token, 18)  # 24 characters
request_id = partial(_token, 35)  # 47 characters


def archive_ids(count: int) -> Iterator[str]:
    """Yield *count* archive ids, drawing the random bytes for thousands of them at once."""
    while count > 0:
        take = min(count, _BATCH)
        noise = os.urandom(103 * take)
        for start in range(0, len(noise), 103):
            piece = base64.urlsafe_b64encode(noise[start : start + 103])
            yield piece[:138].decode("ascii")  # without the two padding characters
        count -= take


def account_id() -> str:
    """Return a new account id: 12 digits, the first of them not 0."""
    return str(secrets.randbelow(9 * 10**11) + 10**11)


def file_name() -> str:
    """Return a name for a payload file: 32 lower-case hexadecimal digits."""
    # Archive ids are no file names: they differ only by case and may start with "-".
    return os.urandom(16).hex()
