"""The tags of a vault."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from ..base.rendering import Rendered, html_table, text_table
from ..base.units import plural
from ..errors import InputError, Refused
from ..errors.steps import option
from ..service import Service
from ..service.administration import Administration

if TYPE_CHECKING:
    import pandas as pd

MOST, IN_A_CALL = 50, 10
LONGEST_KEY, LONGEST_VALUE = 128, 255
"""Limits of the service (service documentation, "Add Tags To Vault")."""

_TEXT = re.compile(r"[\w ./=+@-]*")  # letters and digits of all scripts
_CURE = (
    f"A key has 1 to {LONGEST_KEY} characters, a value up to {LONGEST_VALUE}: letters, digits, "
    "spaces and . / = + - @ _; no key begins with aws:"
)


class Tags(Rendered, Mapping[str, str]):
    """The tags of a vault at the time they were read: a mapping of key to value."""

    def __init__(self, vault: str, service: Service) -> None:
        self.vault, self._service = vault, service
        self._tags = Administration(service).tags(vault)

    def __getitem__(self, key: str) -> str:
        return self._tags[key]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._tags))

    def __len__(self) -> int:
        return len(self._tags)

    @property
    def table(self) -> pd.DataFrame:
        """One row per tag: key, value."""
        import pandas as pd

        return pd.DataFrame({"key": list(self), "value": list(self.values())}, dtype="str")

    def change(self, add: Mapping[str, str], remove: Iterable[str] = ()) -> Tags:
        """Remove and set tags; return the new tags.

        The call can be repeated after a failure half-way.

        :raises InputError: a key or value is not allowed, or a key is in both.
        :raises Refused: there would be more than 50 tags.
        """
        keys = list(dict.fromkeys(remove))
        self._check(add, keys)  # before the first call: a change that cannot be finished is not begun
        calls = Administration(self._service)
        # Removed first, so that a vault with 50 tags has room for the new ones.
        for batch in _tens(key for key in keys if key in self._tags):  # ten per call
            calls.remove_tags(self.vault, batch)
        # Tags that are set already cost no call: a repeat after a failure does the rest.
        for batch in _tens(key for key in add if self._tags.get(key) != add[key]):
            calls.add_tags(self.vault, {key: add[key] for key in batch})
        return Tags(self.vault, self._service)

    def _check(self, add: Mapping[str, str], remove: list[str]) -> None:
        for key, value in add.items():
            check_tag(key, value)
        both = sorted(set(add) & set(remove))
        if both:
            raise InputError(f"The tag {both[0]!r} is both set and removed", cure="Choose one.")
        left = (self._tags.keys() - set(remove)) | add.keys()
        if len(left) > MOST:
            raise Refused(
                f"{self.vault} would have {len(left)} tags; {MOST} are allowed",
                cure=f"Remove some at the same time: {option('remove')}. Nothing was changed.",
            )

    def _repr_text(self) -> str:
        if not self._tags:
            return f"{self.vault} has no tags."
        count = f"{self.vault}: {plural(len(self), 'tag')} of at most {MOST}."
        return text_table(("key", "value"), self.items()) + f"\n{count}"

    def _repr_html(self) -> str:
        if not self._tags:
            return super()._repr_html()
        return html_table(("key", "value"), self.items(), long=(0, 1))


def check_tag(key: str, value: str) -> None:
    """Check a tag against the service's rules.

    :raises InputError: the service would refuse it.
    """
    good_key = 1 <= len(key) <= LONGEST_KEY and _TEXT.fullmatch(key)
    if not good_key or key.lower().startswith("aws:"):
        raise InputError(f"{key!r} cannot be the key of a tag", cure=_CURE)
    if len(value) > LONGEST_VALUE or not _TEXT.fullmatch(value):
        raise InputError(f"{value!r} cannot be the value of the tag {key!r}", cure=_CURE)


def _tens(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(list(keys))
    while batch := list(islice(rest, IN_A_CALL)):
        yield batch
