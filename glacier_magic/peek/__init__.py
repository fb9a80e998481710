"""Listing the members of a zip or tar from a few MiB of it, by reading ranges of bytes.

A zip is listed from its end, a tar from its start; members are not opened.  All contents are
untrusted, including sizes, counts and names, and reading is bounded.

>>> from glacier_magic.peek import Window, members
>>> window = Window(fetch, size)                                       # doctest: +SKIP
>>> members(window, "photos.zip")                                      # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import InputError
from ..errors.steps import option
from .contents import Contents, Member, ReadLimits
from .tars import Unwrap, list_layered, list_tar, list_tar_gz
from .window import Window
from .zips import list_zip

__all__ = ["KINDS", "SEALED", "Contents", "Member", "ReadLimits", "Window", "kind_of", "members", "no_kind"]

_ENDINGS = {
    # Many formats of documents and packages are zips.
    "zip": ".zip .zipx .jar .war .apk .epub .docx .xlsx .pptx .odt .ods .odp .cbz .whl .kmz .xpi",
    "tar": ".tar .cbt .difftar .sigtar",
    "tar.gz": ".tar.gz .tgz .taz .difftar.gz .sigtar.gz",
    "tar.bz2": ".tar.bz2 .tbz2 .tbz",
    "tar.xz": ".tar.xz .txz",
    "tar.zst": ".tar.zst .tzst",
    "tar.gpg": ".gpg .pgp .sig",
    "tar.age": ".age",
    "tar.enc": ".enc",
}
KINDS = tuple(_ENDINGS)
"""The kinds of archives whose members are listed."""
SEALED = ("tar.gpg", "tar.age", "tar.enc")
"""Those that are encrypted."""
_READERS: dict[str, Callable[[Window, ReadLimits], Contents]] = {
    "zip": list_zip,
    "tar": list_tar,
    "tar.gz": list_tar_gz,
}


def kind_of(name: str) -> str | None:
    """Return one of :data:`KINDS` by the suffix of a name, or None."""
    plain = name.casefold()
    return next((kind for kind, ends in _ENDINGS.items() if plain.endswith(tuple(ends.split()))), None)


def no_kind(name: str, *, encrypted: bool = False) -> InputError:
    """Return the error for a name without the suffix of a zip or tar, or of encrypted bytes."""
    if encrypted:
        return InputError(
            f"The members of {name!r} cannot be listed: its client encrypted it",
            cure="Restore it, and decrypt it with that client.",
        )
    return InputError(
        f"The members of {name!r} cannot be listed: it is not a zip or tar by its name",
        cure=f"Specify its kind with {option('as', 'zip')}, or one of {', '.join(KINDS[1:])}.",
    )


def members(
    window: Window,
    name: str,
    *,
    kind: str | None = None,
    limits: ReadLimits | None = None,
    unwrap: Unwrap | None = None,
) -> Contents:
    """Return the members of the zip or tar in a window, reading as little of it as possible.

    Exceptions of the window's ``fetch`` are passed on.  A repeated call with the same data requests
    the same ranges in the same order, so that it can continue after an interruption.

    :param name: of the archive; its suffix determines the kind, unless *kind* is given.
    :param kind: one of :data:`KINDS`.
    :param unwrap: opens the layers around a tar, for other kinds than ``zip``, ``tar`` and ``tar.gz``.
    :raises InputError: the kind cannot be determined.
    :raises Unlistable: it is not of this kind, is damaged, or exceeds a limit.
    """
    found, limits = kind or kind_of(name), limits or ReadLimits()
    if found in _READERS:
        return _READERS[found](window, limits)
    if found not in KINDS or unwrap is None:
        raise no_kind(name)
    return list_layered(window, limits, unwrap, found)
