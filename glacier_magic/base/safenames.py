"""Turning an untrusted name from an archive description into a path inside the target folder.

Descriptions may contain absolute paths, ``..``, drive letters, or names that another system does not
allow.  The resulting path is valid on Linux, macOS and Windows, always the same for the same name, and
short enough for a suffix.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

MAX_BYTES = 200
"""Bytes of UTF-8 in a component; file systems allow 255, the rest is for suffixes."""

MAX_DEPTH = 64
"""Components in a path."""

# The systems allow 260, 1,024 and 4,096; the rest is for suffixes.
_MAX_PATH = {"win32": 240, "darwin": 980}.get(sys.platform, 4000)
_MAX_SUFFIX = 32
_REFUSED = frozenset('<>:"|?*/\\')  # all but the slash by Windows only
# Controls, formatting, surrogates, separators of lines and paragraphs.
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Persian, Indic scripts and many emoji need these two.
_JOINERS = frozenset("\u200c\u200d")
_DRIVE = re.compile("[A-Za-z]:")
# Windows counts the raised digits, too.
_DEVICE = re.compile("(con|prn|aux|nul|conin\\$|conout\\$|clock\\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)
_DEVICE_BELOW = re.compile(f"/{_DEVICE.pattern} *[./]", re.IGNORECASE)
# No empty part, none that begins with a dot, and none that ends in a dot or a space.
_CHANGED = (*(_REFUSED - set("/:")), "//", "/.", "./", " /")
_INNER_SUFFIX = re.compile("\\.[A-Za-z][A-Za-z0-9]{0,3}")
_WRAPPERS = re.compile("\\.(asc|br|bz2|enc|gpg|gz|lz|lz4|lzma|pgp|sig|xz|z|zst)", re.IGNORECASE)


class UnsafePath(ValueError):
    """A name has no safe path below the target folder; the message includes the cure."""


def safe_parts(name: str, *, fallback: str) -> tuple[str, ...]:
    """Return the components of a relative path for *name*; at least one, each safe everywhere.

    Both slashes are separators; a leading drive letter and empty, ``.`` and ``..`` components are
    removed; control and formatting characters, those that Windows does not allow, and trailing dots
    and spaces become ``_``; Windows' device names get a leading ``_``.  Components of more than 200
    bytes are cut and get a hash of the original; levels deeper than 64 are joined with ``_``.
    *fallback* replaces a name of which nothing remains.

    >>> safe_parts("C:\\\\photos\\\\..\\\\what?.jpg", fallback="archive")
    ('photos', 'what_.jpg')
    """
    pieces = [piece for piece in re.split(r"[/\\]", name) if piece not in {"", ".", ".."}]
    if pieces and _DRIVE.fullmatch(pieces[0]):
        del pieces[0]
    if not pieces:
        return (_component(fallback or "archive"),)
    if len(pieces) > MAX_DEPTH:
        pieces[MAX_DEPTH - 1 :] = ["_".join(pieces[MAX_DEPTH - 1 :])]
    return tuple(map(_component, pieces))


def safe_target(root: Path, name: str, *, fallback: str) -> Path:
    """Return the path below *root* for *name*.

    A path that is too long for the system becomes one component, cut and with a hash.  The check for
    links holds for the folder as it is now, so repeat it before writing.

    :raises UnsafePath: a link below *root* leads out of it, *root* itself is too long, or this process
        does not name files in UTF-8.
    """
    parts = safe_parts(name, fallback=fallback)
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8" and not "".join(parts).isascii():
        raise UnsafePath(f"this process names files in {encoding}: start it with PYTHONUTF8=1")
    base = root.resolve()
    if _is_long(base.joinpath(*parts)):
        parts = (_shorten("_".join(parts), name, MAX_BYTES // 2),)
    if _is_long(base.joinpath(*parts)):
        raise UnsafePath(f"{root} is too long a path: choose a target folder with a shorter one")
    target = root.joinpath(*parts)
    try:
        inside = base.joinpath(*parts).resolve().is_relative_to(base)
    except (OSError, RuntimeError) as error:  # a loop of links, before Python 3.13
        raise UnsafePath(f"{target} cannot be followed: remove the link in it") from error
    if not inside:
        raise UnsafePath(f"A link in {target} leads out of {root}: remove it or choose another target folder")
    return target


def has_room(root: Path) -> bool:
    """Return whether every plain name makes a path below *root* that is short enough for the system."""
    return not _is_long(root.resolve() / ("x" * MAX_BYTES))


def are_plain(names: Sequence[str]) -> bool:
    """Return whether :func:`safe_target` changes nothing of any of these names, where no link leads out.

    The folder needs room for them: see :func:`has_room`.  It may be False for names of which nothing is
    changed.
    """
    longest = max(map(len, names), default=0)
    text = "".join(f"/{name}/:" for name in names)  # most names are plain, which is seen of many at once
    return (
        os.sep == "/"
        and (text.isascii() or sys.getfilesystemencoding() == "utf-8")
        and text.isprintable()  # else it may have one of the refused categories
        and text.count(":") == len(names)
        and not any(sign in text for sign in _CHANGED)
        and not _DEVICE_BELOW.search(text)
        and longest * (1 if text.isascii() else 4) <= MAX_BYTES
        and (longest < MAX_DEPTH or all(name.count("/") < MAX_DEPTH for name in names))
    )


def alternatives(path: Path) -> Iterator[Path]:
    """Yield *path*, then "stem (2).ext", "stem (3).ext" and so on without end.

    Double suffixes such as ``.tar.gz`` stay together.
    """
    yield path
    yield from map(path.with_name, numbered(path.name))


def numbered(name: str) -> Iterator[str]:
    """Yield the other names of :func:`alternatives` for the name, or path, of a file."""
    stem, suffix = _split_suffix(name)
    for number in count(2):
        yield f"{stem} ({number}){suffix}"


def _component(piece: str) -> str:
    text = "".join("_" if _is_refused(character) else character for character in piece)
    kept = text.rstrip(". ")
    text = kept + "_" * (len(text) - len(kept))  # Windows drops trailing dots and spaces
    if _DEVICE.fullmatch(text.partition(".")[0].rstrip()):  # Windows ignores the suffix of a device
        text = f"_{text}"
    return _shorten(text, piece, MAX_BYTES)


def _is_refused(character: str) -> bool:
    if character in _REFUSED:
        return True
    return unicodedata.category(character) in _CATEGORIES and character not in _JOINERS


def _shorten(text: str, original: str, limit: int) -> str:
    if len(text.encode()) <= limit:
        return text
    # The hash keeps long names with the same beginning apart.
    # A name may contain lone surrogates, which UTF-8 does not encode.
    digest = hashlib.sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    stem, suffix = _split_suffix(text)
    if len(suffix.encode()) > _MAX_SUFFIX:
        stem, suffix = text, ""
    room = limit - len(suffix.encode()) - len(digest) - 1
    # The cut may leave a part of a character.
    return f"{stem.encode()[:room].decode(errors='ignore')}~{digest}{suffix}"


def _split_suffix(name: str) -> tuple[str, str]:
    """Return stem and suffix of *name*; double suffixes such as ``.tar.gz`` count as one."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - keeps all but the last ending
    outer = suffix
    while _WRAPPERS.fullmatch(outer):
        inner_stem, outer = os.path.splitext(stem)  # noqa: PTH122 - keeps all but the last ending
        if not _INNER_SUFFIX.fullmatch(outer):
            break
        stem, suffix = inner_stem, outer + suffix
    return stem, suffix


def _is_long(path: Path) -> bool:
    return len(os.fsencode(path)) > _MAX_PATH
