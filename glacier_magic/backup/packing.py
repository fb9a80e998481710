"""Packing folders into one file, which opens without this program."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.rendering import Rendered, near, visible
from ..base.units import human_bytes, plural, storable
from ..errors import InputError, LocalError
from ..errors.steps import left_out, option, step
from ..packs import PackWriter
from ..transfer.progress import Meter, Observer
from .rules import Rules
from .scan import Scan

ENDINGS = {True: ".tar.zst.age", False: ".tar.zst"}
"""Of the names of packs, encrypted or not: they say how to open them."""
_SHOWN = 10
"""The most rules, and files that cannot be read, that are displayed."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Packed(Rendered):
    """A pack, and what is in it.

    :param size: bytes of the file, and *tree_hash* its tree hash, which the vault shows, too.
    :param members: files, folders and links, of which the files have *content* bytes.
    :param left_out: rules, each with the number of files and folders that it left out.
    :param unreadable: names and reasons of what could not be read, or changed while it was read.
    """

    file: Path
    size: int
    tree_hash: str
    members: int
    content: int
    left_out: tuple[tuple[str, int], ...]
    unreadable: tuple[tuple[str, str], ...]

    def _repr_text(self) -> str:
        what = f"{plural(self.members, 'member')}, {human_bytes(self.content)}"
        lines = [f"{near(str(self.file))}: {human_bytes(self.size)}, from {what}"]
        for title, rows in (
            ("left out", [f"{rule}: {count:,}" for rule, count in self.left_out]),
            ("not read", [f"{name}: {reason}" for name, reason in self.unreadable]),
        ):
            if rows:
                lines += [f"{title}:", *(f"  {row}" for row in rows[:_SHOWN]), left_out(len(rows) - _SHOWN)]
        return "\n".join(visible(line) for line in lines if line)


def pack(
    folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    file: str | os.PathLike[str],
    *,
    recipients: Sequence[str] = (),
    plain: bool = False,
    exclude: Sequence[str] = (),
    rules: Rules | None = None,
    level: int = 3,
    progress: Observer | None = None,
) -> Packed:
    """Write folders and files into a new pack, a compressed tar in which each member can be reached.

    ``age -d -i KEY FILE | zstd -d | tar x`` opens it.  The file has its name when it is whole.

    :param file: its name ends in ``.tar.zst.age``, or in ``.tar.zst`` if *plain*.
    :param recipients: who can open it: ``age1...``, as ``key new`` shows it.
    :param plain: leave it unencrypted; there must be no recipient.
    :param exclude: patterns as in ``.gitignore`` files, instead of *rules*.
    :param level: of zstd, 1 to 19.
    :param progress: called with each report.
    :raises InputError: a folder does not exist, a recipient or pattern is none, or *file* is in a folder.
    :raises LocalError: the file exists, or cannot be written.
    """
    rules = rules or Rules(tuple(exclude))
    named = [folders] if isinstance(folders, str | os.PathLike) else folders
    roots = [Path(root).expanduser() for root in named]
    target = Path(file).expanduser().absolute()
    _check(roots, target, recipients, plain=plain, level=level)
    total = sum(entry.size for entry in Scan(roots, rules))
    meter = Meter(f"Packing {target.name}", total, progress)
    scan, members, content, torn = Scan(roots, rules), 0, 0, []
    with PackWriter(target, recipients, level=level) as writer:
        for entry in scan:
            try:
                member = writer.add(entry.path, entry.place)
            except LocalError as error:  # it vanished, or may not be read: the others go on
                scan.unreadable.append((entry.path, error.message))
                continue
            if member.torn:
                torn.append((entry.path, "changed while it was read; the pack has it as it was in between"))
            members, content = members + 1, content + member.size
            meter.moved(member.size)
        sealed = writer.close()
    meter.finish()
    return Packed(
        file=target,
        size=sealed.size,
        tree_hash=sealed.tree_hash,
        members=members,
        content=content,
        left_out=tuple((rule, count) for rule, count in scan.left_out.most_common() if count),
        unreadable=tuple((storable(name), reason) for name, reason in (*scan.unreadable, *torn)),
    )


def _check(
    roots: Sequence[Path], target: Path, recipients: Sequence[str], *, plain: bool, level: int
) -> None:
    if plain == bool(recipients):
        raise InputError(
            "A pack is either encrypted for recipients or plain",
            cure=f"Add {option('recipient', 'age1...')}, as {step('key', 'new FILE')} prints it, or "
            f"{option('plain', True)}.",
        )
    ending = ENDINGS[not plain]
    if not target.name.endswith(ending):
        raise InputError(
            f"The name of the pack does not end in {ending}", cure="The ending says how to open it."
        )
    if not 1 <= level <= 19:
        raise InputError(f"Level {level} is not between 1 and 19")
    if os.path.lexists(target):
        raise LocalError(f"{str(target)!r} exists already", cure="Choose another name; nothing is replaced.")
    inside = next((root for root in roots if target.is_relative_to(root.resolve())), None)
    if inside is not None:
        raise InputError(
            f"{str(target)!r} is in {str(inside)!r}, which it is to hold", cure="Write it outside of it."
        )
