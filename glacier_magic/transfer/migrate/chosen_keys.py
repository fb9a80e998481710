"""The keys that people choose: one by one in a table, or all by a template."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any, TypeAlias

from ...base.bucket_names import BucketFolder
from ...base.tables import read_table
from ...base.units import from_ms, plural
from ...catalogue import ArchiveRecord
from ...errors import InputError
from .object_keys import checked_key, fitting, key_of, plain_name, tailed, usual_keys

if TYPE_CHECKING:
    import pandas as pd

    KeyTable: TypeAlias = pd.DataFrame | Mapping[str, str] | str | os.PathLike[str]
    """Keys by archive id; a table, or a file with one, has the columns archive_id and key."""

TIMES = ("created", "modified")
FIELDS = (*TIMES, "name", "folder", "file", "archive_id", "vault", "size", "tree_hash")
"""What a template can name, and nothing else: no attribute and no index."""

OTHERS_HAVE_IT = "others have the name"
"""Why an archive has another key than its own."""

_DATE = re.compile("(?:%[YmdHMSj]|[ -$&-z|~])+")  # in digits, which are the same in every language
_TAIL = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff/\\]{1,64}")


@dataclass(frozen=True)
class ChosenKeys:
    """How the keys of a move are chosen, where they are not the names.

    :param given: whole keys, by archive id.
    :param template: makes the key below the prefix, see :data:`FIELDS`.
    :param suffix: what another key has before its extension where the first one has another object.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None
    suffix: str | None = None

    @classmethod
    def of(
        cls, place: BucketFolder, keys: KeyTable | None, template: str | None, suffix: str | None
    ) -> ChosenKeys:
        """Return what was chosen for a place.

        :raises InputError: there is no such table, a key cannot be one, or the template or the suffix
            cannot make one.
        """
        if suffix is not None and not _TAIL.fullmatch(suffix):
            raise InputError(
                f"{suffix!r:.80} is no suffix of a key",
                cure="It has up to 64 characters, without slashes and control characters.",
            )
        if template is not None:
            _pieces(template)
        return cls({} if keys is None else _given(keys, place), template, suffix)

    def key(self, archive: ArchiveRecord, prefix: str) -> str:
        """Return the key of an archive, whatever other archives there are."""
        if archive.archive_id in self.given:
            return self.given[archive.archive_id]
        if self.template is None:
            return key_of(archive, prefix)
        values = _values(archive)
        text = "".join(
            literal + (_text(values[name], spec) if name else "")
            for literal, name, spec in _pieces(self.template)
        )
        return fitting(text, archive, prefix)

    @property
    def usual(self) -> bool:
        """Whether the names make all keys."""
        return not self.given and self.template is None and self.suffix is None

    def keys(self, archives: Sequence[ArchiveRecord], prefix: str) -> list[str]:
        """Return the key of each archive, whatever the others are."""
        if self.given or self.template is not None:
            return [self.key(archive, prefix) for archive in archives]
        return usual_keys(archives, prefix)

    def another(self, key: str) -> str | None:
        """Return the key with the suffix, for one that has another object; None without a suffix."""
        return None if self.suffix is None else tailed(key, self.suffix)

    def why(self, archive: ArchiveRecord, key: str, prefix: str) -> str:
        """Return why a key is not simply prefix and name; empty if it is."""
        if key == prefix + archive.file_name.lstrip("/"):
            return ""
        own = self.key(archive, prefix)
        if key != own:
            return "another object has the key" if key == self.another(own) else OTHERS_HAVE_IT
        if archive.archive_id in self.given:
            return "given"
        if self.template is not None:
            return "by the template"
        name = plain_name(archive)
        if not name:
            return "there is no name"
        return "the name has parts that no key has" if key == prefix + name else "the name is too long"


def _values(archive: ArchiveRecord) -> dict[str, Any]:
    name = plain_name(archive) or f"unnamed/{archive.archive_id}"
    folder, _, file = name.rpartition("/")
    found = {"name": name, "folder": folder, "file": file}
    times = {"created": from_ms(archive.created), "modified": from_ms(archive.mtime)}
    more = {each: getattr(archive, each) for each in ("archive_id", "vault", "size", "tree_hash")}
    return {**found, **more, **times}


def _text(value: Any, spec: str) -> str:
    if isinstance(value, datetime):
        return value.strftime(spec or "%Y-%m-%d")
    return "unknown" if value is None else str(value)


def _pieces(template: str) -> list[tuple[str, str, str]]:
    """Return a template as text, field and form of its date, again and again.

    :raises InputError: it cannot make keys.
    """
    wrong = ""
    try:
        pieces = [(text, name, spec or "", kind) for text, name, spec, kind in Formatter().parse(template)]
    except ValueError as error:
        wrong, pieces = str(error), []
    for _, name, spec, kind in pieces:
        if name is not None and name not in FIELDS:
            wrong = f"there is no field {name!r:.80}"
        elif kind or (spec and (name not in TIMES or not _DATE.fullmatch(spec))):
            wrong = f"{name} has a form that is not known"
    if not wrong and not any(name for _, name, _, _ in pieces):
        wrong = "it names no field"
    if not wrong and {".", ".."} & set(template.split("/")):
        wrong = "a key has no '.' and '..'"
    if wrong:
        raise InputError(
            f"{template!r:.200} is no template of keys: {wrong}",
            cure=f"Fields are {', '.join(FIELDS)}; times have a form such as {{created:%Y-%m-%d}}.",
        )
    return [(text, name or "", spec) for text, name, spec, _ in pieces]


def _given(keys: KeyTable, place: BucketFolder) -> dict[str, str]:
    if isinstance(keys, Mapping):
        rows = list(keys.items())
    else:
        table = read_table(Path(keys).expanduser()) if isinstance(keys, str | os.PathLike) else keys
        missing = [name for name in ("archive_id", "key") if name not in getattr(table, "columns", ())]
        if missing:
            raise InputError(
                f"The table of keys has no column {' and no column '.join(missing)}",
                cure="It has the columns archive_id and key; other columns are not read.",
            )
        rows = list(zip(table["archive_id"], table["key"], strict=True))
    found: dict[str, str] = {}
    for archive_id, key in rows:
        checked_key(key, place)
        if not isinstance(archive_id, str) or found.setdefault(archive_id, key) != key:
            raise InputError(
                f"The table of keys has {archive_id!r:.80} with more than one key, or it is no archive id",
                cure="Give each archive one row.",
            )
    return found


def check_given(
    given: Mapping[str, str], archives: Mapping[str, ArchiveRecord], known: Collection[str]
) -> None:
    """Check the keys of a table against the archives of the vault.

    :param archives: those to move, by id.
    :param known: the ids of the others of the table that the vault has.
    :raises InputError: the table has ids that are unknown, or one key for archives with other bytes.
    """
    unknown = [each for each in given if each not in archives and each not in known]
    if unknown:
        raise InputError(
            f"The table of keys has {plural(len(unknown), 'archive')} that the vault does not have, "
            f"such as {unknown[0]!r:.80}",
            cure="Leave them out, or read the inventory.",
        )
    first: dict[str, ArchiveRecord] = {}
    for archive_id, key in given.items():
        archive = archives.get(archive_id)
        if archive is None:
            continue
        other = first.setdefault(key, archive)
        if other.bytes_key != archive.bytes_key:
            raise InputError(
                f"The table gives the key {key!r:.200} to {other.name!r:.80} and to {archive.name!r:.80}, "
                "whose bytes differ",
                cure="Give each its own key.",
            )
