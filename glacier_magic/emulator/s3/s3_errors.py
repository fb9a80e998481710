"""The error responses of S3: code, status and text, with the members that some of them have.

Texts marked UNCONFIRMED have not been seen in a response of the real service; clients should
check only the code.
"""

from __future__ import annotations

from functools import partial

from glacier_magic.emulator import ids
from glacier_magic.emulator.http import Request, Response
from glacier_magic.emulator.s3 import xml_documents
from glacier_magic.emulator.service_errors import ServiceError

CONDITION = "At least one of the pre-conditions you specified did not hold"
_MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
_PART = (
    "One or more of the specified parts could not be found.  The part may not have been uploaded, "
    "or the specified entity tag may not match the part's entity tag."
)
_NOT_BUILT = "A header or query you provided implies functionality that is not implemented."


class S3Error(ServiceError):
    """An error response of S3; *details* are further members of its document."""

    def __init__(self, code: str, status: int, message: str, /, **details: object) -> None:
        super().__init__(code, status, message)
        self.details = details


invalid_argument = partial(S3Error, "InvalidArgument", 400)
invalid_request = partial(S3Error, "InvalidRequest", 400)
bad_digest = partial(S3Error, "BadDigest", 400)
access_denied = partial(S3Error, "AccessDenied", 403, "Access Denied")
malformed_xml = partial(S3Error, "MalformedXML", 400, _MALFORMED)
invalid_part = partial(S3Error, "InvalidPart", 400, _PART)
internal = partial(S3Error, "InternalError", 500, "We encountered an internal error. Please try again.")
no_such_key = partial(S3Error, "NoSuchKey", 404, "The specified key does not exist.")
no_such_version = partial(S3Error, "NoSuchVersion", 404, "The specified version does not exist.")
no_such_upload = partial(
    S3Error,
    "NoSuchUpload",
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
    "aborted or completed.",
)


def not_implemented(what: str) -> S3Error:
    """Return the 501 for a feature of the service that is not emulated; the header names it."""
    error = S3Error("NotImplemented", 501, _NOT_BUILT, Header=what)
    error.headers["x-emulator-hint"] = f"this emulator does not implement {what}"
    return error


_TRANSLATED = {
    # The errors of signatures and faults, which have other names in the vault service.
    "MissingAuthenticationTokenException": ("AccessDenied", 403, "Access Denied"),
    "AccessDeniedException": ("AccessDenied", 403, "Access Denied"),
    "MissingParameterValueException": (
        "AccessDenied",
        403,
        "AWS authentication requires a valid Date or x-amz-date header",
    ),
    "UnrecognizedClientException": (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    "ExpiredTokenException": ("ExpiredToken", 400, "The provided token has expired."),
    "InvalidSignatureException": (
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    ),
    "RequestTimeoutException": (
        "RequestTimeout",
        400,
        "Your socket connection to the server was not read from or written to within the timeout "
        "period. Idle connections will be closed.",
    ),
    "InsufficientCapacityException": (
        "GlacierExpeditedRetrievalNotAvailable",
        503,
        "Glacier expedited retrievals are currently not available. Try again later",
    ),
}

_SIGNATURES = {
    # How the vault service's texts for other errors of signatures begin.
    "Signature ": (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    "The Authorization": (
        "InvalidRequest",
        400,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    ),
    "Date in": ("AuthorizationHeaderMalformed", 400, "The authorization header is malformed; Invalid date."),
    "Host and": ("AccessDenied", 403, "There were headers present in the request which were not signed"),
}


def _translated(error: ServiceError) -> tuple[str, int, str]:
    if error.code == "InvalidSignatureException":
        for beginning, found in _SIGNATURES.items():
            if error.message.startswith(beginning):
                return found
    if error.code == "ServiceUnavailableException":
        if error.status == 503:
            return "ServiceUnavailable", 503, "Service is unable to handle request."
        return "InternalError", 500, "We encountered an internal error. Please try again."
    return _TRANSLATED.get(error.code, (error.code, error.status, error.message))


def document(error: ServiceError) -> bytes:
    """Return the XML document of an error."""
    code, _, message = _translated(error)
    details = error.details if isinstance(error, S3Error) else {}
    members: xml_documents.Members = [("Code", code), ("Message", message), *details.items()]
    tail: xml_documents.Members = [("RequestId", ids.request_id()[:16]), ("HostId", ids.request_id())]
    return xml_documents.write("Error", [*members, *tail], namespace=False)


def refuse(error: ServiceError, request: Request) -> Response:
    """Return the response that carries *error*; a response to HEAD has no body, and neither has a 304."""
    _, status, _ = _translated(error)
    body = b"" if request.method == "HEAD" or status == 304 else document(error)
    return Response(status, {"Content-Type": "application/xml"} | error.headers, body)
