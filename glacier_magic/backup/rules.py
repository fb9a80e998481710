"""Which files and folders a backup leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.extras import library
from ..base.units import human_bytes
from ..errors import InputError

if TYPE_CHECKING:
    from pathspec import RegexPattern

RULE_FILE = ".glacierignore"
"""Its lines are rules for the folder that holds it, and for all folders below."""

CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"
"""The first bytes of a CACHEDIR.TAG; see https://bford.info/cachedir/."""


@dataclass(frozen=True)
class Rules:
    """What a backup leaves out.

    :param exclude: patterns as in a ``.gitignore`` file of the backup's folder; a later one wins.
    :param larger: leave out files of more than so many bytes.
    :param if_present: leave out folders that hold a file or folder of one of these names.
    :param caches: leave out folders that hold a ``CACHEDIR.TAG``.
    :param one_file_system: do not enter folders of other file systems.
    """

    exclude: tuple[str, ...] = ()
    larger: int | None = None
    if_present: tuple[str, ...] = ()
    caches: bool = False
    one_file_system: bool = False

    def __post_init__(self) -> None:
        patterns(self.exclude)  # a wrong pattern is found before the first file is looked at

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Rules:
        """Return the rules whose fields JSON has kept."""
        texts = {name: tuple(values[name]) for name in ("exclude", "if_present") if name in values}
        return cls(**{**values, **texts})

    def too_large(self, size: int) -> str | None:
        """Return the rule that leaves out a file of *size* bytes, or None."""
        if self.larger is None or size <= self.larger:
            return None
        return f"larger than {human_bytes(self.larger)}"

    def marked(self, names: frozenset[str]) -> str | None:
        """Return the rule that leaves out a folder with entries of these *names*, or None."""
        found = next((name for name in self.if_present if name in names), None)
        return None if found is None else f"holds {found}"


@dataclass(frozen=True)
class _Line:
    """One pattern.  The library reads it, but not as a walk through folders needs it.

    The library asks whether a pattern matches a path or any folder above it, and git, which does not
    enter the folders that are left out, whether it matches the path itself.
    """

    text: str
    matcher: RegexPattern

    def matches(self, path: str, *, folder: bool) -> bool:
        body = self.text.rstrip().removeprefix("!")
        folders_only = body.endswith("/")
        if folders_only and not folder:
            return False
        while body.startswith("**/"):  # as without it
            body = body.removeprefix("**/")
        if "/" not in body[:-1]:  # it is about a name in any folder
            path = path.rpartition("/")[2]
        found = self.matcher.match_file(f"{path}/" if folders_only else path)
        if found is None:
            return False
        if folders_only:
            return bool(found.match.end() == len(path) + 1)
        return body.endswith("/**") or not found.match[0].endswith("/")


@dataclass(frozen=True)
class Patterns:
    """Lines of patterns and the folder that they are about: ``""``, or a path that ends with a slash."""

    lines: tuple[_Line, ...]
    folder: str = ""

    def rule(self, path: str, *, folder: bool = False) -> tuple[bool, str] | None:
        """Return whether the last pattern that matches *path* leaves it out, and that pattern.

        None if no pattern matches.

        :param folder: whether it is the path of a folder.
        """
        inner = path[len(self.folder) :]
        for line in reversed(self.lines):
            if line.matches(inner, folder=folder):
                return bool(line.matcher.include), line.text
        return None


def patterns(lines: Sequence[str], folder: str = "") -> Patterns:
    """Return *lines*, each as in a ``.gitignore`` file, as patterns.

    >>> patterns(["*.tmp", "!keep.tmp"]).rule("2019/a.tmp")
    (True, '*.tmp')
    >>> patterns(["*.tmp", "!keep.tmp"]).rule("2019/keep.tmp")
    (False, '!keep.tmp')

    :raises InputError: a line is no pattern.
    """
    spec = library("pathspec", "backup").GitIgnoreSpec
    found = []
    for line in lines:
        try:
            found += [_Line(line, each) for each in spec.from_lines((line,)).patterns]
        except ValueError:
            where = f"{folder}{RULE_FILE}: " if folder else ""
            raise InputError(
                f"{where}{line!r} is not a pattern",
                cure="Patterns are those of .gitignore files: *.tmp, /cache/, **/old, !keep.tmp.",
            ) from None
    return Patterns(tuple(line for line in found if line.matcher.include is not None), folder)
