"""The opaque identifiers of the service, in their real lengths and alphabet.

They are random bytes in unpadded base64url, so one in 64 starts with ``-``, as with the service.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator

_BATCH = 4_096


def _token(size: int) -> str:
    return base64.urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode("ascii")


def archive_id() -> str:
    """Return a new archive id of 138 characters."""
    return _token(103)


def archive_ids(count: int) -> Iterator[str]:
    """Yield *count* archive ids with one draw of random bytes for thousands of them."""
    while count > 0:
        take = min(count, _BATCH)
        noise = os.urandom(103 * take)
        for start in range(0, len(noise), 103):
            piece = base64.urlsafe_b64encode(noise[start : start + 103])
            yield piece[:138].decode("ascii")
        count -= take


def job_id() -> str:
    """Return a new job id of 92 characters."""
    return _token(69)


def upload_id() -> str:
    """Return a new multipart upload id of 92 characters."""
    return _token(69)


def lock_id() -> str:
    """Return a new vault lock id of 24 characters."""
    return _token(18)


def capacity_id() -> str:
    """Return a new provisioned capacity id of 24 characters."""
    return _token(18)


def request_id() -> str:
    """Return a new ``x-amzn-RequestId`` of 47 characters."""
    return _token(35)


def account_id() -> str:
    """Return a new account id: 12 digits, the first of them not 0."""
    return str(secrets.randbelow(9 * 10**11) + 10**11)


def file_name() -> str:
    """Return a name for a payload file: 32 lower-case hexadecimal digits.

    Archive ids will not do: they differ by case alone and may start with ``-``.
    """
    return os.urandom(16).hex()
