"""Coming from another program: its own record of archives, taken into the catalogue."""

from __future__ import annotations

from argparse import Namespace

from .. import importers
from ..base.rendering import Rendered, escape, html_table, near, text_table
from ..base.units import plural
from ..errors import IntegrityError
from ..importers import ImportReport
from .console import Console
from .grammar import Parser, Verb

SHOWN = 20
"""Left things that are shown by name."""

_OUTCOMES = {
    "unknown": "taken; no inventory read here lists them yet",
    "deleted here": "taken as deleted by that program",
    "gone": "taken as gone: an inventory read here since does not list them, or one read there",
}
"""What is said of new archives in each state."""


class Taken(Rendered):
    """What an import took and left, as two tables."""

    def __init__(self, report: ImportReport, program: str) -> None:
        self.report = report
        self._program = program

    def _heading(self) -> str:
        verb = "would be taken" if self.report.dry_run else "taken"
        vaults = ", ".join(sorted(self.report.vaults)[:10])
        new = plural(self.report.taken.total(), "archive")
        where = f" into {vaults}" if vaults else ""
        return f"{near(str(self.report.source))}, {self.report.format}: {new} {verb}{where}."

    def _outcomes(self) -> list[tuple[str, str]]:
        report = self.report
        counted = [(words, report.taken[state]) for state, words in _OUTCOMES.items()]
        counted += [
            ("known already, and completed with what was missing", report.completed),
            ("known already", report.known),
            ("jobs not taken: the service lists those it still has", report.jobs),
            *((f"left: {why}", count) for why, count in report.left.reasons.most_common()),
        ]
        return [(words, f"{count:,}") for words, count in counted if count]

    def _left(self) -> list[tuple[str, str]]:
        return list(self.report.left)[:SHOWN]

    def _last(self) -> list[str]:
        more = len(self.report.left) - SHOWN
        words = [f"{more:,} more were left."] if more > 0 else []
        words += self.report.notes
        if self.report.dry_run:
            return [*words, "Nothing was written: this was a dry run."]
        if self.report.taken["unknown"]:
            words.append(f"Next: {self._program} inventory tells which of them are there.")
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
_LEFT = ("left", "why")


def _configure(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="the other program's file")
    parser.add_argument(
        "--vault",
        metavar="VAULT",
        help="where its archives are (the vault in use, where the file names none)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")


def _run(console: Console, args: Namespace) -> Taken:
    imported = importers.read(args.path)
    if args.vault is not None:
        console.session.service.describe_vault(args.vault)  # a slip would make one up
    report = importers.take(
        imported,
        console.session.catalogue,
        vault=args.vault,
        otherwise=lambda: console.vault(None).name,
        dry_run=args.dry_run,
    )
    taken = Taken(report, console.face.program)
    if report.left.cut:
        console.face.note(repr(taken))
        raise IntegrityError(
            f"{near(str(report.source))} ends too early: what was behind its end is not known",
            cure="Get the whole file and import it again; nothing is taken twice.",
        )
    return taken


VERB = Verb(
    name="import",
    summary="import what another program recorded of your archives",
    run=_run,
    configure=_configure,
    examples=(("import ~/.bakthat.sqlite --vault backups", ""), ("import inventory.json --dry-run", "")),
    details=(
        "Reads the shelve file of GlacierVault, the SQLite files of bakthat and glacier-cli, the "
        "journal of mt-aws-glacier, and inventories saved as JSON or CSV. An import never "
        "overwrites what an inventory that was read here says."
    ),
)
