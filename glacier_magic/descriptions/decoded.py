"""What every family of descriptions shares: the result, the errors, stamps, base64 and JSON."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

_STAMP = re.compile("([0-9]{8})T?([0-9]{6})Z?")
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an archive description says about the file it was made from.

    ``name`` is untrusted: it may be absolute or hold ``..``, see
    :mod:`glacier_magic.base.safenames`.
    ``mtime`` is aware and in UTC.  ``format`` is the id of the convention, such as ``"mt2"``.
    ``note`` says why a description stayed raw, or in what way the archive's bytes are not the file.
    """

    name: str
    mtime: datetime | None
    format: str
    note: str = ""


class DescriptionError(ValueError):
    """A description the service would refuse or not give back unchanged; the text says the cure."""


class UnreadableError(ValueError):
    """A description with the mark of a family but not its content; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What no description of a family lacks, so that others need not be tried.

    It has one of ``starts``; or, in a family without them, one of ``ends``, or ``holds``.
    """

    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    holds: str = ""


class Family(Protocol):
    """What a module that decodes one family of descriptions offers."""

    @property
    def MARKS(self) -> Marks:  # noqa: N802 - a constant of the modules that implement it
        """How a text that may be of this family is told."""

    @property
    def EXAMPLES(self) -> tuple[tuple[str, Decoded], ...]:  # noqa: N802 - a constant of the modules that implement it
        """Pairs of a description and what it decodes to."""

    def decode(self, text: str) -> Decoded | None:
        """Decode *text*, or return None where it is not of this family.

        Where the family has starts, *text* has one of them.
        Raises :class:`UnreadableError` for a text of this family with damaged content.
        """


def parse_stamp(text: str) -> datetime | None:
    """Return the UTC time of ``yyyyMMddTHHmmssZ`` (or its 14 digits), None if it is none."""
    match = _STAMP.fullmatch(text)
    if match is None:
        return None
    try:
        found = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    except ValueError:
        return None
    # Newer versions of Python read an hour of 24 as the next midnight.
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
        raise DescriptionError(f"{when} lies outside the years 1 to 9999: leave it out") from error
    return f"{utc.year:04}{utc:%m%dT%H%M%SZ}"


def from_base64(text: str) -> str:
    """Return the UTF-8 text in *text*, base64 of either alphabet, with or without padding.

    Raises :class:`UnreadableError` where it is not base64 or not UTF-8.
    """
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        padded = plain + "=" * (-len(plain) % 4)
        return binascii.a2b_base64(padded, strict_mode=True).decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("its base64 does not hold UTF-8 text") from error
    except ValueError as error:
        raise UnreadableError("its base64 is damaged") from error


def from_json(text: str) -> Mapping[str, object]:
    """Return the JSON object in *text*; raises :class:`UnreadableError` where it is none."""
    try:
        value = _JSON.decode(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("it is not JSON") from error
    if not isinstance(value, dict):
        raise UnreadableError("its JSON is not an object")
    return value


def decoded(name: object, stamp: object, form: str, *notes: str) -> Decoded:
    """Build the result from a *name* and a *stamp* as found, with the *notes* that are not empty.

    An unreadable stamp costs the time, not the name.  Raises :class:`UnreadableError` where *name*
    is no text, empty, or holds half of a surrogate pair, which nothing could store or print.
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
    return Decoded(name, mtime, form, "; ".join(filter(None, notes)))


def changed_bytes(*, compressed: bool, encrypted: bool) -> str:
    """Return the note that the archive's bytes are not the file's; empty where they are."""
    how = ["compressed"] * compressed + ["encrypted"] * encrypted
    return f"{', '.join(how)} by the client" if how else ""
