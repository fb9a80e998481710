"""Labels and notes that users put on archives and snapshots.

A label is one word.  Those of one archive are stored as one text, sorted, with spaces between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...errors import InputError
from ..storage.database import Database
from ..storage.letters import composed

LONGEST = 100
"""The most characters of a label."""
LONGEST_NOTE = 1000
"""The most characters of a note."""


def labels_in(text: str) -> str:
    """Return the labels in a text with spaces or commas between, as they are stored.

    What cannot be a label is left out.
    """
    words = {composed(word) for word in re.split(r"[\s,]+", text)}
    return " ".join(sorted(word for word in words if word.isprintable() and 0 < len(word) <= LONGEST))


def checked_label(text: str) -> str:
    """Return a label as it is stored.

    :raises InputError: it is no single word, or too long.
    """
    label = composed(text)
    if label.split() != [label] or labels_in(label) != label:
        raise InputError(
            f"{label[:LONGEST]!a} cannot be a label",
            cure=f"A label is one word of at most {LONGEST} characters, without a comma.",
        )
    return label


def checked_note(text: str) -> str:
    """Return a note on one line.

    :raises InputError: it has characters that cannot be shown, or is too long.
    """
    note = " ".join(text.split())
    if not note.isprintable() or len(note) > LONGEST_NOTE:
        raise InputError(
            "This cannot be a note", cure=f"A note is text of at most {LONGEST_NOTE:,} characters."
        )
    return note


def changed(labels: str, add: Iterable[str], remove: Iterable[str]) -> str:
    """Return stored labels with others added and removed."""
    return " ".join(sorted({*labels.split(), *map(checked_label, add)} - {*map(checked_label, remove)}))


def has_label(database: Database, label: str) -> tuple[str, list[str]]:
    """Return the condition that an archive has a label, which the index of labelled ones answers."""
    text = "' '||labels||' '"
    return f"(labels<>'' AND {database.position(text, '?')}>0)", [f" {composed(label)} "]
