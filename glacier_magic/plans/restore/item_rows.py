"""The items of a plan, of which each is an object only while it is looked at: there may be a million."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import ClassVar, Generic, TypeVar, overload

from ...base.session_limits import USUAL
from ...catalogue import ArchiveRecord
from ...catalogue.archives.archive_rows import field_of, records_of
from .items import ACTIONS, ASK, OTHERS, TO_FETCH, RetrievalItem

Item = TypeVar("Item", bound=RetrievalItem)


@dataclass(slots=True)
class Sums:
    """The numbers of the items with one action: how many there are, and their bytes.

    :param unsized: how many have an unknown size, which counts as no bytes.
    :param outputs: requests for output that fetch the bytes.
    """

    count: int = 0
    size: int = 0
    unsized: int = 0
    retrieved: int = 0
    fetched: int = 0
    largest: int = 0
    outputs: int = 0

    def add(self, size: int | None, retrieved: int | None, fetched: int | None) -> None:
        """Count an item."""
        self.count += 1
        if size is None:
            self.unsized += 1
        else:
            self.size += size
        if retrieved:
            self.retrieved += retrieved
            self.largest = max(self.largest, retrieved)
        if fetched:
            self.fetched += fetched
            self.outputs += -(-fetched // USUAL.piece)


class Items(Sequence[Item], Generic[Item]):
    """The items of a plan in order.

    :param archives: of each item.
    :param make: makes the item of a place from its archive and action, where no more is known of it.
    :param known: the other items, by place.
    :param actions: the actions of those that are not known and not requested, by place.
    """

    own_words: ClassVar[Mapping[str, str]] = RetrievalItem.own_words

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        make: Callable[[int, ArchiveRecord, str], Item],
        known: Mapping[int, Item],
        actions: Mapping[int, str],
    ) -> None:
        self.archives, self._make, self.known = archives, make, known
        self._actions = bytearray([ACTIONS.index(ASK)]) * len(archives)
        self._sizes = array("q", (size or -1 for size in field_of(archives, "size")))
        for place, action in actions.items():
            self._actions[place] = ACTIONS.index(action)
        for place, item in known.items():
            self._actions[place] = ACTIONS.index(item.action)
            self._sizes[place] = -1 if item.size is None else item.size

    @classmethod
    def of(cls, items: Sequence[Item]) -> Items[Item]:
        """Return items of which each is known."""
        known = dict(enumerate(items))
        return cls([item.archive for item in items], lambda place, *_: known[place], known, {})

    def __len__(self) -> int:
        return len(self._actions)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return list(self.at(range(len(self))[index]))
        return next(self.at([range(len(self))[index]]))

    def __iter__(self) -> Iterator[Item]:
        return self.at(range(len(self)))

    def at(self, places: Sequence[int]) -> Iterator[Item]:
        """Yield the items at *places*."""
        for place, archive in zip(places, records_of(self.archives, places), strict=True):
            yield self.known.get(place) or self._make(place, archive, self.action(place))

    def action(self, place: int) -> str:
        """Return the action of an item."""
        return ACTIONS[self._actions[place]]

    def size(self, place: int) -> int | None:
        """Return the size of an item; None if it is not known."""
        return None if self._sizes[place] < 0 else self._sizes[place]

    def places(self, *actions: str) -> Sequence[int]:
        """Return the places of the items with one of these actions."""
        chosen = bytearray(action in actions for action in ACTIONS).ljust(256, b"\0")
        return array("q", compress(range(len(self)), self._actions.translate(chosen)))

    def others(self) -> dict[str, list[int]]:
        """Return the places of the items without a request, by what people read of the action."""
        found: dict[str, list[int]] = {}
        for action in OTHERS:
            for place in self.places(action):
                item = self.known.get(place)
                words = self.own_words.get(action, action) if item is None else item.words
                found.setdefault(words, []).append(place)
        return found

    def retrieved(self, *actions: str) -> list[int | None]:
        """Return the bytes that the service retrieves for each item with one of these actions."""
        return [
            self.known[place].retrieved if place in self.known else self.size(place)
            for place in self.places(*actions)
        ]

    def sums(self) -> dict[str, Sums]:
        """Return the numbers of each action."""
        found = {action: Sums() for action in ACTIONS}
        fetches = [action in TO_FETCH for action in ACTIONS]
        for place, (code, size) in enumerate(zip(self._actions, self._sizes, strict=True)):
            if place not in self.known:
                known = None if size < 0 else size
                found[ACTIONS[code]].add(known, known, known if fetches[code] else 0)
        for item in self.known.values():
            found[item.action].add(item.size, item.retrieved, item.fetched)
        return found


def sums_of(items: Iterable[RetrievalItem]) -> dict[str, Sums]:
    """Return the numbers of each action of items."""
    if isinstance(items, Items):
        return items.sums()
    found = list(items)
    return Items.of(found).sums()
