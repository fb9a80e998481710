"""What a mistyped verb, option, vault or name may have meant."""

from __future__ import annotations

import difflib
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..catalogue.storage.letters import spellings
from ..client.session_settings import SessionSettings
from ..errors.steps import quoted

if TYPE_CHECKING:
    from ..catalogue import Catalogue
    from .console import Console
    from .grammar import Parser

SYNONYMS = {
    "rm": "delete del erase remove unlink",
    "restore": "download fetch get retrieve",
    "upload": "add archive put save send store",
    "prune": "expire forget",
    "migrate": "copy cp move mv transfer",
    "migrations": "migrated moved moves prove proof",
    "key": "keygen",
    "ls": "dir list show",
    "label": "annotate note tag",
    "find": "grep locate search",
    "du": "size sizes",
    "cost": "bill costs price prices",
    "vaults": "list-vaults",
    "create": "create-vault mkdir mkvault new",
    "drop": "delete-vault rmdir rmvault",
    "use": "cd select",
    "connect": "configure login",
    "jobs": "job list-jobs queue",
    "watch": "daemon serve watcher",
    "hash": "checksum sha256 sha256sum treehash",
    "verify": "compare",
    "peek": "contents members",
    "unpack": "decompress decrypt extract gpg gunzip tar unzip",
    "explore": "browse",
    "import": "load",
    "why": "error errors",
    "": "home info start status",
}
"""The words of other programs for each verb; ``""`` is the status."""

SPACED = ("GLOB", "NAME|", "PATH", "FOLDER", "TEXT")
"""What the metavar of a word begins with whose value may have spaces."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of *known* that is spelled most like *word*, or None."""
    found = difflib.get_close_matches(word, list(known), 1)
    return found[0] if found else None


def verb_meant(word: str, verbs: Iterable[str]) -> str | None:
    """Return the verb that *word* means in other programs, or is spelled like; None if there is none."""
    word = word.lower()
    meant = next((verb for verb, words in SYNONYMS.items() if word in words.split()), None)
    return nearest(word, verbs) if meant is None else meant


def too_many(parser: Parser, parsed: Namespace, words: Sequence[str]) -> tuple[str, str]:
    """Return the message and the cure for *words* that the parser has no place for."""
    option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
    more = f"{parser.prog} --help says more."
    if option is not None:
        near = nearest(option, parser.options)
        hint = f"Did you mean {near}? " if near else ""
        if option == "--dry-run" and "--yes" in parser.options and "--ask-above" not in parser.options:
            hint = "Without --yes, only the plan is shown. "
        return f"{parser.prog} has no option {option}", f"{hint}{more}"
    message = f"{parser.prog} has no use for {' '.join(words)!r}"
    last = parser.words[-1] if parser.words else None
    if last is None or not str(last.metavar).startswith(SPACED):
        return message, more
    given = [str(getattr(parsed, last.dest)), *words]
    if all(Path(word).exists() for word in given):
        return message, "Quote a pattern, or the shell replaces it by the names of files here."
    return message, f"Quote a name with spaces: {parser.prog} {quoted(' '.join(given))}"


def of_request(console: Console, parser: Parser, request: Namespace) -> str:
    """Return a sentence on what a request that failed or found nothing may have meant; ``""`` if unknown.

    No request is sent.
    """
    catalogue = console.catalogue
    if catalogue is None:
        return ""
    settings = SessionSettings(catalogue)
    names = settings.vault_names
    arguments = [*parser.words, *dict.fromkeys(parser.options.values())]
    for action in arguments:
        kind, value = str(action.metavar), getattr(request, action.dest, None)
        words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        if "VAULT" in kind and action.dest != "confirm":
            near = next(
                (near for word in words if word not in names and (near := nearest(word, names))), None
            )
            if near:
                return f"Did you mean the vault {near}?"
        elif not action.option_strings and kind.startswith(SPACED):
            vault = getattr(request, "vault", None) or settings.vault_in_use or next(iter(names), "")
            hint = _of_words(catalogue, vault, kind, [word for word in words if isinstance(word, str)])
            if hint:
                return hint
    return ""


def _of_words(catalogue: Catalogue, vault: str, kind: str, words: Sequence[str]) -> str:
    if kind.startswith("PATH"):
        joined = next((each for each in _joined(words) if Path(each).expanduser().exists()), None)
        return f"Quote a name with spaces: {quoted(joined)}" if joined else ""

    def known(start: str) -> bool:
        return any(catalogue.archives.names_with_prefix(vault, each, 1) for each in spellings(start))

    for each in _joined(words):
        if known(each.rstrip("*")):
            return f"Quote a name with spaces: {quoted(each)}"
    for word in words:
        # Only a name without separators can have lost them.
        found = None if {"/", "\\"} & set(word) else _separated(word.rstrip("*"), known)
        if found is not None:
            whole = quoted(f"{found}{word[len(word.rstrip('*')) :]}")
            return f"A backslash outside quotes is dropped: write {whole}"
    return ""


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Yield each run of two or more words, joined by spaces, the longest first."""
    for length in range(min(len(words), 12), 1, -1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def _separated(word: str, known: Callable[[str], bool], before: str = "") -> str | None:
    """Return *word* with the slashes or backslashes that make it begin a known name, or None."""
    if before and known(before + word):
        return before + word
    for place in range(1, len(word)):
        for separator in "\\/":
            start = f"{before}{word[:place]}{separator}"
            found = _separated(word[place:], known, start) if known(start) else None
            if found is not None:
                return found
    return None
