"""The catalogue: its status, checks, backups, exports and imports."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import importers
from ..base import dataframes
from ..base.paths import catalogue_file, catalogue_place
from ..base.units import human_bytes, plural
from ..catalogue import Catalogue, Scope, maintenance
from ..catalogue.exporting import export
from ..catalogue.storage import backup as filing
from ..errors import CatalogueError, InputError
from ..errors.steps import step
from ..jobs import Batch
from ..plans.replacing import ReplacePlan
from .console import Console
from .grammar import Parser, Verb
from .import_ import ImportResult
from .options import vault_option

if TYPE_CHECKING:
    import pandas as pd

WITH_FILE = ("backup", "restore", "export", "import")
ACTIONS = ("check", *WITH_FILE, "resume", "discard")


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        metavar="ACTION",
        help="check, backup FILE, restore FILE, export FILE, import FILE, resume, discard; "
        "its status if left out",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="for export: .parquet or .csv")
    vault_option(parser)
    parser.add_argument("--yes", action="store_true", help="restore without asking")
    parser.add_argument(
        "--repair", action="store_true", help="with check: rebuild what is derived from the rows"
    )


def _run(console: Console, args: Namespace) -> Any:
    if (args.action in WITH_FILE) != bool(args.file):
        which = f"{args.action} needs a file" if args.action in WITH_FILE else "This action takes no file"
        raise InputError(which, cure=f"{step('catalogue', '--help')} says more.")
    for option, owner in (("vault", ("export", "import")), ("yes", ("restore",)), ("repair", ("check",))):
        # An option without effect may be a misunderstanding.
        if getattr(args, option) and args.action not in owner:
            raise InputError(f"--{option} goes with {' and '.join(owner)}")
    return _ACTIONS[args.action](console, args)


@contextmanager
def _opened(console: Console) -> Iterator[Catalogue]:
    """Open the catalogue of the session, or the one it would use; no request is sent."""
    if console.connected is not None:
        yield console.connected.catalogue
        return
    place = catalogue_place(console.connection)
    if isinstance(place, Path) and not place.exists():
        raise InputError(f"There is no catalogue yet at {place}", cure="The first connection creates it.")
    catalogue = Catalogue(place, Scope("", ""))  # the account is not known without a request
    try:
        yield catalogue
    finally:
        catalogue.close()


def _path(console: Console) -> Path:
    """Return the catalogue's file.

    :raises CatalogueError: the catalogue is on a server.
    """
    if console.connected is not None:
        return console.connected.catalogue.path  # not by _opened(): a damaged catalogue must be replaceable
    return catalogue_file(console.connection)


def _file(args: Namespace) -> Path:
    return Path(args.file).expanduser().absolute()  # absolute, as a message says where a file is


def _status(console: Console, _: Namespace) -> pd.DataFrame:
    with _opened(console) as catalogue:
        table = dataframes.catalogued(maintenance.vaults(catalogue.database))
        size, version = catalogue.database.size(), maintenance.version()
        table.attrs.update(path=catalogue.place, bytes=size, version=version)
    count = plural(int(table["archives"].sum()), "archive")
    console.face.note(
        f"{table.attrs['path']}: {human_bytes(size)}, tables of version {version}, {count} in "
        f"{plural(len(table), 'vault')}. Each vault is as of its last inventory, plus what "
        "this catalogue stored since."
    )
    return table


def _check(console: Console, args: Namespace) -> pd.DataFrame:
    with _opened(console) as catalogue:
        with console.face.progress("Checking the catalogue"):
            found = maintenance.check(catalogue)
        # Only what is derived: a backup or an inventory brings back the rows themselves.
        if args.repair and any(each.cure == maintenance.how_to_repair() for each in found):
            with console.face.progress("Repairing the catalogue"):
                maintenance.repair(catalogue)
                found = maintenance.check(catalogue)
            console.face.note("What is derived from the rows was rebuilt.")
        place = catalogue.place
    wrong = [each for each in found if each.problems]
    if wrong:
        words = "; ".join(f"{each.check}: {each.detail}" for each in wrong)
        cures = " ".join(dict.fromkeys(each.cure for each in wrong))
        # A script sees it by the exit code.
        raise CatalogueError(f"The catalogue {place} has problems: {words}", cure=cures)
    console.face.note(f"{place}: {len(found)} checks, no problems.")
    return dataframes.checked(vars(each) for each in found)


def _backup(console: Console, args: Namespace) -> None:
    target = _file(args)
    with _opened(console) as catalogue, console.face.progress("Copying the catalogue"):
        made = filing.backup(catalogue.path, target)
    console.face.note(
        f"{target}: {plural(made.archives, 'archive')} in {plural(made.vaults, 'vault')}, "
        f"{human_bytes(made.bytes)}, checked. {step('catalogue', 'restore')} restores it."
    )


def _restore(console: Console, args: Namespace) -> Any:
    # The session is closed by the run, not before the user has agreed.
    plan = ReplacePlan(_file(args), _path(console), console.close)
    return console.settle(plan, yes=args.yes)


def _export(console: Console, args: Namespace) -> None:
    target = _file(args)
    with _opened(console) as catalogue, console.face.progress(f"Writing {args.file}"):
        count = export(catalogue.database, target, args.vault)
    console.face.note(
        f"{target}: {plural(count, 'archive')} in any state, {human_bytes(target.stat().st_size)}."
    )


def _import(console: Console, args: Namespace) -> ImportResult:
    file = _file(args)
    with suppress(CatalogueError):  # a catalogue on a server is not a file
        own = console.session.catalogue.path
        if file.exists() and own.exists() and file.samefile(own):
            raise InputError(f"{file} is the catalogue itself", cure="Name another one.")
    with console.face.progress(f"Reading {args.file}"):
        imported = importers.read(file)
    # Another program's file may mean other things by the same columns.
    if imported.format.partition(" (")[0] not in importers.OWN:
        raise InputError(
            f"{args.file} is {imported.format}, not a catalogue or what one exported",
            cure=f"{step('import')} imports other programs' records.",
        )
    with console.busy(f"Importing {args.file}"):
        report = importers.take(imported, console.session.catalogue, vault=args.vault)
    return ImportResult(report, console.face.program)


def _resume(console: Console, _: Namespace) -> Batch:
    session = console.session
    console.check_place()
    console.face.note(session.held.resume())
    return session.jobs()


def _discard(console: Console, _: Namespace) -> str:
    return console.session.held.discard()


_ACTIONS: dict[str | None, Callable[[Console, Namespace], Any]] = {
    None: _status,
    "check": _check,
    "backup": _backup,
    "restore": _restore,
    "export": _export,
    "import": _import,
    "resume": _resume,
    "discard": _discard,
}

VERB = Verb(
    name="catalogue",
    summary="show, check, back up, restore, export or merge the local record",
    run=_run,
    table=True,
    configure=_configure,
    examples=(
        ("catalogue", ""),
        ("catalogue check", ""),
        ("catalogue backup ~/glacier-backup.sqlite", ""),
        ("catalogue export archives.parquet", ""),
    ),
    details=(
        "backup copies the catalogue to a new file while other processes write; restore replaces "
        "the catalogue with such a file, after a confirmation, and renames the replaced file. "
        "export writes all archives; import merges another catalogue or an exported table, and "
        "never overwrites what the catalogue has."
    ),
)
