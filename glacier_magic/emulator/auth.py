"""Signature Version 4: the caller and region of a request, and whether its signature is valid.

Rules from the service's documentation: "Signing Requests" (amazon-glacier-signing-requests).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote, unquote

from glacier_magic.emulator import dates, service_errors, service_limits
from glacier_magic.emulator.emulator_keys import ACCESS_KEY, SECRET_KEY
from glacier_magic.emulator.http import Request
from glacier_magic.emulator.temporary_keys import TemporaryKeys

DEFAULT_REGION = "us-east-1"  # of requests without a signature, which name no region
_ALGORITHM = "AWS4-HMAC-SHA256"
_SKEWS = {"glacier": service_limits.CLOCK_SKEW, "s3": service_limits.S3_CLOCK_SKEW}
_HINT = (
    "start the emulator with --credentials ID:SECRET or --no-auth, or sign with the key "
    f"{ACCESS_KEY} without a session token, or with what emulator credentials prints"
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The contents of an Authorization header."""

    access_key: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """The credential scope, as signed."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@lru_cache(maxsize=64)  # a request is asked for its service, its signature and its region
def parse(text: str) -> Authorization | None:
    """Parse the Authorization header *text*; return None if it is malformed."""
    algorithm, _, rest = text.partition(" ")
    fields = dict(piece.strip().partition("=")[::2] for piece in rest.split(","))
    # From the right: an access key id may contain slashes.
    scope = fields.get("Credential", "").rsplit("/", 4)
    if algorithm != _ALGORITHM or len(scope) != 5 or scope[4] != "aws4_request":
        return None
    key, date, region, service, _ = scope
    signed = tuple(fields.get("SignedHeaders", "").lower().split(";"))
    return Authorization(key, date, region, service, signed, fields.get("Signature", ""))


def region_of(request: Request) -> str:
    """Return the region in the credential scope of a request, whether or not the signature is valid."""
    found = parse(request.headers.get("authorization", ""))
    return found.region if found is not None and found.region else DEFAULT_REGION


def service_of(request: Request) -> str:
    """Return the service in the credential scope; without a signature, the one that the headers suit."""
    found = parse(request.headers.get("authorization", ""))
    if found is not None:
        return found.service
    return "glacier" if "x-amz-glacier-version" in request.headers else "s3"


class Verifier:
    """Checks signatures against known key pairs and issued temporary keys."""

    def __init__(self, pairs: Mapping[str, str], temporary: TemporaryKeys) -> None:
        # --credentials adds keys to the built-in pair.
        self._secrets = {ACCESS_KEY: SECRET_KEY, **pairs}
        self._temporary = temporary

    def verify(self, request: Request, now: int) -> None:
        """Raise unless *request* was signed by a known key at about *now*, in real time."""
        text = request.headers.get("authorization")
        if text is None:
            raise service_errors.missing_token()
        given = parse(text)
        if given is None:
            raise service_errors.invalid_signature("The Authorization header is not in the expected form.")
        secret = self._secret(given.access_key, request.headers.get("x-amz-security-token"))
        stamp = _stamp(request)
        _check_scope(request, given, stamp, now)
        if not _matches(request, given, secret, stamp):
            raise service_errors.signature_mismatch()

    def _secret(self, access_key: str, token: str | None) -> str:
        found = self._secrets.get(access_key) if token is None else self._temporary.secret(access_key, token)
        if found is None:
            error = service_errors.invalid_token()
            error.headers["x-emulator-hint"] = _HINT  # in a header: the body stays the service's own
            raise error
        return found


def _stamp(request: Request) -> str:
    """Return the time of the signature; ``x-amz-date`` takes precedence over ``Date``."""
    text = request.headers.get("x-amz-date") or request.headers.get("date", "")
    if dates.parse_basic(text) is not None:
        return text
    try:
        # HTTP's form of dates is allowed too.
        return parsedate_to_datetime(text).strftime("%Y%m%dT%H%M%SZ")
    except (TypeError, ValueError):
        raise service_errors.missing_header("x-amz-date") from None


def _check_scope(request: Request, given: Authorization, stamp: str, now: int) -> None:
    if given.service not in _SKEWS:
        raise service_errors.invalid_signature("Credential should be scoped to correct service: 'glacier'.")
    if given.date != stamp[:8]:
        raise service_errors.invalid_signature("Date in Credential scope does not match the request date.")
    _check_date(stamp, now, _SKEWS[given.service])
    # A rule of the service: the header that ends the canonical request must be signed as well.
    needed = {"host"} | ({"x-amz-content-sha256"} & request.headers.keys())
    if not needed <= set(given.signed):
        raise service_errors.invalid_signature("Host and x-amz-content-sha256 must be signed headers.")


def _check_date(stamp: str, now: int, skew: int) -> None:
    # In real time: clients sign by their own clock, not by the virtual one.
    signed, current = dates.parse_basic(stamp) or 0, dates.basic(now)
    if signed < now - skew:
        raise service_errors.invalid_signature(
            f"Signature expired: {stamp} is now earlier than {dates.basic(now - skew)} ({current} - 5 min.)"
        )
    if signed > now + skew:
        raise service_errors.invalid_signature(
            f"Signature not yet current: {stamp} is still later than {dates.basic(now + skew)} "
            f"({current} + 5 min.)"
        )


def payload_hash(request: Request) -> str:
    """Return the SHA-256 that the signature covers: from the header, or else of the body."""
    header = request.headers.get("x-amz-content-sha256")
    if header is not None:
        return header  # the body is compared with it once it has arrived
    if request.body.length > service_limits.JSON_BODY:  # hashing an upload here would hold it in memory
        raise service_errors.missing_header("x-amz-content-sha256")
    return hashlib.sha256(request.body.read()).hexdigest()


def _matches(request: Request, given: Authorization, secret: str, stamp: str) -> bool:
    digest = payload_hash(request)
    key = signing_key(secret, given.date, given.region, given.service)
    # Some clients sign the normalised, re-encoded path, others the path as sent.  A key of S3 is signed
    # as it is, encoded once.
    path = unquote(request.path) if given.service == "s3" else _normal(request.path)
    for signed in dict.fromkeys((quote(path, safe="/-_.~"), request.path)):
        canonical = canonical_request(request, signed, given.signed, digest)
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = "\n".join((_ALGORITHM, stamp, given.scope, hashed))
        expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        if hmac.compare_digest(expected, given.signature):  # in constant time
            return True
    return False


def _normal(path: str) -> str:
    """Return *path* without dot segments and doubled slashes, as clients sign it."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    end = "/" if path.endswith("/") and segments else ""
    return "/" + "/".join(segments) + end


def canonical_request(request: Request, path: str, signed: tuple[str, ...], digest: str) -> str:
    """Return the text whose hash is signed."""
    pairs = sorted(  # sorted as encoded, not as read: a rule of Signature Version 4
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in request.query_pairs()
    )
    # Runs of spaces count as one: clients collapse them in descriptions before they sign.
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed]
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return "\n".join((request.method, path, query, "".join(headers), ";".join(signed), digest))


@lru_cache(maxsize=256)  # clients sign many requests with the same key
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Return the key that signs for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for word in (date, region, service, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key
