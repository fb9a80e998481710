"""Shared by all families of descriptions: the result, errors, time stamps, base64 and JSON."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

ENCRYPTED = "encrypted by the client"
"""The note of every family about encrypted bytes."""

_STAMP = re.compile("([0-9]{8})T?([0-9]{6})Z?")
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Decoded:
    """The facts about a file in an archive description.

    ``name`` is untrusted: it may be absolute or contain ``..``, see
    :mod:`glacier_magic.base.safenames`.
    ``mtime`` is aware and in UTC.  ``format`` is the id of the convention, such as ``"mt2"``.
    ``note`` says why a description was not decoded, or how the archive's bytes differ from the file.
    ``file`` is the name of a file with the archive's bytes, if ``name`` lacks its date or ending.
    """

    name: str
    mtime: datetime | None
    format: str
    note: str = ""
    file: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether the client encrypted the archive's bytes, as far as the description says."""
        return ENCRYPTED in self.note


class DescriptionError(ValueError):
    """The service would refuse a description or change it; the message says what to do."""


class UnreadableError(ValueError):
    """A description looks like one of a family but is damaged; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Cheap marks of a family, without which a description is not tried.

    Each one has one of ``starts``; or, in a family without these, one of ``ends`` or of ``holds``.
    """

    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()


class Family(Protocol):
    """A module that decodes one family of descriptions."""

    @property
    def MARKS(self) -> Marks:  # noqa: N802 - a constant of the modules that implement it
        """The marks of texts that may be of this family."""

    @property
    def EXAMPLES(self) -> tuple[tuple[str, Decoded], ...]:  # noqa: N802 - a constant of the modules that implement it
        """Pairs of a description and its decoded form."""

    def decode(self, text: str) -> Decoded | None:
        """Decode *text*, or return None if it is not of this family.

        If the family has starts, *text* has one of them.
        Raises :class:`UnreadableError` for a text of this family with damaged content.
        """


def parse_stamp(text: str) -> datetime | None:
    """Return the UTC time of ``yyyyMMddTHHmmssZ`` (or of 14 digits), or None if it is invalid."""
    match = _STAMP.fullmatch(text)
    if match is None:
        return None
    try:
        found = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    except ValueError:
        return None
    # Newer versions of Python parse an hour of 24 as the next midnight.
    return found if match[2] < "24" else None


def format_stamp(when: datetime) -> str:
    """Return *when* as ``yyyyMMddTHHmmssZ``, without its fraction of a second.

    Raises :class:`DescriptionError` for a time without a zone or outside the years 1 to 9999.
    """
    if when.tzinfo is None:
        raise DescriptionError(f"{when} has no time zone: pass the time in UTC, tzinfo=UTC")
    try:
        utc = when.astimezone(UTC)
    except OverflowError as error:
        raise DescriptionError(f"{when} is outside the years 1 to 9999: leave it out") from error
    return f"{utc.year:04}{utc:%m%dT%H%M%SZ}"  # %Y does not pad the years before 1000 on Linux


def from_base64(text: str) -> str:
    """Return the UTF-8 text in *text*, base64 of either alphabet, with or without padding.

    Raises :class:`UnreadableError` if it is not base64 or not UTF-8.
    """
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        padded = plain + "=" * (-len(plain) % 4)
        # Otherwise damaged characters are skipped.
        return binascii.a2b_base64(padded, strict_mode=True).decode()
    except UnicodeDecodeError as error:  # before ValueError, which it is too
        raise UnreadableError("its base64 does not hold UTF-8 text") from error
    except ValueError as error:
        raise UnreadableError("its base64 is damaged") from error


def from_json(text: str) -> Mapping[str, object]:
    """Return the JSON object in *text*; raise :class:`UnreadableError` if it is not one."""
    try:
        value = _JSON.decode(text)
    except (ValueError, RecursionError) as error:  # hostile nesting exhausts the parser's stack
        raise UnreadableError("it is not JSON") from error
    if not isinstance(value, dict):
        raise UnreadableError("its JSON is not an object")
    return value


def decoded(name: object, stamp: object, form: str, *notes: str, file: str = "") -> Decoded:
    """Build the result from a *name*, a *stamp* and those of the *notes* that are not empty.

    An unreadable stamp loses the time, not the name.  Raises :class:`UnreadableError` if *name* is
    empty, not a text, or has half of a surrogate pair, which cannot be stored or printed.
    """
    if not isinstance(name, str) or not name:
        raise UnreadableError("it holds no file name")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UnreadableError("its file name is not valid Unicode") from error
    mtime = parse_stamp(stamp) if isinstance(stamp, str) else None
    if stamp and mtime is None:
        notes = (*notes, "its modification time is unreadable")
    return Decoded(name, mtime, form, "; ".join(filter(None, notes)), file)


def changed_bytes(*, compressed: bool, encrypted: bool) -> str:
    """Return the note about how the archive's bytes differ from the file; empty if they do not."""
    if encrypted:
        return f"compressed, {ENCRYPTED}" if compressed else ENCRYPTED
    return "compressed by the client" if compressed else ""
