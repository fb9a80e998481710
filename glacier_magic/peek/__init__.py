"""What is inside a zip or tar, from a few MiB of it: pure readers that ask for ranges of bytes.

A zip is listed from its end, a tar from its start; nothing that is inside is opened.  All that is
read is untrusted: sizes, counts and names are what a stranger wrote, and reading is bounded.

>>> from glacier_magic.peek import Window, members
>>> window = Window(fetch, size)                                       # doctest: +SKIP
>>> members(window, "photos.zip")                                      # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable

from ..base.ranges import aligned_cover
from ..errors import InputError
from .contents import Contents, Limits, Member
from .tars import list_tar, list_tar_gz
from .window import Window
from .zips import list_zip

__all__ = [
    "Contents",
    "Limits",
    "Member",
    "Window",
    "aligned_cover",
    "kind_of",
    "list_tar",
    "list_tar_gz",
    "list_zip",
    "members",
    "no_kind",
]

_ENDINGS = {
    "zip": ".zip .zipx .jar .war .apk .epub .docx .xlsx .pptx .odt .ods .odp .cbz .whl .kmz .xpi",
    "tar.gz": ".tar.gz .tgz .taz",
    "tar": ".tar .cbt",
}
_READERS: dict[str, Callable[[Window, Limits], Contents]] = {
    "zip": list_zip,
    "tar": list_tar,
    "tar.gz": list_tar_gz,
}


def kind_of(name: str) -> str | None:
    """Return ``zip``, ``tar`` or ``tar.gz`` by the ending of a name, else None."""
    plain = name.casefold()
    return next((kind for kind, ends in _ENDINGS.items() if plain.endswith(tuple(ends.split()))), None)


def no_kind(name: str) -> InputError:
    """Return the error for a name whose ending is not that of a zip, tar or tar.gz."""
    return InputError(
        f"The members of {name!r} cannot be listed: it is no zip, tar or tar.gz by its name",
        cure="Say what it is with --as zip, --as tar or --as tar.gz.",
    )


def members(window: Window, name: str, *, kind: str | None = None, limits: Limits | None = None) -> Contents:
    """Return the members of the zip or tar behind a window, reading as little of it as possible.

    What the window's ``fetch`` raises passes through; called again with the same answers at hand,
    the same questions are asked in the same order.

    :param name: of the archive; its ending says what it is, unless *kind* does.
    :param kind: ``zip``, ``tar`` or ``tar.gz``.
    :raises InputError: neither says what it is.
    :raises Unlistable: it is not one, is damaged, or a limit does not let it be read.
    """
    found = kind or kind_of(name) or ""
    if found not in _READERS:
        raise no_kind(name)
    return _READERS[found](window, limits or Limits())
