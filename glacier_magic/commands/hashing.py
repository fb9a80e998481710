"""Local files and their hashes: what they are, and whether they are what is stored."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.rendering import Rendered, html_table, text_table, visible
from ..base.units import human_bytes, plural, short_id, storable
from ..catalogue import ArchiveRecord
from ..errors import InputError, IntegrityError
from ..transfer import verify as localhash
from ..transfer.progress import Meter
from ..transfer.verify import SAME, LocalHash
from .archives import vault_option
from .console import Console
from .grammar import Parser, Verb

if TYPE_CHECKING:
    import pandas as pd

WHY = (
    "The tree hash is what the service keeps: SHA-256 of each MiB, hashed together in pairs up to "
    "one. sha256sum prints the other, which is equal only up to 1 MiB."
)

Compared = tuple[str, ArchiveRecord | None]
"""A state, and the archive it is about."""


class Hashes(Rendered):
    """Files with both hashes and, where they were held against archives, the outcome of that."""

    def __init__(self, files: Sequence[LocalHash], compared: Sequence[Compared] = ()) -> None:
        self.files = list(files)
        self.compared = list(compared)

    @property
    def table(self) -> pd.DataFrame:
        """One row a file: name, path, size, tree_hash, sha256; state, archive and archive_id."""
        import pandas as pd  # noqa: PLC0415

        columns: dict[str, list[object]] = {
            "name": [storable(file.path.name) for file in self.files],
            "path": [storable(str(file.path.absolute())) for file in self.files],
            "size": [file.size for file in self.files],
            "tree_hash": [file.tree_hash for file in self.files],
            "sha256": [file.sha256 for file in self.files],
        }
        if self.compared:
            archives = [archive for _, archive in self.compared]
            columns["state"] = [state for state, _ in self.compared]
            columns["archive"] = [archive.name if archive else "" for archive in archives]
            columns["archive_id"] = [a.archive_id if a else "" for a in archives]
        return pd.DataFrame(columns)

    def _head(self) -> tuple[str, ...]:
        state = ("state", "archive") if self.compared else ()
        return ("name", "size", *state, "tree hash", "SHA-256")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(file.path),
                human_bytes(file.size),
                *(_in_words(self.compared[number]) if self.compared else ()),
                file.tree_hash,
                file.sha256,
            )
            for number, file in enumerate(self.files)
        ]

    def _repr_text(self) -> str:
        if len(self.files) != 1:
            return text_table(self._head(), self._rows(), numbers=(1,))
        width = max(len(label) for label in self._head())
        facts = dict(zip(self._head(), self._rows()[0], strict=True))
        facts["size"] += f" ({self.files[0].size:,} bytes)"
        return "\n".join(f"{label.rjust(width)}: {visible(facts[label])}" for label in facts)

    def _repr_html(self) -> str:
        return html_table(self._head(), self._rows(), numbers=(1,))


def _in_words(compared: Compared) -> tuple[str, str]:
    state, archive = compared
    return state, f"{archive.name} (id:{short_id(archive.archive_id)})" if archive else ""


def _check_option(parser: Parser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="fail (exit code 5) unless all are the same"
    )


def _configure_hash(parser: Parser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, globs, ~")
    parser.add_argument(
        "--against", metavar="GLOB|id:ID", help="say whether this archive is what the files hold"
    )
    vault_option(parser)
    _check_option(parser)


def _hash(console: Console, args: Namespace) -> Hashes:
    if args.check and args.against is None:
        raise InputError("There is nothing to check the files against", cure="Add --against NAME.")
    archives = []
    if args.against is not None:
        archives = console.vault(args.vault).select([args.against])
    paths = dict.fromkeys(localhash.expand(args.paths))
    folder = next((path for path in paths if path.is_dir()), None)
    if folder is not None:
        raise InputError(
            f"{str(folder)!r} is a folder",
            cure="Hash its files (a pattern ending in /*), or %glacier verify it --recursive.",
        )
    total = sum(path.stat().st_size for path in paths if path.exists())
    with console.face.progress() as observer:
        label = str(next(iter(paths))) if len(paths) == 1 else plural(len(paths), "file")
        meter = Meter(f"Hashing {label}", total, observer)
        files = [localhash.hash_file(path, progress=meter.moved) for path in paths]
        meter.finish()
    console.face.note(WHY)
    compared = [file.compared(archives) for file in files] if archives else []
    if args.check:
        states = [(str(f.path), state) for f, (state, _) in zip(files, compared, strict=True)]
        _refuse(states, f"the archive {args.against!r}")
    return Hashes(files, compared)


def _differ(count: int) -> str:
    return "is not" if count == 1 else "are not"


def _refuse(states: Sequence[tuple[str, str]], than: str) -> None:
    wrong = [(name, state) for name, state in states if state != SAME]
    if wrong:
        shown = ", ".join(f"{name!r} ({state})" for name, state in wrong[:5])
        more = f" and {len(wrong) - 5:,} more" if len(wrong) > 5 else ""
        raise IntegrityError(
            f"{len(wrong):,} of {plural(len(states), 'file')} {_differ(len(wrong))} the same as "
            f"{than}: {shown}{more}",
            cure="The same command without --check shows the table.",
        )


def _configure_verify(parser: Parser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, globs, ~, folders")
    vault_option(parser)
    parser.add_argument("-r", "--recursive", action="store_true", help="all files below a folder")
    _check_option(parser)


def _verify(console: Console, args: Namespace) -> pd.DataFrame:
    vault = console.vault(args.vault)
    with console.face.progress() as observer:
        table = localhash.verify(
            vault.session.catalogue,
            vault.name,
            args.paths,
            recursive=args.recursive,
            progress=observer,
        )
    for path, reason in table.attrs["skipped"]:
        console.face.note(f"Not compared: {path}: {reason}.")
    console.face.note(f"{vault.name}, as the catalogue knows it: {localhash.counted(table)}.")
    if args.check:
        names = zip(table["name"], table["state"], strict=True)
        _refuse(list(names), f"in {vault.name!r}")
    return table


VERBS = (
    Verb(
        name="hash",
        summary="show tree hash and SHA-256 of files, and whether they are what is stored",
        run=_hash,
        configure=_configure_hash,
        details="One pass over each file gives both. Without --against no connection is needed.",
    ),
    Verb(
        name="verify",
        summary="compare local files to the catalogue by tree hash",
        run=_verify,
        configure=_configure_verify,
        details="A file's archive is the one of the name that an upload of this path would give, "
        "or one stored from\nthis path. Nothing is asked of the service. States: same, different, "
        "not stored, unreadable, and\nmissing locally for an archive below the folder's name "
        "without a file.",
    ),
)
