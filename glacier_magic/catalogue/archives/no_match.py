"""What to say where no archive of a vault matches: an empty table never looks like an empty vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.rendering import visible
from ...base.units import plural
from ...errors.steps import quoted, step
from ..storage.letters import folded
from . import folders, identity
from .patterns import literal, literals
from .query import MOST_WORDS, Query, statement, whole_inventories

if TYPE_CHECKING:
    from ..storage.database import Database, Scope


def no_match(database: Database, scope: Scope, vault: str, word: str | None = None) -> tuple[str, str]:
    """Return what a vault has instead of a match, as a phrase, and which other words would match.

    :param word: the name or pattern that matches nothing; None if there was another condition.
    :returns: such as ``none of 2,000 archives`` and ``505 names contain 'photo': ...``; the second is
        empty if there is nothing to suggest.
    """
    count = folders.count(database, scope, vault)
    if not count:
        read = whole_inventories(database, scope, vault)
        return "no archive", "" if read else f"{step('inventory')} requests an inventory: about four hours."
    hints = _hints(database, scope, vault, word) if word else []
    return f"none of {plural(count, 'archive')}", " ".join(hints)


def _hints(database: Database, scope: Scope, vault: str, word: str) -> list[str]:
    hints = []
    if word.startswith("name:"):
        word = literal(word.removeprefix("name:"))
    words = " ".join(literals(word)).split()
    if words and len(words) <= MOST_WORDS:
        most = database.limits.counted_rows
        found = _count(database, scope, vault, Query(text=" ".join(words)))
        number = f"more than {most:,} names" if found > most else plural(found, "name")
        steps = [step("find", " ".join(map(quoted, words)))]
        around = f"*{word.strip('*')}*"
        if found and _count(database, scope, vault, Query(glob=around)):
            steps.insert(0, step("ls", quoted(around)))
        verb = "contains" if found == 1 else "contain"
        shown = " and ".join(repr(each) for each in words)
        hints += [f"{number} {verb} {visible(shown)}: {' or '.join(steps)}."] if found else []
    for path, archives in _folders(database, scope, vault, word)[:1]:
        inside = step("ls", quoted(f"{literal(path)}*"))
        hints.append(f"{visible(path)} is a folder of {plural(archives, 'archive')}: {visible(inside)}.")
    return hints


def _folders(database: Database, scope: Scope, vault: str, word: str) -> list[tuple[str, int]]:
    """Return the folders whose path ends in a word, in any case, and their archives; the largest first."""
    asked = folded(word).replace("\\", "/").strip("/")
    known = identity.find_vault(database, scope, vault)
    if known is None or not asked:
        return []
    condition, values = database.contains("name", asked.rpartition("/")[2])
    rows = database.rows(
        f"SELECT parent, name, archives FROM folders WHERE vault_id=? AND archives>0 AND {condition} "
        "ORDER BY archives DESC LIMIT 1000",
        (known.id, *values),
    )
    found = [(row["parent"] + row["name"], row["archives"]) for row in rows]
    return [each for each in found if f"/{folded(each[0])}".replace("\\", "/").endswith(f"/{asked}/")]


def _count(database: Database, scope: Scope, vault: str, query: Query) -> int:
    made = statement(database, scope, vault, query)
    if made is None:
        return 0
    return database.number(
        f"SELECT count(*) FROM (SELECT 1 FROM archive_rows WHERE {made.condition} LIMIT ?) AS first_ones",
        (made.vault_id, *made.bound, database.limits.counted_rows + 1),
    )
