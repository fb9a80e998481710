"""The members of a listing, and the limits of reading."""

from __future__ import annotations

from dataclasses import dataclass, field

from .window import Window

FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One entry of a zip or tar; all values are untrusted.

    :param size: bytes when unpacked; *packed*: bytes in the archive.
    :param mtime: last modification, in milliseconds since 1970 UTC; None if the archive has only a
        local time, which is then in *written*.
    :param start: position at which the entry begins in the archive, or in the unpacked content of a
        compressed tar.
    :param content: position of its bytes there, in a tar; *mode*: its permissions; *hard*: whether the link
        is to an earlier member, rather than to a path.
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
    content: int = 0
    mode: int = 0
    hard: bool = False


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """The limits of reading.

    :param bytes: the most bytes of all requests together.
    :param members: the most members to list.
    :param first: bytes of the first request.
    :param rounds: the most requests that wait for one another: each can take hours.
    :param unpacked: the most bytes to unpack from a compressed tar.
    """

    bytes: int = 64 << 20
    members: int = 200_000
    first: int = 1 << 20  # the service retrieves whole MiB
    rounds: int = 4
    unpacked: int = 1 << 30  # 1 MiB of gzip can unpack to a GiB


@dataclass(kw_only=True)
class Contents:
    """The members found, and the bytes requested for them.

    :param complete: whether the archive has no other members.
    :param notes: sentences about anomalies or missing members.
    :param paid: bytes requested; *requests*: the number of requests.
    """

    kind: str
    members: list[Member] = field(default_factory=list)
    complete: bool = False
    notes: list[str] = field(default_factory=list)
    paid: int = 0
    requests: int = 0

    def close(self, window: Window) -> Contents:
        """Record the requests of the window; return the listing."""
        self.paid, self.requests = window.paid, len(window.asked)
        return self
