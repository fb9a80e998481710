"""The service's error answers: code, status, type and, where known, the exact words.

Texts marked UNCONFIRMED were never seen in an answer of the real service; clients should look at
the code alone.
"""

from __future__ import annotations

import json


class ServiceError(Exception):
    """An answer that is an error: ``{"code": ..., "message": ..., "type": ...}``."""

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


def invalid(message: str) -> ServiceError:
    """Return InvalidParameterValueException (400)."""
    return ServiceError("InvalidParameterValueException", 400, message)


def missing(message: str) -> ServiceError:
    """Return MissingParameterValueException (400)."""
    return ServiceError("MissingParameterValueException", 400, message)


def missing_header(name: str) -> ServiceError:
    """Return the answer to a request without a required header (text UNCONFIRMED)."""
    return missing(f"Required parameter missing: {name}")


def not_found(message: str) -> ServiceError:
    """Return ResourceNotFoundException (404)."""
    return ServiceError("ResourceNotFoundException", 404, message)


def vault_not_found(arn: str) -> ServiceError:
    """Return the answer for a vault that does not exist."""
    return not_found(f"Vault not found for ARN: {arn}")


def limit_exceeded(message: str) -> ServiceError:
    """Return LimitExceededException (400)."""
    return ServiceError("LimitExceededException", 400, message)


def access_denied(message: str) -> ServiceError:
    """Return AccessDeniedException (403)."""
    return ServiceError("AccessDeniedException", 403, message)


def bad_request(message: str) -> ServiceError:
    """Return BadRequest (400)."""
    return ServiceError("BadRequest", 400, message)


def serialization(message: str) -> ServiceError:
    """Return SerializationException (400), for malformed JSON."""
    return ServiceError("SerializationException", 400, message)


def unrecognized_client(message: str) -> ServiceError:
    """Return UnrecognizedClientException (400)."""
    return ServiceError("UnrecognizedClientException", 400, message)


def missing_token() -> ServiceError:
    """Return MissingAuthenticationTokenException: 400 here, where other services say 403."""
    return ServiceError("MissingAuthenticationTokenException", 400, "Missing Authentication Token")


def invalid_signature(message: str) -> ServiceError:
    """Return InvalidSignatureException (403)."""
    return ServiceError("InvalidSignatureException", 403, message)


def signature_mismatch() -> ServiceError:
    """Return the answer to a signature that is not what the request's own bytes give."""
    return invalid_signature(
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. "
        "Consult the service documentation for details."
    )


def payload_mismatch(computed: str, expected: str) -> ServiceError:
    """Return the answer to a body whose linear SHA-256 is not the header's."""
    return invalid_signature(
        "The value passed in as x-amz-content-sha256 does not match the computed payload hash. "
        f"Computed digest: {computed} expected hash: {expected}"
    )


def checksum_mismatch(expected: str, computed: str) -> ServiceError:
    """Return the answer to a tree hash that is not the data's."""
    return invalid(f"Checksum mismatch: expected {expected}, computed {computed}")


def invalid_tree_hash(value: str) -> ServiceError:
    """Return the answer to a tree hash header that is not 64 hexadecimal digits."""
    return invalid(f"Invalid x-amz-sha256-tree-hash: {value}")


def policy_enforced() -> ServiceError:
    """Return PolicyEnforcedException (400)."""
    message = "InitiateJob request denied by current data retrieval policy."
    return ServiceError("PolicyEnforcedException", 400, message)


def insufficient_capacity() -> ServiceError:
    """Return InsufficientCapacityException; 503 as in the guide (the client model says 400)."""
    message = "There is insufficient capacity to process this expedited request."
    return ServiceError("InsufficientCapacityException", 503, message, "Server")


def request_timeout() -> ServiceError:
    """Return RequestTimeoutException (408), for a body that arrives too slowly."""
    return ServiceError("RequestTimeoutException", 408, "Request timed out.")


def unavailable(message: str = "Service is unavailable.", status: int = 500) -> ServiceError:
    """Return ServiceUnavailableException; the service's own internal error has status 500."""
    return ServiceError("ServiceUnavailableException", status, message, "Server")


def throttling() -> ServiceError:
    """Return ThrottlingException (400)."""
    return ServiceError("ThrottlingException", 400, "Rate exceeded")


def no_longer_supported() -> ServiceError:
    """Return NoLongerSupportedException (400), which accounts without a vault get since 2025."""
    message = "This API is no longer supported for new accounts. Use the S3 Glacier storage classes."
    return ServiceError("NoLongerSupportedException", 400, message)


def expired_token() -> ServiceError:
    """Return ExpiredTokenException (403)."""
    message = "The security token included in the request is expired"
    return ServiceError("ExpiredTokenException", 403, message)
