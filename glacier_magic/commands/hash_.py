"""Tree hashes of local files."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.dataframes import marked
from ..base.facts import facts_lines
from ..base.rendering import Rendered, html_table, text_table
from ..base.units import human_bytes, plural, short_id, storable
from ..catalogue import ArchiveRecord
from ..errors import InputError
from ..errors.steps import step
from ..transfer import verify as localhash
from ..transfer.progress import Meter
from ..transfer.sources import expand
from ..transfer.verify import LocalHash
from .console import Console
from .grammar import Parser, Verb
from .options import check_option, vault_option
from .verify import refuse_different

if TYPE_CHECKING:
    import pandas as pd


WHY = (
    "The service stores the tree hash: the SHA-256 hashes of each MiB, combined in pairs up to a "
    "single hash. sha256sum prints the SHA-256 of the whole file, which is the same up to 1 MiB."
)


Compared = tuple[str, ArchiveRecord | None]
"""A state, and the archive that a file was compared with."""


class Hashes(Rendered):
    """Files with both hashes and, if they were compared with archives, the outcomes."""

    def __init__(self, files: Sequence[LocalHash], compared: Sequence[Compared] = ()) -> None:
        self.files = list(files)
        self.compared = list(compared)

    @property
    def table(self) -> pd.DataFrame:
        """One row per file: name, path, size, tree_hash, sha256; state, archive and archive_id."""
        import pandas as pd

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
        return marked(pd.DataFrame(columns))

    def _head(self) -> tuple[str, ...]:
        state = ("state", "archive") if self.compared else ()
        return ("name", "size", *state, "tree hash", "SHA-256")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(file.path),
                human_bytes(file.size),
                *(_state_and_archive(self.compared[number]) if self.compared else ()),
                file.tree_hash,
                file.sha256,
            )
            for number, file in enumerate(self.files)
        ]

    def _repr_text(self) -> str:
        if len(self.files) != 1:  # two hashes in full are wide: a single file has a line for each
            return text_table(self._head(), self._rows(), numbers=(1,))
        facts = dict(zip(self._head(), self._rows()[0], strict=True))
        facts["size"] += f" ({self.files[0].size:,} bytes)"
        return "\n".join(facts_lines(list(facts.items())))

    def _repr_html(self) -> str:
        return html_table(self._head(), self._rows(), numbers=(1,))


def _state_and_archive(compared: Compared) -> tuple[str, str]:
    state, archive = compared
    return state, f"{archive.name} (id:{short_id(archive.archive_id)})" if archive else ""


def _configure(parser: Parser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, globs, ~")
    parser.add_argument("--against", metavar="GLOB|id:ID", help="compare the files with this archive")
    vault_option(parser)
    check_option(parser)


def _run(console: Console, args: Namespace) -> Hashes:
    if args.check and args.against is None:
        raise InputError("--check needs an archive to compare with", cure="Add --against NAME.")
    archives: Sequence[ArchiveRecord] = []
    if args.against is not None:
        # Before the hashing, which may take hours.
        archives = console.vault(args.vault).select(args.against)
    paths = dict.fromkeys(expand(args.paths))  # globs may overlap
    # A tree hash is of one file; verify knows the names of many.
    folder = next((path for path in paths if path.is_dir()), None)
    if folder is not None:
        raise InputError(
            f"{str(folder)!r} is a folder",
            cure=f"Hash its files (a pattern ending in /*), or {step('verify', '--recursive FOLDER')}.",
        )
    # hash_file() reports a file that is missing.
    total = sum(path.stat().st_size for path in paths if path.exists())
    with console.face.progress("Reading the files") as observer:
        label = str(next(iter(paths))) if len(paths) == 1 else plural(len(paths), "file")
        meter = Meter(f"Hashing {label}", total, observer)
        files = [localhash.hash_file(path, progress=meter.moved) for path in paths]
        meter.finish()
    console.face.note(WHY)
    compared = [file.compared(archives) for file in files] if archives else []
    if args.check:
        states = [(str(f.path), state) for f, (state, _) in zip(files, compared, strict=True)]
        refuse_different(states, f"the archive {args.against!r}")
    return Hashes(files, compared)


VERB = Verb(
    name="hash",
    summary="hash files, and compare them with an archive",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("hash scan.tif", ""), ("hash scan.tif --against scans/scan.tif --check", "")),
    details=("Reads each file once. Without --against, no connection is needed."),
)
