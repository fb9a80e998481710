"""The items of a plan, of which each is an object only while it is looked at: there may be a million."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import ClassVar, Generic, TypeVar, overload

from ...base.session_limits import USUAL
from ...catalogue import ArchiveRecord
from ...catalogue.archives.archive_sequence import contents_of, field_of, records_of
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

    def add(self, item: RetrievalItem) -> None:
        """Count an item."""
        retrieved, fetched = item.retrieved or 0, item.fetched or 0
        self.count += 1
        self.size += item.size or 0
        self.unsized += item.size is None
        self.retrieved += retrieved
        self.largest = max(self.largest, retrieved)
        self.fetched += fetched
        self.outputs += -(-fetched // USUAL.piece)

    def add_whole(self, sizes: Sequence[int], *, fetch: bool) -> None:
        """Count whole archives, of which no byte is here.

        :param sizes: bytes of each; -1 where they are not known.
        """
        unsized, largest = sizes.count(-1), max(sizes)
        total = sum(sizes) + unsized
        self.count, self.unsized = self.count + len(sizes), self.unsized + unsized
        self.size, self.retrieved = self.size + total, self.retrieved + total
        self.largest = max(self.largest, largest)
        if fetch:
            self.fetched += total
            self.outputs += sum(-(-size // USUAL.piece) for size in sizes if size > 0)


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
            yield self.known.get(place) or self._make(place, archive, ACTIONS[self._actions[place]])

    def size(self, place: int) -> int | None:
        """Return the size of an item; None if it is not known."""
        return None if self._sizes[place] < 0 else self._sizes[place]

    def places(self, *actions: str) -> Sequence[int]:
        """Return the places of the items with one of these actions."""
        return array("q", compress(range(len(self)), self._actions.translate(_only(*actions))))

    def sizes(self, *actions: str) -> Iterator[int]:
        """Yield the size of each item with one of these actions; 0 where it is not known."""
        return (max(0, size) for size in compress(self._sizes, self._actions.translate(_only(*actions))))

    def others(self) -> dict[str, list[int]]:
        """Return the places of the items without a request, by what people read of the action."""
        found: dict[str, list[int]] = {}
        for action in OTHERS:
            for place in self.places(action):
                item = self.known.get(place)
                words = self.own_words.get(action, action) if item is None else item.words
                found.setdefault(words, []).append(place)
        return found

    def keys(self, *actions: str) -> Iterator[str]:
        """Yield the key of the request of each item with one of these actions."""
        places = self.places(*actions)
        for place, content in zip(places, contents_of(self.archives, places), strict=True):
            item = self.known.get(place)
            yield content if item is None else item.key

    def retrieved(self, *actions: str) -> Iterator[int | None]:
        """Yield the bytes that the service retrieves for each item with one of these actions."""
        found = array("q", self._sizes)
        for place, item in self.known.items():
            found[place] = -1 if item.retrieved is None else item.retrieved
        for size in compress(found, self._actions.translate(_only(*actions))):
            yield None if size < 0 else size

    @cached_property
    def sums(self) -> dict[str, Sums]:
        """The numbers of each action."""
        found, others = sums_of(self.known.values()), bytearray(self._actions)
        for place in self.known:
            others[place] = len(ACTIONS)
        for code, action in enumerate(ACTIONS):
            if code in others:
                sizes = array("q", compress(self._sizes, others.translate(_only(action))))
                found[action].add_whole(sizes, fetch=action in TO_FETCH)
        return found


def _only(*actions: str) -> bytes:
    """Return the table that translates the codes of these actions to 1, and all others to 0."""
    return bytes(action in actions for action in ACTIONS).ljust(256, b"\0")


def sums_of(items: Iterable[RetrievalItem]) -> dict[str, Sums]:
    """Return the numbers of each action of items."""
    found = {action: Sums() for action in ACTIONS}
    for item in items:
        found[item.action].add(item)
    return found
