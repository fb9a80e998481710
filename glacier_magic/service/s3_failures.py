"""Failures of S3 as errors of this program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ..errors import AccessDenied, CredentialsError, GlacierError
from .translation import translated

Kind = tuple[type[GlacierError], str]
"""The error for a code of S3, and what it says first."""

_KINDS: dict[str, Kind] = {
    "AccessDenied": (AccessDenied, "S3 denied access"),
    "InvalidAccessKeyId": (CredentialsError, "S3 does not know this access key"),
    "RequestTimeTooSkewed": (CredentialsError, "This computer's clock is off by more than S3 allows"),
    "SignatureDoesNotMatch": (CredentialsError, "S3 does not accept the signature"),
}
"""Codes that the vault service does not have, or means otherwise."""


@contextmanager
def s3_failures(
    kinds: Mapping[str, Kind],
    cure_of: Callable[[str, type[GlacierError]], str | None],
    same: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Translate failures of S3.

    :param kinds: the errors for more codes.
    :param cure_of: returns the next step, by the code and the class of the error.
    :param same: the codes of the vault service for the same refusals.
    """
    try:
        with translated():
            yield
    except GlacierError as error:
        found = kinds.get(error.code) or _KINDS.get(error.code)
        if found is None:
            raise
        kind, what = found
        code = (same or {}).get(error.code, error.code)
        raise kind(f"{what}: {error.message}", cure=cure_of(error.code, kind), code=code) from None
