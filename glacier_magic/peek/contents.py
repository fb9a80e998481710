"""What a listing is made of, and what bounds it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .window import Window

FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One entry of a zip or tar; all of it is what its maker wrote.

    :param size: bytes when unpacked; *packed* as they lie in the archive.
    :param mtime: last modification, in milliseconds since 1970 UTC; None where the archive has
        only a local time, which is *written* then.
    :param start: byte of the archive at which the entry begins, in a compressed one of the
        content.
    """

    name: str
    kind: str
    size: int
    packed: int
    start: int
    mtime: int | None = None
    written: str = ""
    target: str = ""
    encrypted: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far a reader goes.

    :param bytes: of the archive, at most, all requests together.
    :param members: listed at most.
    :param first: bytes that are asked for first.
    :param rounds: requests that wait for one another, at most: each can take hours.
    :param unpacked: bytes, at most, that a compressed tar may unpack to while it is read.
    """

    bytes: int = 64 << 20
    members: int = 200_000
    first: int = 1 << 20
    rounds: int = 4
    unpacked: int = 1 << 30


@dataclass(kw_only=True)
class Contents:
    """The members found, whether these are all, and what it took.

    :param complete: whether the archive has no other members.
    :param notes: sentences about what is odd or missing.
    :param paid: bytes that were asked for; *requests*: in how many requests.
    """

    kind: str
    members: list[Member] = field(default_factory=list)
    complete: bool = False
    notes: list[str] = field(default_factory=list)
    paid: int = 0
    requests: int = 0

    def close(self, window: Window) -> Contents:
        """Note what the window was charged for; return the listing."""
        self.paid, self.requests = window.paid, len(window.asked)
        return self
