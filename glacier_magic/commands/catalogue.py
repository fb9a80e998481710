"""The catalogue itself: where it is and how old, checked, backed up, restored, exported, merged."""

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
from ..jobs import Batch
from ..plans.replacing import ReplacePlan
from ..steps import step
from .console import Console
from .grammar import Parser, Verb
from .import_ import Taken
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
        "nothing: how it is",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="for export: .parquet or .csv")
    vault_option(parser)
    parser.add_argument("--yes", action="store_true", help="restore without asking")
    parser.add_argument(
        "--repair", action="store_true", help="check, and make anew what follows from the rows"
    )


def _run(console: Console, args: Namespace) -> Any:
    if (args.action in WITH_FILE) != bool(args.file):
        which = f"{args.action} needs a file" if args.action in WITH_FILE else "No file belongs to it"
        raise InputError(which, cure=f"{step('catalogue', '--help')} says more.")
    for option, owner in (("vault", ("export", "import")), ("yes", ("restore",)), ("repair", ("check",))):
        if getattr(args, option) and args.action not in owner:
            raise InputError(f"--{option} goes with {' and '.join(owner)}")
    return _ACTIONS[args.action](console, args)


@contextmanager
def _opened(console: Console) -> Iterator[Catalogue]:
    """Give the session's catalogue, else the one it would have: no service is needed for it."""
    if console.connected is not None:
        yield console.connected.catalogue
        return
    place = catalogue_place(console.connection)
    if isinstance(place, Path) and not place.exists():
        raise InputError(f"There is no catalogue yet at {place}", cure="It is made by the first connection.")
    catalogue = Catalogue(place, Scope("", ""))
    try:
        yield catalogue
    finally:
        catalogue.close()


def _path(console: Console) -> Path:
    """Return the catalogue's file; raises :class:`CatalogueError` where it is on a server."""
    if console.connected is not None:
        return console.connected.catalogue.path
    return catalogue_file(console.connection)


def _file(args: Namespace) -> Path:
    return Path(args.file).expanduser().absolute()


def _status(console: Console, _: Namespace) -> pd.DataFrame:
    with _opened(console) as catalogue:
        table = dataframes.catalogued(maintenance.vaults(catalogue.database))
        size, version = catalogue.database.size(), maintenance.version()
        table.attrs.update(path=catalogue.place, bytes=size, version=version)
    count = plural(int(table["archives"].sum()), "archive")
    console.face.note(
        f"{table.attrs['path']}: {human_bytes(size)}, tables of version {version}, {count} in "
        f"{plural(len(table), 'vault')}. Each is as old as its inventory; what was stored from "
        "here since is in it."
    )
    return table


def _check(console: Console, args: Namespace) -> pd.DataFrame:
    with _opened(console) as catalogue:
        found = maintenance.check(catalogue)
        if args.repair and any(each.cure == maintenance.how_to_repair() for each in found):
            maintenance.repair(catalogue)
            found = maintenance.check(catalogue)
            console.face.note("What follows from the rows was made anew.")
        place = catalogue.place
    wrong = [each for each in found if each.problems]
    if wrong:
        words = "; ".join(f"{each.check}: {each.detail}" for each in wrong)
        cures = " ".join(dict.fromkeys(each.cure for each in wrong))
        raise CatalogueError(f"The catalogue {place} is not as it should be: {words}", cure=cures)
    console.face.note(f"{place} is whole: {len(found)} checks, no problem.")
    return dataframes.checked(vars(each) for each in found)


def _backup(console: Console, args: Namespace) -> None:
    target = _file(args)
    with _opened(console) as catalogue:
        made = filing.backup(catalogue.path, target)
    console.face.note(
        f"{target}: {plural(made.archives, 'archive')} in {plural(made.vaults, 'vault')}, "
        f"{human_bytes(made.bytes)}, whole. {step('catalogue', 'restore')} brings it back."
    )


def _restore(console: Console, args: Namespace) -> Any:
    plan = ReplacePlan(_file(args), _path(console), console.close)
    return console.settle(plan, yes=args.yes)


def _export(console: Console, args: Namespace) -> None:
    target = _file(args)
    with _opened(console) as catalogue:
        count = export(catalogue.database, target, args.vault)
    console.face.note(
        f"{target}: {plural(count, 'archive')} in any state, {human_bytes(target.stat().st_size)}."
    )


def _import(console: Console, args: Namespace) -> Taken:
    file = _file(args)
    with suppress(CatalogueError):  # on a server it is no file
        own = console.session.catalogue.path
        if file.exists() and own.exists() and file.samefile(own):
            raise InputError(f"{file} is the catalogue itself", cure="Name another one.")
    imported = importers.read(file)
    if imported.format.partition(" (")[0] not in importers.OWN:
        raise InputError(
            f"{args.file} is {imported.format}, not a catalogue or what one exported",
            cure=f"{step('import')} takes over what other programs recorded.",
        )
    report = importers.take(imported, console.session.catalogue, vault=args.vault)
    return Taken(report, console.face.program)


def _resume(console: Console, _: Namespace) -> Batch:
    console.face.note(console.session.held.resume())
    return console.session.jobs()


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
    configure=_configure,
    examples=(
        ("catalogue", ""),
        ("catalogue check", ""),
        ("catalogue backup ~/glacier-backup.sqlite", ""),
        ("catalogue export archives.parquet", ""),
    ),
    details=(
        "backup copies the catalogue to a new file while other processes write; restore puts such "
        "a file in its place, after a confirmation, and keeps the replaced file beside it. export "
        "writes all archives; import merges another catalogue or an exported table: what is known "
        "here stays as it is."
    ),
)
