"""The checksums of S3: those that a request declares, and those that are stored with an object."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from functools import partial

from glacier_magic.base.crc import Crc32, Crc32C, Crc64Nvme
from glacier_magic.emulator.payloads import Digest
from glacier_magic.emulator.s3 import s3_errors

_HEX = re.compile(r"[0-9a-f]{64}")
_UNSIGNED = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")


class _ZlibCrc32(Crc32):
    def __init__(self) -> None:
        super().__init__()
        self._check = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._check = zlib.crc32(data, self._check)

    def digest(self) -> bytes:
        return self._check.to_bytes(4, "big")


ALGORITHMS: dict[str, tuple[int, Callable[[], Digest]]] = {
    "CRC32": (4, _ZlibCrc32),
    "CRC32C": (4, Crc32C),
    "CRC64NVME": (8, Crc64Nvme),
    "SHA1": (20, partial(hashlib.sha1, usedforsecurity=False)),
    "SHA256": (32, hashlib.sha256),
}
"""The size of a value in bytes, and the function that creates the hash."""

DEFAULT = "CRC64NVME"
"""The algorithm that S3 uses if the request names none."""

FULL = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"
TYPES = {
    "CRC32": (COMPOSITE, FULL),
    "CRC32C": (COMPOSITE, FULL),
    "CRC64NVME": (FULL,),
    "SHA1": (COMPOSITE,),
    "SHA256": (COMPOSITE,),
}
"""The types of the checksum of a multipart object, by algorithm, the default first."""


def algorithm_named(name: str) -> str:
    """Return the algorithm of that name, in any case.

    :raises S3Error: it is not one that is implemented.
    """
    if name.upper() in ("SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"):
        raise s3_errors.not_implemented(f"the checksum {name.upper()}")
    if name.upper() not in ALGORITHMS:
        raise s3_errors.invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join(ALGORITHMS)}]"
        )
    return name.upper()


def encoded(digest: bytes) -> str:
    """Return a digest as in headers and documents."""
    return base64.b64encode(digest).decode("ascii")


def composite(algorithm: str, values: Iterable[str]) -> str:
    """Return the checksum of the checksums of the parts, with their number."""
    digest, count = ALGORITHMS[algorithm][1](), 0
    for value in values:
        digest.update(base64.b64decode(value))
        count += 1
    return f"{encoded(digest.digest())}-{count}"


_COMBINED: dict[str, type[Crc64Nvme]] = {"CRC32": Crc32, "CRC32C": Crc32C, "CRC64NVME": Crc64Nvme}


def combined(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Return the checksum of the object from the checksums and sizes of its parts."""
    check, whole = _COMBINED[algorithm], b""
    for value, size in parts:
        part = base64.b64decode(value)
        whole = check.combine(whole, part, size) if whole else part
    return encoded(whole)


def composite_etag(etags: Iterable[str]) -> str:
    """Return the entity tag of an object made of parts."""
    digests = [bytes.fromhex(etag) for etag in etags]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


class BodyChecks:
    """The checksums that a request declares for its body, computed while the body is received.

    :param headers: those of the request.
    :param kept: the algorithm whose value is stored; by default the declared one, or that of S3.
    :param trust: compute nothing, so that benchmarks measure the client.
    """

    def __init__(self, headers: dict[str, str], kept: str | None = None, *, trust: bool = False) -> None:
        self._signed = _signed_hash(headers.get("x-amz-content-sha256", _UNSIGNED[0]))
        self._md5 = _content_md5(headers.get("content-md5"))
        self.declared, self._value = _declared(headers)
        self.algorithm = kept or self.declared or DEFAULT
        """The algorithm whose value is stored."""
        self.digests: dict[str, Digest] = {}
        """What to update with the bytes of the body."""
        if not trust:
            self.digests["MD5"] = hashlib.md5(usedforsecurity=False)
            if self._signed is not None:
                self.digests["SHA256"] = hashlib.sha256()
            for name in filter(None, (self.declared, self.algorithm)):
                self.digests.setdefault(name, ALGORITHMS[name][1]())

    @property
    def is_declared(self) -> bool:
        """Whether the request has a checksum or an MD5."""
        return self.declared is not None or self._md5 is not None

    @property
    def etag(self) -> str:
        """The MD5 in hexadecimal digits."""
        return self._digest("MD5", bytes(16)).hex()

    @property
    def checksum(self) -> str:
        """The value of :attr:`algorithm`."""
        if self._value is not None and self.declared == self.algorithm:
            return self._value
        return encoded(self._digest(self.algorithm, bytes(ALGORITHMS[self.algorithm][0])))

    def headers(self) -> dict[str, str]:
        """Return the header of the declared checksum, once it has been verified."""
        return {} if self.declared is None else {f"x-amz-checksum-{self.declared.lower()}": self._value or ""}

    def _digest(self, name: str, default: bytes) -> bytes:
        return self.digests[name].digest() if name in self.digests else default

    def verify(self, trailers: dict[str, str]) -> None:
        """Raise an error unless the body, which has been read, matches what the request declares.

        :param trailers: the headers after the body.
        """
        if self.declared is not None and self._value is None:
            name = f"x-amz-checksum-{self.declared.lower()}"
            self._value = _checked_value(self.declared, trailers.get(name, ""))
        if not self.digests:
            return
        if self._signed not in (None, found := self._digest("SHA256", b"").hex()):
            raise s3_errors.S3Error(
                "XAmzContentSHA256Mismatch",
                400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                ClientComputedContentSHA256=self._signed,
                S3ComputedContentSHA256=found,
            )
        if self._md5 not in (None, self._digest("MD5", b"")):
            raise s3_errors.bad_digest("The Content-MD5 you specified did not match what we received.")
        if self.declared and self._value != encoded(self._digest(self.declared, b"")):
            raise s3_errors.bad_digest(
                f"The {self.declared} you specified did not match the calculated checksum."
            )


def _signed_hash(text: str) -> str | None:
    if text in _UNSIGNED:
        return None
    if text.startswith("STREAMING-"):
        raise s3_errors.not_implemented(f"the payload {text}")
    if not _HEX.fullmatch(text):
        raise s3_errors.invalid_argument(
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
            "or a valid sha256 value.",
            ArgumentName="x-amz-content-sha256",
            ArgumentValue=text,
        )
    return text


def _decoded(text: str, size: int) -> bytes | None:
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return found if len(found) == size else None


def _content_md5(text: str | None) -> bytes | None:
    if text is None:
        return None
    found = _decoded(text, 16)
    if found is None:
        raise s3_errors.S3Error("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
    return found


def declared_checksum(headers: dict[str, str]) -> tuple[str | None, str | None]:
    """Return the algorithm and the value that headers declare."""
    names = [name.removeprefix("x-amz-checksum-") for name in headers if name.startswith("x-amz-checksum-")]
    names = [name for name in names if name not in ("type", "mode", "algorithm")]
    if len(names) > 1:
        raise s3_errors.invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    if not names:
        return None, None
    algorithm = algorithm_named(names[0])
    return algorithm, headers[f"x-amz-checksum-{names[0]}"]


def _declared(headers: dict[str, str]) -> tuple[str | None, str | None]:
    """Return the algorithm and the value; no value if it is in the trailer."""
    algorithm, value = declared_checksum(headers)
    trailer = headers.get("x-amz-trailer", "").lower().strip()
    if algorithm is not None and value is not None:
        value = _checked_value(algorithm, value)
    elif trailer.startswith("x-amz-checksum-"):
        algorithm = algorithm_named(trailer.removeprefix("x-amz-checksum-"))
    wanted = headers.get("x-amz-sdk-checksum-algorithm")
    if wanted is not None and algorithm_named(wanted) != algorithm:
        raise s3_errors.invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found."
        )
    return algorithm, value


def _checked_value(algorithm: str, value: str) -> str:
    if _decoded(value, ALGORITHMS[algorithm][0]) is None:
        raise s3_errors.invalid_request(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")
    return value
