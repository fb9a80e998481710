"""Unfinished deletions: listing, resuming and forgetting them."""

from __future__ import annotations

from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..base.dataframes import marked
from ..base.rendering import Rendered, html_table, text_table
from ..base.units import MOST_BYTES, from_ms, local_time, plural
from ..catalogue import Deletion
from ..errors import InputError
from ..errors.steps import step
from ..plans import Deleted
from .console import Console
from .grammar import Parser, Verb
from .options import whole
from .rm import or_failure

if TYPE_CHECKING:
    import pandas as pd


_number = whole(1, MOST_BYTES, "the number of a deletion, from 1 on")


class Unfinished(Rendered):
    """Deletions that have archives left to delete."""

    def __init__(self, deletions: Sequence[Deletion]) -> None:
        self.deletions = list(deletions)

    @property
    def table(self) -> pd.DataFrame:
        """One row per deletion: id, vault, archives, deleted, failed, left, error."""
        import pandas as pd

        names = ("id", "vault", "archives", "deleted", "failed", "left", "error")
        return marked(pd.DataFrame([[getattr(d, n) for n in names] for d in self.deletions], columns=names))

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(d.id),
                d.vault,
                f"{d.deleted:,} of {d.archives:,}",
                f"{d.failed:,}",
                local_time(from_ms(d.created)),
                # Held: by the lease of a process that is deleting.
                "on hold" if d.on_hold else "in progress" if d.held else d.error or "not finished",
            )
            for d in self.deletions
        ]

    def _repr_text(self) -> str:
        if not self.deletions:
            return "No unfinished deletions."
        return "\n".join([text_table(_HEAD, self._rows(), numbers=(0, 2, 3)), _how()])

    def _repr_html(self) -> str:
        if not self.deletions:
            return super()._repr_html()
        table = html_table(_HEAD, self._rows(), numbers=(0, 2, 3), long=(5,))
        return f"{table}<p class='glacier-note'>{_how()}</p>"


_HEAD = ("id", "vault", "deleted", "failed", "confirmed", "state")


def _how() -> str:
    return f"{step('deletions', 'ID')} shows what failed, --resume continues, --forget cancels the rest."


def _configure(parser: Parser) -> None:
    parser.add_argument("id", nargs="?", type=_number, metavar="ID", help="show this deletion")
    parser.add_argument(
        "--resume",
        nargs="*",
        type=_number,
        metavar="ID",
        default=SUPPRESS,  # absent without --resume; [] means all
        help="resume all, or these; failed requests are repeated",
    )
    parser.add_argument(
        "--forget", nargs="+", type=_number, metavar="ID", help="cancel what is left of these"
    )


def _run(console: Console, args: Namespace) -> Any:
    queues = console.session.catalogue.deletions
    unfinished = queues.unfinished()
    if args.forget:
        # All are found before the first is cancelled.
        for deletion in [_chosen(unfinished, number) for number in args.forget]:
            queues.ended(deletion.id, "forgotten", "forgotten by the user")
        return f"Forgot {plural(len(args.forget), 'deletion')}; the remaining archives are not deleted."
    if hasattr(args, "resume"):
        # All are found before the first archive is deleted.
        return _resume(console, [_chosen(unfinished, n) for n in args.resume] or unfinished)
    if args.id is not None:
        return Deleted(queues, _known(console, args.id))
    return Unfinished(unfinished)


def _chosen(deletions: Sequence[Deletion], number: int) -> Deletion:
    found = next((d for d in deletions if d.id == number), None)
    if found is None:
        raise InputError(f"There is no unfinished deletion {number}", cure=f"{step('deletions')} lists them.")
    return found


def _known(console: Console, number: int) -> Deletion:
    try:
        return console.session.catalogue.deletions.get(number)
    except LookupError:
        raise InputError(
            f"There is no deletion {number}", cure=f"{step('deletions')} lists the unfinished ones."
        ) from None


def _resume(console: Console, deletions: Sequence[Deletion]) -> Any:
    console.check_place()
    done = []
    for deletion in deletions:
        with console.face.progress(f"Deleting from {deletion.vault}") as observer:
            # Only the archives that were confirmed then.
            done.append(console.session.resume_deletion(deletion, observer))
    if not done:
        return "No unfinished deletions."
    worst = max(done, key=lambda outcome: outcome.failure.exit_code if outcome.failure else 0)
    for outcome in done:
        if outcome is not worst:
            console.face.note(outcome.words)
    return or_failure(console, worst)


VERB = Verb(
    name="deletions",
    summary="list, resume or forget unfinished deletions",
    run=_run,
    table=True,
    configure=_configure,
    examples=(("deletions", ""), ("deletions --resume", ""), ("deletions --forget 3", "")),
    details=("Only the confirmed archives are deleted, whatever was added to the vault since."),
)
