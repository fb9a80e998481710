"""Selecting the archives of a vault by name, pattern and id, or by a DataFrame."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from ..base.units import plural
from ..catalogue import ArchiveRecord, Catalogue
from ..catalogue.archives.archive_sequence import fields_of, places_of_repeated, records_of
from ..catalogue.archives.folders import SEPARATORS
from ..catalogue.archives.identity import ARCHIVE_ID, bytes_key
from ..catalogue.archives.no_match import no_match
from ..catalogue.archives.query import archive_pattern
from ..catalogue.archives.states import DELETED, deleted_here
from ..catalogue.records.deletion_records import DeletionChoice
from ..errors import InputError, NameNotKnown
from ..errors.steps import option, quoted, step
from .archive import Archive

if TYPE_CHECKING:
    import pandas as pd

    One: TypeAlias = str | ArchiveRecord | Archive
    Selectable: TypeAlias = One | pd.DataFrame | pd.Series[Any] | Iterable[One]
    """A name, pattern or id; archives; or a table, column or list of them."""


def only_vault(table: Any) -> str | None:
    """Return the vault of the archives in a DataFrame; None if it has no column ``vault``.

    :raises InputError: they are of several vaults.
    """
    vaults = sorted({each for each in _column(_framed(table), "vault") if isinstance(each, str)})
    if len(vaults) > 1:  # a plan has one vault, and its jobs belong to it
        raise InputError(
            f"The {_kind(table)} lists archives of {plural(len(vaults), 'vault')}",
            cure=f"Select one: df[df['vault'] == {vaults[0]!r}].",
        )
    return vaults[0] if vaults else None


def _framed(value: Any) -> Any:
    """Return a row of a DataFrame as one, and all else as it is."""
    row = hasattr(value, "to_frame") and "archive_id" in getattr(value, "index", ())
    return value.to_frame().T if row else value


def _column(table: Any, name: str) -> Iterable[Any]:
    # By its attributes: a list does not need the import of pandas.
    return table[name] if hasattr(table, "columns") and name in table else ()


def _kind(value: object) -> str:
    return type(value).__name__


def _items(value: Any) -> list[str | ArchiveRecord | Archive]:
    """Return the archives of a DataFrame or one of its rows, a column of ids, or a list.

    :raises InputError: it has none, or something else than archives.
    """
    if isinstance(value, ArchiveRecord | Archive):
        return [value]
    value = _framed(value)
    if hasattr(value, "columns") and "archive_id" not in value:
        raise InputError(
            f"The {_kind(value)} has no column archive_id", cure=f"{step('ls')} returns one that has it."
        )
    items = list(_column(value, "archive_id") if hasattr(value, "columns") else _iterated(value))
    if any(_kind(each) in ("bool", "bool_") for each in items):  # Python's and numpy's
        raise InputError(
            "True and False are a condition, not archives",
            cure="Select rows by it: df[df['size'] > 10**9]. Note that df.size counts the cells of df.",
        )
    wrong = [each for each in items if not isinstance(each, str | ArchiveRecord | Archive) or each == ""]
    if wrong:  # never a part of a table: the rest would be missed too late
        raise InputError(
            f"{len(wrong):,} of {len(items):,} rows have no archive id, but {wrong[0]!r:.80}",
            cure="Leave out missing ids with df.dropna(subset='archive_id').",
        )
    if not items:  # nothing must not mean everything
        raise InputError(f"The {_kind(value)} lists no archive", cure="Select one row or more.")
    return items


def _iterated(value: Any) -> Iterable[Any]:
    if _kind(value) in ("bool", "bool_"):
        return [value]  # the mistake has a message of its own
    if not isinstance(value, Iterable) or isinstance(value, bytes):
        raise InputError(
            f"{value!r:.80} does not name an archive",
            cure="Give names, globs, id: and an archive id, a DataFrame, or a list of archive ids.",
        )
    return value


def _id(archive: ArchiveRecord | Archive) -> str:
    return archive.archive_id if isinstance(archive, ArchiveRecord) else archive.id


@dataclass(frozen=True)
class Selector:
    """Selects archives of one vault in a catalogue."""

    catalogue: Catalogue
    vault: str

    def select(self, words: Sequence[Selectable], *, unknown_ids: bool = False) -> Sequence[ArchiveRecord]:
        """Return the archives that *words* match, each once, in order: see :meth:`.Vault.select`."""
        checked = self._checked(words)
        if len(checked) == 1 and isinstance(checked[0], str):  # a pattern matches none twice
            return self._matching(checked[0], unknown_ids)
        found: dict[str, ArchiveRecord] = {}
        for word in checked:
            matched = self._matching(word, unknown_ids) if isinstance(word, str) else word
            found.update((record.archive_id, record) for record in matched)  # each archive is paid for once
        return list(found.values())

    def _checked(self, words: Sequence[Selectable]) -> list[str | list[ArchiveRecord]]:
        """Return each word as a pattern or as the archives that it lists, before any is used.

        :raises InputError: a word is blank or no archive, or an archive is of another vault.
        """
        return [archive_pattern(word) if isinstance(word, str) else self._listed(word) for word in words]

    def _listed(self, value: Any) -> list[ArchiveRecord]:
        """Return the archives of a table, a list or one object, each once, in order.

        :raises NameNotKnown: the catalogue does not know one of them.
        """
        items = _items(value)
        for vault in {only_vault(value), *(each.vault for each in items if not isinstance(each, str))}:
            if vault not in (self.vault, None):
                raise InputError(
                    f"The {_kind(value)} lists archives of the vault {vault!r}, not of {self.vault!r}",
                    cure=f"Use that vault, or select others: df[df['vault'] == {self.vault!r}].",
                )
        found = {each.archive_id: each for each in items if isinstance(each, ArchiveRecord)}
        ids = dict.fromkeys(each if isinstance(each, str) else _id(each) for each in items)
        known = self.catalogue.archives.known(self.vault, [i for i in ids if i not in found and i.isascii()])
        found.update((record.archive_id, record) for record in known)
        missing = [each for each in ids if each not in found]
        if missing:
            raise NameNotKnown(
                f"{len(missing):,} of {len(ids):,} archive ids are not known in {self.vault!r}, "
                f"the first {missing[0]:.12}…",
                cure=f"{step('ls')} shows the ids; {step('inventory')} refreshes them."
                if ARCHIVE_ID.fullmatch(missing[0])
                else "A list or column has ids only; names and patterns are arguments of their own.",
            )
        return [found[each] for each in ids]

    def _matching(self, word: str, unknown_ids: bool) -> Sequence[ArchiveRecord]:
        archives = self.catalogue.archives
        records: Sequence[ArchiveRecord]
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
        catalogue = self.catalogue
        _, hint = no_match(catalogue.database, catalogue.scope, self.vault, word)
        raise NameNotKnown(
            f"Nothing in {self.vault!r} matches {word!r}; the catalogue knows {known} there",
            cure=f"{hint} {NameNotKnown.default_cure()}".strip(),
        )

    def choose(self, words: Sequence[Selectable], where: str | None) -> DeletionChoice:
        """Return the archives to delete that *words* match, each once, by their row numbers.

        Archives that this catalogue has deleted are left out and counted.

        :raises InputError: all of them were deleted before.

        Also raises like :meth:`select`.
        """
        rows = array("q")  # 8 bytes an archive: a vault may have millions
        unknown: dict[str, ArchiveRecord] = {}
        for word in self._checked(words):
            if not isinstance(word, str):
                if where is not None:
                    raise InputError(
                        "A condition is for names and patterns",
                        cure="Select rows by it: df[df['size'] > 10**9].",
                    )
                self._choose_these(word, rows, unknown)
                continue
            glob = word if self._is_pattern(word) else None
            if glob is None:
                self._refuse_folder(word)
            if where is not None and glob is None:
                glob = f"id:{word}" if ARCHIVE_ID.fullmatch(word) else word  # a condition needs a query
            if glob is None:
                self._choose_these(self._matching(word, unknown_ids=True), rows, unknown)
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

    def _refuse_folder(self, word: str) -> None:
        """Refuse a folder without its slash: where one archive was meant, many would be deleted."""
        archives = self.catalogue.archives
        for folder in () if archives.named(self.vault, word) else archives.du(self.vault, word, 0):
            raise NameNotKnown(
                f"{word!r} is a folder of {plural(folder.archives, 'archive')} in {self.vault!r}",
                cure=f"{step('rm', quoted(folder.path))} is all below it.",
            )

    def _choose_these(
        self, records: Sequence[ArchiveRecord], rows: array[int], unknown: dict[str, ArchiveRecord]
    ) -> None:
        numbers = self.catalogue.archives.row_numbers(self.vault, [record.archive_id for record in records])
        for record in records:
            number = numbers.get(record.archive_id)
            if number is None:
                unknown[record.archive_id] = record  # not listed now: it is deleted by its id alone
            else:
                rows.append(number)

    def _is_pattern(self, word: str) -> bool:
        if word.startswith(("id:", "name:")):
            return False
        # FastGlacier stores folders as archives whose names end in "/".
        folder = word.endswith(tuple(SEPARATORS)) and not self.catalogue.archives.named(self.vault, word)
        return folder or bool({"*", "?"} & set(word))


def versions(archives: Sequence[ArchiveRecord], *, newest: bool) -> tuple[Sequence[ArchiveRecord], str]:
    """Return the archives to restore, and a text on older versions; it is empty where there are none.

    Archives of one name and different bytes are versions of it.  Of two that were uploaded in the same
    second, none is older.

    :param newest: leave out the older versions of each name.
    :raises InputError: they are to be left out, and it is not known when each was uploaded.
    """
    own = fields_of(archives, "name", "archive_id")
    places = places_of_repeated(
        name or archive_id for name, archive_id in own
    )  # without a name, each is alone
    names: dict[str, dict[str, list[tuple[int, int | None]]]] = {}
    facts = fields_of(archives, "name", "archive_id", "size", "tree_hash", "created", places=places)
    for place, (name, archive_id, size, tree_hash, created) in zip(places, facts, strict=True):
        same = names.setdefault(name or archive_id, {})
        same.setdefault(bytes_key(size, tree_hash) or archive_id, []).append((place, created))
    several = {name: list(found.values()) for name, found in names.items() if len(found) > 1}
    older: list[tuple[str, list[int]]] = []
    for name, found in several.items():
        if all(created for version in found for _, created in version):
            latest = [max(created or 0 for _, created in version) for version in found]
            old = [version for version, time in zip(found, latest, strict=True) if time < max(latest)]
        elif newest:
            raise InputError(
                f"{name!r} has {len(found)} versions, and when each was uploaded is not known",
                cure=f"{step('inventory')} reads it; or leave out {option('newest')}.",
            )
        else:
            old = found[1:]  # whichever they are
        older += [(name, [place for place, _ in version]) for version in old]
    if not older:
        return archives, ""
    count = f"{plural(len(older), 'older version')} of {plural(len({name for name, _ in older}), 'name')}"
    if not newest:
        return archives, f"{count}: restored too; {option('newest', True)} leaves them out"
    left_out = {place for _, version in older for place in version}
    kept = [place for place in range(len(archives)) if place not in left_out]
    words = f"{count}: left out; without {option('newest')} they are restored too"
    return list(records_of(archives, kept)), words


def unknown_archive(vault: str, archive_id: str) -> ArchiveRecord:
    """Return a record of an archive that the catalogue does not know."""
    empty = ArchiveRecord.described(
        "",
        vault=vault,
        archive_id=archive_id,
        size=None,
        created=None,
        tree_hash=None,
        state="unknown",
        seen=None,
    )
    return replace(empty, name=archive_id)  # no inventory lists it: its id is its only name
