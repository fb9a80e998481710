"""Request fields that several operations read, checked by the service's rules."""

from __future__ import annotations

import re
from collections.abc import Mapping

from glacier_magic.base.treehash import EMPTY
from glacier_magic.emulator import service_errors, service_limits
from glacier_magic.emulator.http import Request, whole_number
from glacier_magic.emulator.payloads import Incoming

_HEX = re.compile(r"[0-9a-fA-F]{64}")


def limit(request: Request, most: int) -> int:
    """Return the ``limit`` of a list call; *most* by default, and for any larger number."""
    text = request.query.get("limit", "")
    value = whole_number(text or str(most))
    if not value:
        raise service_errors.invalid(f"Invalid limit: {text}. The limit must be between 1 and {most}.")
    return min(value, most)


def header(request: Request, name: str) -> str:
    """Return a required header."""
    value = request.headers.get(name, "")
    if not value:
        raise service_errors.missing_header(name)
    return value


def description(request: Request) -> str | None:
    """Return the archive description, or None where none was sent."""
    text = request.headers.get("x-amz-archive-description")
    if text is None:
        return None
    if not text.isascii():
        # The service reads header bytes as Latin-1, so the signature can never match.
        raise service_errors.signature_mismatch()
    return printable(text.lstrip(" "), "x-amz-archive-description")  # the service drops leading spaces


def printable(text: str, what: str) -> str:
    """Return *text* if it may be a description: up to 1,024 printable ASCII characters."""
    if len(text) > service_limits.DESCRIPTION or any(not " " <= character <= "~" for character in text):
        raise service_errors.invalid(
            f"Invalid {what}: at most {service_limits.DESCRIPTION} characters from 0x20 to 0x7E."
        )
    return text


def tree_hash(request: Request) -> str:
    """Return the required tree hash header; the hash of no data is refused."""
    text = header(request, "x-amz-sha256-tree-hash")
    if not _HEX.fullmatch(text) or text.lower() == EMPTY:  # the service refuses EMPTY even at a completion
        raise service_errors.invalid(f"Invalid x-amz-sha256-tree-hash: {text}")
    return text.lower()


def receive(request: Request, incoming: Incoming, expected: str) -> str:
    """Read the body, check both its hashes and return the tree hash."""
    linear = header(request, "x-amz-content-sha256")
    incoming.receive(request.body)
    if not incoming.leaves:  # --trust: hashing is off
        return expected
    if incoming.linear_hash != linear.lower():
        raise service_errors.payload_mismatch(incoming.linear_hash, linear)
    computed = incoming.tree_hash
    if computed != expected:
        raise service_errors.checksum_mismatch(expected, computed)
    return computed


def text_field(document: Mapping[str, object], name: str) -> str | None:
    """Return an optional string member of a JSON document."""
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise service_errors.serialization(f"{name} is not a string.")
    return value


def required_text(document: Mapping[str, object], name: str) -> str:
    """Return a required, non-empty string member of a JSON document."""
    value = text_field(document, name)
    if not value:
        raise service_errors.missing_header(name)
    return value
