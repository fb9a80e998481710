"""S3 on the same port: the operation of a request, and its bucket and key."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from glacier_magic.emulator import auth, dates
from glacier_magic.emulator.http import Request, Response
from glacier_magic.emulator.s3 import bucket_rows, s3_errors, s3_limits, xml_documents
from glacier_magic.emulator.s3.body_checks import BodyChecks
from glacier_magic.emulator.s3.bucket_rows import StoredBucket
from glacier_magic.emulator.s3.xml_documents import XmlNode
from glacier_magic.emulator.service import Call, Dialect, EmulatedService, dialects

_BUCKET_HOST = re.compile(r"(.+)\.(?:localhost|s3[.-][a-z0-9.-]*amazonaws\.com)")
"""The host name of a virtual-hosted-style request."""

_JOBS = "/v20180820/jobs"
"""The path of jobs of S3 Control, whose requests name an account in a header."""

_OTHERS = frozenset(
    {"accelerate", "acl", "analytics", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold"}
    | {
        "logging",
        "metrics",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
    }
    | {"retention", "select", "session", "tagging", "torrent", "website", "X-Amz-Algorithm"}
    | {"renameObject", "metadataTable", "append"}
)
"""Query parameters of operations that are not emulated."""

_REFUSED = (
    "x-amz-tagging",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
)
"""Headers whose effect is not emulated."""


@dataclass(slots=True)
class S3Call(Call):
    """The request that an operation of S3 handles, with its context."""

    query: dict[str, str] = field(default_factory=dict)
    charged: bool = False
    """Whether the requester pays for it."""

    @property
    def key(self) -> str:
        """The key of the object."""
        return self.names["key"]

    def header(self, name: str) -> str | None:
        """Return a header, or None."""
        return self.request.headers.get(name)

    def bucket(self, connection: sqlite3.Connection, name: str = "") -> StoredBucket:
        """Return the bucket of the request, or the one with that *name*.

        :raises S3Error: there is none, its owner is not the expected one, it is in another region, or its
            requester pays, and the request does not say so.
        """
        bucket = bucket_rows.get(connection, name or self.names["bucket"])
        expected = "x-amz-source-expected-bucket-owner" if name else "x-amz-expected-bucket-owner"
        if self.header(expected) not in (None, self.account):
            raise s3_errors.access_denied()
        if bucket_rows.requester_pays(connection, bucket) and "requestPayment" not in self.query:
            if self.header("x-amz-request-payer") != "requester":
                raise s3_errors.access_denied()
            self.charged = True
        if not name and self.service.options.verify and bucket.region != self.region:
            raise _wrong_region(self.region, bucket.region)
        return bucket

    def document(self, *, of_body: bool = True) -> XmlNode:
        """Return the root of the XML document in the body, whose checksums are checked.

        :param of_body: whether a checksum in the headers is that of the body.
        """
        body = self.request.body
        if body.length > s3_limits.DOCUMENT:
            raise s3_errors.S3Error(
                "MaxMessageLengthExceeded",
                400,
                "Your request was too big.",
                MaxMessageLengthBytes=s3_limits.DOCUMENT,
            )
        headers = self.request.headers
        if not of_body:
            headers = {name: headers[name] for name in headers if not name.startswith("x-amz-checksum-")}
        checks = BodyChecks(headers)
        data = body.read()
        for digest in checks.digests.values():
            digest.update(data)
        checks.verify(body.trailers())
        try:
            return xml_documents.read(data)
        except (ValueError, IndexError):
            raise s3_errors.malformed_xml() from None


def _wrong_region(given: str, expected: str) -> s3_errors.S3Error:
    error = s3_errors.S3Error(
        "AuthorizationHeaderMalformed",
        400,
        f"The authorization header is malformed; the region '{given}' is wrong; expecting '{expected}'",
        Region=expected,
    )
    error.headers["x-amz-bucket-region"] = expected
    return error


S3Handler = Callable[[S3Call], Response]

_routes: dict[tuple[str, str, str], tuple[str, S3Handler]] = {}
"""Operations by method, level and query parameter."""


def s3_operation(
    method: str, level: str, parameter: str = "", name: str = ""
) -> Callable[[S3Handler], S3Handler]:
    """Register a handler; the operation is named after it, or *name*.

    :param level: what the path names: service, bucket, object, jobs or job.
    """

    def register(handler: S3Handler) -> S3Handler:
        named = name or "".join(word.title() for word in handler.__name__.split("_"))
        _routes[method, level, parameter] = (named, handler)
        return handler

    return register


def xml_response(
    root: str, members: xml_documents.Members, headers: dict[str, str] | None = None
) -> Response:
    """Return a response with a document."""
    body = xml_documents.write(root, members)
    return Response(200, {"Content-Type": "application/xml"} | (headers or {}), body)


def dispatch(service: EmulatedService, request: Request) -> Response:
    """Perform an operation of S3."""
    signed = service.options.verify and "authorization" in request.headers
    if signed and "x-amz-content-sha256" not in request.headers:
        raise s3_errors.invalid_request("Missing required header for this request: x-amz-content-sha256")
    service.verify(request)
    call = S3Call(service, request, service.account, auth.region_of(request), query=request.query)
    call.names = _target(request)
    name, handler = _route(call)
    for header in _REFUSED:
        if header in request.headers:
            raise s3_errors.not_implemented(header)
    response = service.perform(call, f"s3:{name}", handler)
    if call.charged:
        response.headers["x-amz-request-charged"] = "requester"
    return response


def _target(request: Request) -> dict[str, str]:
    """Return the bucket and key that a request names, in its host or its path; or the job."""
    if "x-amz-account-id" in request.headers and request.path.startswith(_JOBS):
        job = request.path.removeprefix(_JOBS).split("/")[1:2]
        return {"level": "job", "job": job[0]} if job else {"level": "jobs"}
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    match = _BUCKET_HOST.fullmatch(host)
    try:
        path = unquote(request.path, errors="strict").removeprefix("/")
    except UnicodeDecodeError:
        raise s3_errors.S3Error("InvalidURI", 400, "Couldn't parse the specified URI.") from None
    bucket, key = (match[1], path) if match else path.partition("/")[::2]
    names = {"bucket": bucket, "key": key}
    if key:
        check_key(key)
    return {name: value for name, value in names.items() if value}


def check_key(key: str) -> None:
    """Raise an error unless *key* is a valid object key."""
    size = len(key.encode())
    if size > s3_limits.KEY:
        raise s3_errors.S3Error(
            "KeyTooLongError", 400, "Your key is too long", Size=size, MaxSizeAllowed=s3_limits.KEY
        )
    depth = 0
    for segment in key.split("/"):
        depth += -1 if segment == ".." else segment not in ("", ".")
        if depth < 0:  # above the bucket (text UNCONFIRMED)
            raise s3_errors.S3Error("InvalidURI", 400, "Couldn't parse the specified URI.")


def _route(call: S3Call) -> tuple[str, S3Handler]:
    method, names = call.request.method, call.names
    level = names.get("level") or (
        "object" if "key" in names else "bucket" if "bucket" in names else "service"
    )
    unknown = _OTHERS & call.query.keys()
    if unknown:
        raise s3_errors.not_implemented(sorted(unknown)[0])
    copied = "+copy" if "x-amz-copy-source" in call.request.headers else ""
    parameters = [name for name in call.query if (method, level, name + copied) in _routes]
    found = _routes.get((method, level, (parameters[0] if parameters else "") + copied))
    if found is None:
        if (method, level) == ("GET", "bucket"):
            raise s3_errors.not_implemented("ListObjects; use ListObjectsV2")
        raise s3_errors.S3Error(
            "MethodNotAllowed",
            405,
            "The specified method is not allowed against this resource.",
            Method=method,
        )
    return found


def timestamp(milliseconds: int) -> str:
    """Return a time as in documents."""
    return dates.iso(milliseconds // 1000 * 1000)


dialects["s3"] = Dialect(dispatch, s3_errors.refuse)
