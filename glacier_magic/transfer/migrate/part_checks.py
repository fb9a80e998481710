"""The checksums that S3 computes of an object, from those of its parts."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence

from ...base.crc import Crc64Nvme
from ...base.extras import missing
from ...base.native_crc import native_crc
from ...catalogue.records.moved_records import MovedPart
from ...errors import InputError
from ...service.object_store import CRC64NVME, SHA256
from .moving import RangeDone


def checked_algorithm(word: str) -> str:
    """Return a checksum as S3 spells it.

    :raises InputError: there is no such checksum, or what computes it is not installed.
    """
    name = word.upper().replace("-", "")
    if name not in (SHA256, CRC64NVME):
        raise InputError(f"Moves have no checksum {word!r:.80}", cure="Checksums: sha256, crc64nvme.")
    if name == CRC64NVME and native_crc("crc64nvme") is None:
        raise missing("awscrt", "crt")
    return name


def told(algorithm: str, part: RangeDone | MovedPart) -> str:
    """Return the checksum of a part, or of an object of one request, as S3 writes it."""
    if algorithm == CRC64NVME:
        return part.crc64 or ""
    return b64encode(bytes.fromhex(part.sha256)).decode()


def composite(checksums: Sequence[str]) -> str:
    """Return the checksum that S3 computes of an object in parts with these SHA-256s."""
    digests = b"".join(map(b64decode, checksums))
    return f"{b64encode(hashlib.sha256(digests).digest()).decode()}-{len(checksums)}"


def combined(parts: Iterable[tuple[int, str | None]]) -> str | None:
    """Return the CRC-64/NVME of a whole object from bytes and check of each part, or None."""
    whole = Crc64Nvme().digest()
    for size, crc64 in parts:
        if crc64 is None:
            return None
        whole = Crc64Nvme.combine(whole, b64decode(crc64), size)
    return b64encode(whole).decode()
