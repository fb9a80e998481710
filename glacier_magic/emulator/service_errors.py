"""The service's error responses: code, status, type and, where known, the exact message.

Messages marked UNCONFIRMED have not been seen in a response of the real service; clients should
look at the code alone.
"""

from __future__ import annotations

import json
from functools import partial


class ServiceError(Exception):
    """An error response: ``{"code": ..., "message": ..., "type": ...}``."""

    def __init__(self, code: str, status: int, message: str, kind: str = "Client") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.kind = kind
        self.headers: dict[str, str] = {}

    def body(self) -> bytes:
        """Return the compact JSON body."""
        members = {"code": self.code, "message": self.message, "type": self.kind}
        if self.code == "InvalidSignatureException":
            # These come from a layer in front of the service, which writes the message first.
            members = {"message": self.message, "code": self.code, "type": self.kind}
        return json.dumps(members, separators=(",", ":")).encode("ascii")


# Each takes the message and returns the error.
access_denied = partial(ServiceError, "AccessDeniedException", 403)
bad_request = partial(ServiceError, "BadRequest", 400)
invalid = partial(ServiceError, "InvalidParameterValueException", 400)
invalid_signature = partial(ServiceError, "InvalidSignatureException", 403)
limit_exceeded = partial(ServiceError, "LimitExceededException", 400)
not_found = partial(ServiceError, "ResourceNotFoundException", 404)
serialization = partial(ServiceError, "SerializationException", 400)  # malformed JSON
unrecognized_client = partial(ServiceError, "UnrecognizedClientException", 400)

# Each takes nothing.
missing_token = partial(  # 400, where other services respond with 403
    ServiceError, "MissingAuthenticationTokenException", 400, "Missing Authentication Token"
)
policy_enforced = partial(
    ServiceError,
    "PolicyEnforcedException",
    400,
    "InitiateJob request denied by current data retrieval policy.",
)
insufficient_capacity = partial(
    ServiceError,
    "InsufficientCapacityException",
    503,  # as in the developer guide; the client model has 400
    "There is insufficient capacity to process this expedited request.",
    "Server",
)
request_timeout = partial(  # the body arrives too slowly
    ServiceError, "RequestTimeoutException", 408, "Request timed out."
)
throttling = partial(ServiceError, "ThrottlingException", 400, "Rate exceeded")
no_longer_supported = partial(  # since 2025, for accounts without a vault
    ServiceError,
    "NoLongerSupportedException",
    400,
    "This API is no longer supported for new accounts. Use the S3 Glacier storage classes.",
)
invalid_token = partial(
    ServiceError, "UnrecognizedClientException", 400, "The security token included in the request is invalid."
)
expired_token = partial(
    ServiceError, "ExpiredTokenException", 403, "The security token included in the request is expired"
)


def unavailable(status: int = 500) -> ServiceError:
    """Return ServiceUnavailableException; the service's own internal error has status 500."""
    return ServiceError("ServiceUnavailableException", status, "Service is unavailable.", "Server")


def missing_header(name: str) -> ServiceError:
    """Return MissingParameterValueException (400) for a required header (message UNCONFIRMED)."""
    return ServiceError("MissingParameterValueException", 400, f"Required parameter missing: {name}")


def signature_mismatch() -> ServiceError:
    """Return the error for a signature that does not match the request."""
    return invalid_signature(
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. "
        "Consult the service documentation for details."
    )


def payload_mismatch(computed: str, expected: str) -> ServiceError:
    """Return the error for a body whose linear SHA-256 is not the header's."""
    return invalid_signature(
        "The value passed in as x-amz-content-sha256 does not match the computed payload hash. "
        f"Computed digest: {computed} expected hash: {expected}"
    )


def checksum_mismatch(expected: str, computed: str) -> ServiceError:
    """Return the error for a tree hash that is not the data's."""
    return invalid(f"Checksum mismatch: expected {expected}, computed {computed}")
