"""The keys of the objects that archives become, and what is written on each object.

The keys of a set of archives do not depend on their order, and an archive that has a key keeps it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import groupby, islice
from string import printable
from typing import NamedTuple
from urllib.parse import quote

from ...base.bucket_names import BucketFolder
from ...base.units import from_ms, iso
from ...catalogue import ArchiveRecord
from ...catalogue.archives.archive_sequence import field_of, fields_of, plain_names, records_of
from ...catalogue.archives.identity import bytes_key
from ...errors import InputError

LONGEST = 1_024
"""Bytes of a key, which S3 allows."""
OWN = ".glacier_magic/"
"""The folder below a prefix with what is no archive."""
DESCRIPTION = 1_024
"""Bytes of an archive's description that are written on its object: S3 allows 2 KB of metadata."""

_PIECE = 500
"""Names that are looked at together."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_DRIVE = re.compile("/*[A-Za-z]:(?=/|$)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # lists of S3 are XML
_PLAIN = "".join(sorted(set(printable) - set("%\t\n\r\x0b\x0c")))


def folder_for_keys(url: str) -> BucketFolder:
    """Return the folder of ``s3://bucket/prefix``, which objects are to be written to.

    :raises InputError: it is no such URL, or the prefix cannot be that of keys.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if scheme.lower() != "s3" or not _BUCKET.fullmatch(bucket):
        raise InputError(f"{url!r:.200} is no place in S3", cure="Name one, such as s3://bucket/prefix.")
    if _CONTROL.search(prefix) or _parts(prefix) != prefix.split("/") * bool(prefix):
        raise InputError(
            f"Keys cannot begin with {prefix!r:.200}",
            cure=f"The prefix has no control characters, and no empty, '.', '..' or {OWN[:-1]!r} parts.",
        )
    if len(prefix.encode()) > LONGEST // 2:
        raise InputError("The prefix is too long", cure=f"It has up to {LONGEST // 2} bytes.")
    return BucketFolder(bucket, prefix and f"{prefix}/")


def _parts(name: str) -> list[str]:
    kept = [part for part in name.split("/") if part not in ("", ".", "..")]
    return ["_glacier_magic" if f"{part}/" == OWN else part for part in kept]


def key_of(archive: ArchiveRecord, prefix: str = "") -> str:
    """Return the key that the name of an archive makes, whatever other archives there are.

    Backslashes become slashes; drive letters and empty, ``.`` and ``..`` parts are left out; control
    characters become ``_``; what is too long is cut, with a hash.
    """
    return fitting(plain_name(archive), archive, prefix)


def plain_name(archive: ArchiveRecord) -> str:
    """Return what a key has of the name of an archive; empty if that is nothing."""
    name = _CONTROL.sub("_", archive.file_name.replace("\\", "/"))
    found = _DRIVE.match(name)
    return "/".join(_parts(name[found.end() :] if found else name))


def fitting(text: str, archive: ArchiveRecord, prefix: str) -> str:
    """Return a key of a text: without parts that no key has, and cut with a hash where it is too long."""
    key = prefix + ("/".join(_parts(_CONTROL.sub("_", text))) or f"unnamed/{archive.archive_id}")
    if len(key.encode()) <= LONGEST:
        return key
    digits = hashlib.sha256(key.encode()).hexdigest()[:12]
    return key.encode()[: LONGEST - 13].decode(errors="ignore") + f"-{digits}"


def checked_key(key: object, place: BucketFolder) -> None:
    """Check a key that somebody has chosen.

    :raises InputError: S3 does not have such keys, or it is not below the prefix.
    """
    if not isinstance(key, str) or _CONTROL.search(key) or _parts(key) != key.split("/"):
        raise InputError(
            f"{key!r:.200} cannot be a key",
            cure=f"A key has no control characters, and no empty, '.', '..' or {OWN[:-1]!r} parts.",
        )
    if len(key.encode()) > LONGEST:
        raise InputError(f"A key is too long: {key[:80]!r}...", cure=f"It has up to {LONGEST:,} bytes.")
    if not key.startswith(place.prefix):
        raise InputError(
            f"The key {key!r:.200} is not below {place.name}",
            cure=f"Keys are whole: this one begins with {place.prefix!r:.200}.",
        )


def keys(
    archives: Sequence[ArchiveRecord],
    prefix: str = "",
    *,
    plain: Sequence[str] | None = None,
    fixed: Mapping[str, str] | None = None,
    taken: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the key of each archive; archives with the same name and bytes have one.

    Of archives with the same name and other bytes the newest has the key of the name; the others have
    their date and the beginning of their id in it.

    :param plain: the key of each archive, whatever the others are; without it, that of its name.
    :param fixed: the keys that archives have already, by archive id.
    :param taken: the :attr:`~.ArchiveRecord.bytes_key` of what has each key already.
    """
    fixed, taken = fixed or {}, taken or {}
    found = usual_keys(archives, prefix) if plain is None else list(plain)
    counts = Counter(found)
    if len(counts) == len(found) and not taken and not fixed:
        return found  # nothing is to be decided
    several = {key for key, count in counts.items() if count > 1} | taken.keys()
    undecided = [place for place, key in enumerate(found) if key in several]
    if fixed:
        ids = enumerate(field_of(archives, "archive_id"))
        undecided = list({*undecided, *(place for place, archive_id in ids if archive_id in fixed)})
    undecided.sort(key=found.__getitem__)
    later: list[_Group] = []
    for key, group in groupby(_facts(archives, undecided), lambda one: found[one.place]):
        by_bytes: dict[str, list[_Archive]] = {}
        for archive in group:
            by_bytes.setdefault(archive.content, []).append(archive)
        # What has the key already keeps it.
        first = taken.get(key) or max(map(max, by_bytes.values())).content
        for content, same in by_bytes.items():
            had = [fixed[archive.archive_id] for archive in same if archive.archive_id in fixed]
            if had or content == first:
                for archive in same:
                    found[archive.place] = fixed.get(archive.archive_id, min(had, default=key))
            else:
                newest = max(same)
                places = [archive.place for archive in same]
                later.append(_Group(key, newest.created, newest.archive_id, places))
    _distinguish(later, taken, counts, found)
    return found


def _facts(archives: Sequence[ArchiveRecord], places: Sequence[int]) -> Iterator[_Archive]:
    facts = fields_of(archives, "archive_id", "created", "size", "tree_hash", places=places)
    for place, (archive_id, created, size, tree_hash) in zip(places, facts, strict=True):
        content = bytes_key(size, tree_hash) or archive_id
        yield _Archive(created or 0, archive_id, place, content, created)


class _Archive(NamedTuple):
    """What decides the key of one of several archives: first its age."""

    age: int
    archive_id: str
    place: int
    content: str
    created: int | None


class _Group(NamedTuple):
    """Archives with the same name and bytes, whose key others have: age and id are those of the newest."""

    key: str
    created: int | None
    archive_id: str
    places: list[int]


def usual_keys(archives: Sequence[ArchiveRecord], prefix: str) -> list[str]:
    """Return the key that the name of each archive makes, whatever the others are."""
    found: list[str] = []
    names = plain_names(archives)
    room = (LONGEST - len(prefix.encode())) // 4  # a character has up to four bytes
    while some := list(islice(names, _PIECE)):
        # Of most names nothing is changed, which is seen of many at once.
        text = "".join(f"/{name}/:" for name in some)
        usual = text.isprintable() and not any(sign in text for sign in ("//", "/.", "\\"))
        if usual and text.count(":") == len(some) and max(map(len, some)) <= room:
            found += [prefix + name for name in some]
        else:
            places = range(len(found), len(found) + len(some))
            found += [key_of(archive, prefix) for archive in records_of(archives, places)]
    return found


def _distinguish(left: list[_Group], taken: Container[str], plain: Container[str], found: list[str]) -> None:
    """Give each group a key of its own, with as little of an archive id as makes it one."""
    used: set[str] = set()
    for length in (6, 12, 24, 138):
        names = [_dated(group, length) for group in left]
        counts, again = Counter(names), []
        for name, group in zip(names, left, strict=True):
            if counts[name] > 1 or name in used or name in plain or name in taken:
                again.append(group)
            else:
                _give(name, group, found)
        used |= counts.keys()
        left = again
    for group in left:  # ids that differ in case alone, or names made to collide
        digits = hashlib.sha256(group.archive_id.encode()).hexdigest()
        _give(tailed(group.key, f" {digits}"), group, found)


def _give(key: str, group: _Group, found: list[str]) -> None:
    for place in group.places:
        found[place] = key


def _dated(group: _Group, length: int) -> str:
    created = from_ms(group.created)
    date = f"{created:%Y-%m-%d} " if created else ""
    return tailed(group.key, f" ({date}{group.archive_id[:length]})")


def tailed(key: str, tail: str) -> str:
    """Return a key with *tail* before the extension of its name."""
    stem, dot, end = key.rpartition("/")[2].rpartition(".")
    suffix = (dot + end)[:32] if stem and end else ""
    room = LONGEST - len((tail + suffix).encode())
    return key.removesuffix(suffix).encode()[:room].decode(errors="ignore") + tail + suffix


def labels(archive: ArchiveRecord) -> dict[str, str]:
    """Return the metadata of the object of an archive: with it, the object tells where it is from.

    What is not plain ASCII is quoted as in a URL.
    """
    known = {
        "gm-archive-id": archive.archive_id,
        "gm-vault": archive.vault,
        "gm-tree-hash": archive.tree_hash,
        "gm-created": iso(archive.created),
        "gm-description": _quoted(archive.description),
        # The form of rclone, which keeps the times of files by it.
        "mtime": None if archive.mtime is None else f"{archive.mtime / 1000:.3f}",
    }
    return {name: value for name, value in known.items() if value}


def _quoted(text: str) -> str:
    quoted = quote(text, safe=_PLAIN, errors="replace")
    inner = quoted.strip(" ")  # a header loses the spaces around it
    before, after = len(quoted) - len(quoted.lstrip(" ")), len(quoted) - len(quoted.rstrip(" "))
    return ("%20" * before + inner + "%20" * after if inner else "")[:DESCRIPTION]
