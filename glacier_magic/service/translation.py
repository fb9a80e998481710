"""Translating failures of the service and of botocore into errors with a cure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..errors import (
    AccessDenied,
    CredentialsError,
    GlacierError,
    InputError,
    IntegrityError,
    NotFound,
    NotReady,
    Refused,
    RegionError,
    ServiceClosed,
    Unavailable,
    VaultNotEmpty,
    describe,
)
from ..errors.steps import option, step
from .answers import damaged, is_from_parser
from .unreachable import unauthenticated_proxy, unreachable

_EXPIRED = (
    "Renew the login (aws sso login, or the tool that makes your temporary keys): what is in progress goes "
    "on, and the same command resumes the rest."
)

_SKEWED = ("Signature expired", "Signature not yet current")

_BY_CODE: dict[str, tuple[type[GlacierError], str, str | None]] = {
    "AccessDeniedException": (AccessDenied, "The service denied access", None),
    **dict.fromkeys(
        ("ExpiredTokenException", "ExpiredToken"),
        (CredentialsError, "The session token has expired", _EXPIRED),
    ),
    "InvalidSignatureException": (
        CredentialsError,
        "The service does not accept the signature",
        "Check the secret key of this profile, and that this computer's clock is right.",
    ),
    "MissingAuthenticationTokenException": (CredentialsError, "The request was not signed", None),
    **dict.fromkeys(
        ("UnrecognizedClientException", "InvalidClientTokenId"),
        (CredentialsError, "The service does not know this access key", None),
    ),
    "SubscriptionRequiredException": (ServiceClosed, "The account is not signed up", None),
    "NoLongerSupportedException": (
        ServiceClosed,
        "This account has no Glacier vault storage, and the service refuses it",
        None,
    ),
    "LimitExceededException": (Refused, "A limit of the account is reached", None),
    "PolicyEnforcedException": (
        Refused,
        "The account's data retrieval policy refuses this retrieval",
        "Try the bulk tier, spread the retrieval over several days, or raise the policy.",
    ),
    "InsufficientCapacityException": (
        Refused,
        "There is no capacity for expedited retrievals now",
        "Use the standard tier, or try again later.",
    ),
    "ThrottlingException": (Unavailable, "The service asks us to slow down", None),
    "RequestTimeoutException": (Unavailable, "The upload arrived too slowly", None),
    "ServiceUnavailableException": (Unavailable, "The service is unavailable", None),
    "InternalServerError": (Unavailable, "The service is unavailable", None),
}


def _by_text() -> tuple[tuple[str, type[GlacierError], str | None], ...]:
    return (
        (
            "Vault not found",
            NotFound,
            f"{step('vaults')} lists the vaults of this region; {step('create', 'NAME')} creates one.",
        ),
        ("Vault not empty", VaultNotEmpty, None),
        ("not currently available for download", NotReady, f"{step('jobs')} shows when it is expected."),
        (
            "does not match the computed payload hash",
            IntegrityError,
            "The bytes changed on their way; repeat the command.",
        ),
        ("Checksum mismatch", IntegrityError, "The bytes changed on their way; upload again."),
        (
            "The job ID was not found",
            NotFound,
            f"A job is kept for 24 hours after it is done; request it again with {step('restore')}.",
        ),
        (
            "Invalid vault name",
            InputError,
            f"The archive lives in another vault: name that one with {option('vault')}.",
        ),
    )


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Translate failures of botocore inside the block into errors of this project.

    The original is not chained: its text contains account ids, and a notebook saves its output.
    """
    import botocore.exceptions as raw
    import urllib3.exceptions  # noqa: PLC0415 - costs time: imported when used

    try:
        yield
    except raw.ClientError as error:
        translation = from_answer(error.response)
        translation.details.update(_details(error))
        raise translation from None
    except raw.ParamValidationError as error:
        raise InputError(f"The request is not valid: {error}") from None
    except raw.NoRegionError:
        raise RegionError("No region is set") from None
    except (raw.HTTPClientError, raw.ConnectionError) as error:
        raise unreachable(error) from None
    # From reading a body, which botocore does not wrap.
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, GlacierError):  # LocalError is an OSError
            raise
        raise Unavailable(f"The connection to the service broke: {error}") from None
    except Exception as error:
        if not is_from_parser(error):
            raise
        raise damaged(describe(error)) from None


def _details(error: Any) -> dict[str, str]:
    """Return the details by which AWS support can identify an error response."""
    metadata = error.response.get("ResponseMetadata", {})
    found = {
        "operation": error.operation_name,
        "HTTP status": metadata.get("HTTPStatusCode"),
        "retries": metadata.get("RetryAttempts"),
        "request id": metadata.get("RequestId") or metadata.get("HTTPHeaders", {}).get("x-amzn-requestid"),
    }
    return {label: str(value) for label, value in found.items() if value}


def from_answer(response: Any) -> GlacierError:
    """Return the error for an error response of the service."""
    error = response.get("Error", {})
    code = str(error.get("Code", ""))
    # After these words the service repeats the signed request, including the session token.
    text = str(error.get("Message", "")).partition("The Canonical String")[0].strip()
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "InvalidSignatureException" and any(words in text for words in _SKEWED):
        # Transfers retry this code, because the user may set the clock in the meantime.
        return CredentialsError(
            "This computer's clock is off by more than the service allows",
            cure="Set the clock; completed work is kept.",
            code="RequestExpired",
        )
    # Before the code: InvalidParameterValueException stands for many causes.
    for part, kind, cure in _by_text():
        if part in text:
            return kind(text, cure=cure, code=code)
    if code in _BY_CODE:
        kind, what, cure = _BY_CODE[code]
        return kind(f"{what}: {text}" if text else what, cure=cure, code=code)
    if status == 407:
        return unauthenticated_proxy()
    if code in ("", str(status)) and status < 500 and status != 408:
        # Every refusal of the service has a code: this is the page of a proxy, or garbled.
        return damaged(f"a refusal without a code, {text[:80]!r}", response)
    if status == 404 or code == "ResourceNotFoundException":
        return NotFound(text or "Not found", code=code)
    if status >= 500 or status == 408:
        return Unavailable(f"The service responded with status {status}: {text or code}", code=code)
    return Refused(f"The service refused: {text or code}", code=code)
