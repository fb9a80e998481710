"""Importing another program's record of archives into the catalogue."""

from __future__ import annotations

from argparse import Namespace

from .. import importers
from ..base.rendering import Rendered, escape, html_table, near, text_table
from ..base.units import plural
from ..errors import InputError, IntegrityError
from ..importers import ImportReport
from .console import Console
from .grammar import Parser, Verb

SHOWN = 20
"""The most skipped items that are shown by name."""

_OUTCOMES = {
    "unknown": "imported; no inventory in the catalogue lists them yet",
    "deleted here": "imported as deleted by that program",
    "gone": "imported as gone: a later inventory, here or of that program, does not list them",
}
"""The outcome of new archives, by state."""


class ImportResult(Rendered):
    """The records that an import added and skipped, as two tables."""

    def __init__(self, report: ImportReport, program: str) -> None:
        self.report = report
        self._program = program

    def _heading(self) -> str:
        verb = "named" if self.report.names_only else "imported"
        verb = f"would be {verb}" if self.report.dry_run else verb
        vaults = ", ".join(sorted(self.report.vaults)[:10])
        count = self.report.completed if self.report.names_only else self.report.taken.total()
        new = plural(count, "archive")
        where = f" into {vaults}" if vaults else ""
        return f"{near(str(self.report.source))}, {self.report.format}: {new} {verb}{where}."

    def _outcomes(self) -> list[tuple[str, str]]:
        report = self.report
        counted = [(words, report.taken[state]) for state, words in _OUTCOMES.items()]
        counted += [
            ("known already; names or missing details were added", report.completed),
            ("known already", report.known),
            ("jobs skipped: the service lists those that exist", report.jobs),
            *((f"skipped: {why}", count) for why, count in report.left.reasons.most_common()),
        ]
        return [(words, f"{count:,}") for words, count in counted if count]

    def _left(self) -> list[tuple[str, str]]:
        return list(self.report.left)[:SHOWN]

    def _last(self) -> list[str]:
        more = len(self.report.left) - SHOWN
        words = [f"{more:,} more were skipped."] if more > 0 else []
        words += self.report.notes
        if self.report.dry_run:
            return [*words, "Nothing was written: this was a dry run."]
        if self.report.taken["unknown"]:
            words.append(f"Next: {self._program} inventory shows which of them exist.")
        return words

    def _repr_text(self) -> str:
        blocks = [self._heading()]
        if self._outcomes():
            blocks.append(text_table(_HEAD, self._outcomes(), numbers=(1,)))
        if self._left():
            blocks.append(text_table(_LEFT, self._left()))
        return "\n\n".join([*blocks, *(["\n".join(self._last())] if self._last() else [])])

    def _repr_html(self) -> str:
        outcomes = html_table(_HEAD, self._outcomes(), numbers=(1,)) if self._outcomes() else ""
        left = html_table(_LEFT, self._left(), long=(0, 1)) if self._left() else ""
        last = "".join(f"<p>{escape(line)}</p>" for line in self._last())
        return f"<p>{escape(self._heading())}</p>{outcomes}{left}{last}"


_HEAD = ("archives", "count")
_LEFT = ("skipped", "reason")


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "path", metavar="PATH", help="the other program's file; or a DataFrame, by its variable's name"
    )
    parser.add_argument(
        "--vault",
        metavar="VAULT",
        help="the vault of the archives (the vault in use, if the file names none)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be imported")


def _run(console: Console, args: Namespace) -> ImportResult:
    table = console.face.variable(args.path)
    with console.face.progress(f"Reading {args.path}"):
        is_frame = hasattr(table, "columns")
        imported = importers.of_frame(table, args.path) if is_frame else importers.read(args.path)
    if args.vault is not None:
        console.session.service.describe_vault(
            args.vault
        )  # a misspelt name would add a vault to the catalogue
    with console.busy(f"Importing {args.path}"):
        report = importers.take(
            imported,
            console.session.catalogue,
            vault=args.vault,
            otherwise=lambda: console.vault(None).name,  # only if needed: it may fail, or send a request
            dry_run=args.dry_run,
        )
    result = ImportResult(report, console.face.program)
    if report.left.cut:
        console.face.note(repr(result))  # what was imported stays, so it is shown before the error
        raise IntegrityError(
            f"{near(str(report.source))} is truncated: what follows its end is not known",
            cure="Import the complete file; archives are not imported twice.",
        )
    if report.left and not (report.taken or report.completed or report.known or report.jobs):
        console.face.note(repr(result))
        raise InputError(
            f"Nothing in {near(str(report.source))} was imported: {next(iter(report.left.reasons))}", cure=""
        )
    return result


VERB = Verb(
    name="import",
    summary="import another program's record of your archives",
    run=_run,
    configure=_configure,
    examples=(
        ("import ~/.bakthat.sqlite --vault backups", ""),
        ("import inventory.json --dry-run", ""),
        ("import names.csv --vault photos", ""),
    ),
    details=(
        "Reads the shelve file of GlacierVault, the SQLite files of bakthat, glacier-cli and "
        "glacier-rsync, the journal of mt-aws-glacier, and inventories saved as JSON or CSV. An "
        "import never overwrites what the catalogue has from an inventory. Synology's mapping "
        "database, and tables (CSV, Parquet, DataFrame) with the columns archive_id, name and "
        "perhaps modified, give names to archives that the catalogue knows, unless their "
        "descriptions encode names; the descriptions stay."
    ),
)
