"""What nobody can take back: deleting archives, and emptying and dropping vaults."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentTypeError, Namespace
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..base.rendering import Rendered, html_table, text_table
from ..base.units import MOST_BYTES, from_ms, local_time, plural
from ..catalogue import Deletion
from ..errors import GlacierError, InputError
from ..jobs import Batch
from ..plans import Deleted
from ..plans.delete.delete import failure
from ..prices import parse_money
from .account import vault_name
from .archives import vault_option, waiting_options
from .console import Console
from .grammar import Parser, Verb

if TYPE_CHECKING:
    import pandas as pd


def _fee(text: str) -> Decimal:
    """Return the US dollars that an option's value means."""
    try:
        return parse_money(text)
    except (ValueError, GlacierError) as error:
        raise ArgumentTypeError(str(error)) from None


def _number(text: str) -> int:
    """Return the number of a deletion, which the catalogue counts up from 1."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:20]) <= MOST_BYTES):
        raise ArgumentTypeError(f"not the number of a deletion: {text[:30]!r}; they begin with 1")
    return int(text)


def _guards(parser: Parser) -> None:
    """Add ``--yes``, ``--confirm`` and ``--max-fee``."""
    parser.add_argument("--yes", action="store_true", help="without asking; one archive only")
    parser.add_argument(
        "--confirm", metavar="VAULT", help="the vault's name: for more than one archive, no --yes"
    )
    parser.add_argument(
        "--max-fee", metavar="USD", type=_fee, help="refuse if early deletion costs more"
    )


# rm


def _configure_rm(parser: Parser) -> None:
    parser.add_argument(
        "archives", nargs="*", metavar="GLOB|id:ID",
        help="names (* matches / too; folder/ is all below it), or id: and an archive id",
    )  # fmt: skip
    parser.add_argument("--where", metavar="COND", help="such as \"created < '2016'\"")
    vault_option(parser)
    _guards(parser)


def _rm(console: Console, args: Namespace) -> Any:
    if not args.archives and not args.where:
        raise InputError("Which archives?", cure="Name them, or give a condition with --where.")
    vault = console.vault(args.vault)
    plan = vault.remove(*args.archives, where=args.where, max_fee=args.max_fee)
    return _clear(console, console.settle(plan, yes=args.yes, confirm=args.confirm))


def _clear(console: Console, outcome: Any) -> Any:
    """Return what a deletion gave, or raise that it failed in part: a script must see that."""
    if not isinstance(outcome, Deleted) or outcome.failure is None:
        return outcome
    console.face.note(outcome.words)
    now = console.session.catalogue.deletions.get(outcome.number)
    raise failure(now, outcome.failure)


# deletions


class Unfinished(Rendered):
    """Deletions with something left to do, or that failed in part."""

    def __init__(self, deletions: Sequence[Deletion]) -> None:
        self.deletions = list(deletions)

    @property
    def table(self) -> pd.DataFrame:
        """One row a deletion: id, vault, archives, deleted, failed, left, error."""
        import pandas as pd  # noqa: PLC0415

        names = ("id", "vault", "archives", "deleted", "failed", "left", "error")
        return pd.DataFrame([[getattr(d, n) for n in names] for d in self.deletions], columns=names)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(d.id),
                d.vault,
                f"{d.deleted:,} of {d.archives:,}",
                f"{d.failed:,}",
                local_time(from_ms(d.created)),
                "under way" if d.held else (d.error or "not finished"),
            )
            for d in self.deletions
        ]

    def _repr_text(self) -> str:
        if not self.deletions:
            return "No unfinished deletions."
        return "\n".join([text_table(_HEAD, self._rows(), numbers=(0, 2, 3)), _HOW])

    def _repr_html(self) -> str:
        if not self.deletions:
            return super()._repr_html()
        table = html_table(_HEAD, self._rows(), numbers=(0, 2, 3), long=(5,))
        return f"{table}<p class='glacier-note'>{_HOW}</p>"


_HEAD = ("id", "vault", "deleted", "failed", "confirmed", "state")
_HOW = "%glacier deletions ID shows what failed, --resume goes on, --forget leaves the rest alone."


def _configure_deletions(parser: Parser) -> None:
    parser.add_argument("id", nargs="?", type=_number, metavar="ID", help="show this one")
    parser.add_argument(
        "--resume", nargs="*", type=_number, metavar="ID", default=SUPPRESS,
        help="go on with all, or these; what failed is tried again",
    )  # fmt: skip
    parser.add_argument(
        "--forget", nargs="+", type=_number, metavar="ID", help="do not delete what is left"
    )


def _deletions(console: Console, args: Namespace) -> Any:
    queues = console.session.catalogue.deletions
    unfinished = queues.unfinished()
    if args.forget:
        for deletion in [_chosen(unfinished, number) for number in args.forget]:
            queues.ended(deletion.id, "forgotten", "forgotten by the user")
        return f"Forgot {plural(len(args.forget), 'deletion')}: what is left is not deleted."
    if hasattr(args, "resume"):
        return _resume(console, [_chosen(unfinished, n) for n in args.resume] or unfinished)
    if args.id is not None:
        return Deleted(queues, _known(console, args.id))
    return Unfinished(unfinished)


def _chosen(deletions: Sequence[Deletion], number: int) -> Deletion:
    found = next((d for d in deletions if d.id == number), None)
    if found is None:
        raise InputError(
            f"There is no unfinished deletion {number}", cure="%glacier deletions lists them."
        )
    return found


def _known(console: Console, number: int) -> Deletion:
    try:
        return console.session.catalogue.deletions.get(number)
    except LookupError:
        raise InputError(
            f"There is no deletion {number}", cure="%glacier deletions lists the unfinished ones."
        ) from None


def _resume(console: Console, deletions: Sequence[Deletion]) -> Any:
    done = []
    for deletion in deletions:
        with console.face.progress() as observer:
            done.append(console.session.resume_deletion(deletion, observer))
    for outcome in done[:-1]:
        console.face.note(outcome.words)
    return _clear(console, done[-1]) if done else "No unfinished deletions."


# drop


def _configure_drop(parser: Parser) -> None:
    vault_name(parser)
    parser.add_argument(
        "--with-archives", action="store_true", help="empty it first: takes a day or two"
    )
    parser.add_argument("--stop", action="store_true", help="end a drop that is under way")
    _guards(parser)
    waiting_options(parser)


def _drop(console: Console, args: Namespace) -> Any:
    session = console.session
    if args.stop:
        return session.stop_drop(args.name)
    if not args.with_archives:
        return console.settle(session.drop_vault(args.name), yes=args.yes or bool(args.confirm))
    found = session.drop_with_archives(args.name, max_fee=args.max_fee)
    if isinstance(found, Batch) and args.wait:
        console.face.follow(found, args.timeout)  # to the list, or to the end
        found = session.drop_with_archives(args.name, max_fee=args.max_fee)
    if isinstance(found, Batch):
        return found
    outcome = console.settle(found, yes=args.yes, confirm=args.confirm)
    if isinstance(outcome, Batch) and args.wait:
        return console.face.follow(outcome, args.timeout)
    return outcome


def _drops(console: Console, _: Namespace) -> Any:
    return console.session.drops()


VERBS = (
    Verb(
        name="rm",
        summary="delete archives",
        interrupted="%glacier deletions --resume goes on with what was confirmed.",
        run=_rm,
        configure=_configure_rm,
        details="Shows the plan first. More than one archive needs the vault's name, typed; what\n"
        "is to be deleted is saved before the first request; after an interruption the verb\n"
        "deletions goes on with it.",
    ),
    Verb(
        name="deletions",
        summary="unfinished deletions: list, resume, forget",
        run=_deletions,
        configure=_configure_deletions,
        details="Only what was confirmed is ever deleted, whatever has come into the vault since.",
    ),
    Verb(
        name="drop",
        summary="delete a vault, an empty one or with its archives",
        run=_drop,
        configure=_configure_drop,
        details="The service drops a vault only when an inventory made after its last change\n"
        "shows it empty. --with-archives lists what is in it, asks, deletes it, waits for that\n"
        "inventory and drops the vault; it goes on by itself while a session is open, and stops\n"
        "at anything that appears meanwhile.",
    ),
    Verb(name="drops", summary="vaults on their way out", run=_drops),
)
