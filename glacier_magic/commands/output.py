"""The forms of a verb's table: as text, JSON or CSV, with some or all columns."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.rendering import Rendered
from ..base.tables import ExactTable, csv_lines, json_lines

if TYPE_CHECKING:
    from .console import Face
    from .grammar import Parser


class OutputLines(Rendered):
    """Lines of text, which a shell prints as they are made."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def _repr_text(self) -> str:
        self._lines = list(self._lines)  # they may be shown again
        return "\n".join(self._lines)


@dataclass(frozen=True)
class TextOutput:
    """A table that a terminal shows as text.

    :param long: whether to show whole ids, and lines of any width.
    :param quiet: whether to leave out the heading and the note.
    """

    table: ExactTable
    long: bool = False
    quiet: bool = False


def output_options(parser: Parser) -> None:
    """Add the options of a verb that returns a table."""
    group = parser.add_argument_group("output")
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON: an object for each row, with exact values")
    form.add_argument("--csv", action="store_true", help="CSV with exact values")
    columns = group.add_mutually_exclusive_group()
    columns.add_argument("--long", action="store_true", help="all columns, and whole ids")
    columns.add_argument("--columns", metavar="NAMES", help="these columns, such as name,size,archive_id")
    group.add_argument("-q", "--quiet", action="store_true", help="only the rows, without heading and notes")


def shaped(face: Face, outcome: Any, args: Namespace) -> Any:
    """Return the result of a verb in the form that the line asks for.

    A notebook gets the DataFrame of a table, unless it is to be JSON or CSV.

    :raises InputError: there is no such column.
    """
    if not (args.json or args.csv or args.columns is not None) and (face.lasting or not is_table(outcome)):
        return _for_notebook(face, outcome)
    table = table_of(outcome)
    if table is None:
        return outcome
    if args.columns is not None:
        table = table.selected([name.strip() for name in args.columns.split(",")])
    if args.json:
        return OutputLines(json_lines(table))
    if args.csv:
        return OutputLines(csv_lines(table, heading=not args.quiet))
    if face.lasting:
        return _for_notebook(face, table)
    long = bool(args.long or args.columns)  # a column that was asked for is shown whole
    return TextOutput(table if long else table.selected(table.short), long=long, quiet=args.quiet)


def is_table(outcome: Any) -> bool:
    """Return whether a result is a table, without importing pandas."""
    return isinstance(outcome, ExactTable) or hasattr(outcome, "itertuples")


def table_of(outcome: Any) -> ExactTable | None:
    """Return a result, or the DataFrame that it has as ``table``, as a table; None if it is none."""
    if not is_table(outcome):
        outcome = getattr(outcome, "table", None)
        outcome = outcome() if callable(outcome) else outcome
    if not is_table(outcome):
        return None
    return outcome if isinstance(outcome, ExactTable) else ExactTable.of(outcome)


def _for_notebook(face: Face, outcome: Any) -> Any:
    if not isinstance(outcome, ExactTable):
        return outcome
    frame = outcome.frame()
    if note := outcome.note(frame.attrs, len(frame)):
        face.note(note)
    return frame
