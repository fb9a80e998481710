"""Selecting the archives of a vault by name, pattern and id."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from ..base.units import plural
from ..catalogue import ArchiveRecord, Catalogue
from ..catalogue.archives.query import archive_pattern
from ..catalogue.archives.states import DELETED, deleted_here
from ..catalogue.records.deletion_records import DeletionChoice
from ..errors import InputError, NameNotKnown
from ..plans.restore.items import unknown_archive
from ..plans.restore.targets import bytes_key
from ..steps import step

ARCHIVE_ID = re.compile(r"[A-Za-z0-9_-]{138}")  # the documented length, in base64url


def _checked(words: Sequence[str | ArchiveRecord]) -> Sequence[str | ArchiveRecord]:
    """Return *words* after checking their types.

    :raises InputError: a word is neither a string nor a record, or is blank.
    """
    wrong = [word for word in words if not isinstance(word, str | ArchiveRecord)]
    if wrong:
        raise InputError(
            f"{wrong[0]!r:.80} does not name an archive",
            cure="Give names, globs, id: and an archive id, or records of the catalogue.",
        )
    return [archive_pattern(word) if isinstance(word, str) else word for word in words]


@dataclass(frozen=True)
class Selector:
    """Selects archives of one vault in a catalogue."""

    catalogue: Catalogue
    vault: str

    def select(
        self, words: Sequence[str | ArchiveRecord], *, unknown_ids: bool = False
    ) -> list[ArchiveRecord]:
        """Return the archives that *words* match, each once, in order: see :meth:`.Vault.select`."""
        found: dict[str, ArchiveRecord] = {}
        for word in _checked(words):
            matched = [word] if isinstance(word, ArchiveRecord) else self._matching(word, unknown_ids)
            found.update((record.archive_id, record) for record in matched)  # each archive is paid for once
        return list(found.values())

    def _matching(self, word: str, unknown_ids: bool) -> list[ArchiveRecord]:
        archives = self.catalogue.archives
        if not {"*", "?"} & set(word) or word.startswith("name:"):
            named = archives.named(self.vault, word.removeprefix("name:"))
            if named:
                return named  # before ids: a file may be called "id:7"
        if word.startswith("id:") or ARCHIVE_ID.fullmatch(word):
            identifier = word.removeprefix("id:")
            records = archives.starting(self.vault, identifier) if identifier else []
            if not records and identifier:
                records = self._absent(identifier, unknown_ids)
            if len(records) > 1:  # a guess could delete, or pay for, the wrong archive
                raise InputError(
                    f"{len(records)} archive ids begin with {identifier!r}",
                    cure="Give more of its characters.",
                )
        elif word.startswith("name:"):  # exact, and not found above
            records = []
        else:
            records = archives.matching(self.vault, word)
        if not records:
            self._nothing(word)
        return records

    def _absent(self, identifier: str, unknown_ids: bool) -> list[ArchiveRecord]:
        """Return the record of an id that is not in the vault now, or nothing."""
        found = [
            record
            for record in self.catalogue.archives.starting(self.vault, identifier, all_=True)
            if record.state == DELETED or record.archive_id == identifier
        ]
        if unknown_ids and not found and ARCHIVE_ID.fullmatch(identifier):  # another tool may have stored it
            return [unknown_archive(self.vault, identifier)]  # a whole id, as the service needs all of it
        if not unknown_ids and found and found[0].state == DELETED:
            raise deleted_here(found[0].name or identifier)  # says more than "nothing matches"
        return found if unknown_ids else []

    def _nothing(self, word: str) -> NoReturn:
        known = plural(self.catalogue.archives.count(self.vault), "archive")
        raise NameNotKnown(f"Nothing in {self.vault!r} matches {word!r}; the catalogue knows {known} there")

    def choose(self, words: Sequence[str | ArchiveRecord], where: str | None) -> DeletionChoice:
        """Return the archives to delete that *words* match, each once, by their row numbers.

        Archives that this catalogue has deleted are left out and counted.

        :raises InputError: all of them were deleted before.

        Also raises like :meth:`select`.
        """
        rows = array("q")  # 8 bytes an archive: a vault may have millions
        unknown: dict[str, ArchiveRecord] = {}
        for word in _checked(words):
            if isinstance(word, ArchiveRecord):
                self._choose_one(word, rows, unknown)
                continue
            glob = word if self._is_pattern(word) else None
            if where is not None and glob is None:
                glob = f"id:{word}" if ARCHIVE_ID.fullmatch(word) else word  # a condition needs a query
            if glob is None:
                self._choose_few(word, rows, unknown)
                continue
            found = len(rows)
            rows.extend(self.catalogue.archives.numbers(self.vault, glob, where))
            if len(rows) == found:  # or a mistyped word would go unnoticed beside the others
                self._nothing(word)
        once = dict.fromkeys(rows) if len(words) > 1 else rows  # one pattern matches no row twice
        absent = self.catalogue.archives.known(self.vault, list(unknown))
        deleted = {record.archive_id for record in absent if record.state == DELETED}  # no request for these
        left = [record for record in unknown.values() if record.archive_id not in deleted]
        if deleted and not (once or left):
            raise InputError(
                f"{plural(len(deleted), 'archive')} to delete, and all were deleted before",
                cure=f"{step('ls', '--state deleted')} lists deleted archives.",
            )
        return DeletionChoice(self.catalogue.archives, self.vault, once, left, left_out=len(deleted))

    def _choose_few(self, word: str, rows: array[int], unknown: dict[str, ArchiveRecord]) -> None:
        for record in self._matching(word, unknown_ids=True):
            self._choose_one(record, rows, unknown)

    def _choose_one(self, record: ArchiveRecord, rows: array[int], unknown: dict[str, ArchiveRecord]) -> None:
        whole_id = f"id:{record.archive_id}"
        number = next(self.catalogue.archives.numbers(self.vault, whole_id), None)
        if number is None:
            unknown[record.archive_id] = record  # not listed now: it is deleted by its id alone
        else:
            rows.append(number)

    def _is_pattern(self, word: str) -> bool:
        if word.startswith(("id:", "name:")):
            return False
        # FastGlacier stores folders as archives whose names end in "/".
        folder = word.endswith("/") and not self.catalogue.archives.named(self.vault, word)
        return folder or bool({"*", "?"} & set(word))


def versions(archives: Sequence[ArchiveRecord], *, newest: bool) -> tuple[list[ArchiveRecord], str]:
    """Return the archives to restore, and a text on older versions; it is empty where there are none.

    Archives of one name and different bytes are versions of it.  Of two that were uploaded in the same
    second, none is older.

    :param newest: leave out the older versions of each name.
    :raises InputError: they are to be left out, and it is not known when each was uploaded.
    """
    names: dict[str, dict[str, list[ArchiveRecord]]] = {}
    for archive in archives:  # without a name, each is alone
        same = names.setdefault(archive.name or archive.archive_id, {})
        same.setdefault(bytes_key(archive), []).append(archive)
    several = [list(found.values()) for found in names.values() if len(found) > 1]
    older: list[list[ArchiveRecord]] = []
    for found in several:
        if all(archive.created for version in found for archive in version):
            latest = [max(archive.created or 0 for archive in version) for version in found]
            older += [version for version, time in zip(found, latest, strict=True) if time < max(latest)]
        elif newest:
            raise InputError(
                f"{found[0][0].name!r} has {len(found)} versions, and when each was uploaded is not known",
                cure=f"{step('inventory')} reads it; or leave out --newest.",
            )
        else:
            older += found[1:]  # whichever they are
    if not older:
        return list(archives), ""
    count = (
        f"{plural(len(older), 'older version')} of {plural(len({each[0].name for each in older}), 'name')}"
    )
    if not newest:
        return list(archives), f"{count}: restored too; --newest leaves them out"
    left_out = {archive.archive_id for version in older for archive in version}
    kept = [archive for archive in archives if archive.archive_id not in left_out]
    return kept, f"{count}: left out; without --newest they are restored too"
