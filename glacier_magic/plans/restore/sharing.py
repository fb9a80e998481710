"""Restore plans as files for a colleague to run; their content is not trusted.

The file is JSON.  It only names archives: what each takes is decided again where it is opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from ...base.files import write_new
from ...base.safenames import safe_parts
from ...base.units import LARGEST_ARCHIVE, human_bytes, plural
from ...catalogue import ArchiveRecord, Scope
from ...catalogue.archives import states
from ...catalogue.archives.archives import Archives
from ...errors import InputError, LocalError
from ...errors.steps import step
from ...jobs import TIERS

FORMAT, VERSION = "glacier_magic restore plan", 1
LARGEST = 64 << 20
"""Bytes of a plan file: some 200,000 archives."""

_ID = re.compile(r"[A-Za-z0-9_-]{138}")  # the documented length of an archive id
_HASH = re.compile(r"[0-9a-f]{64}")
_VAULT = re.compile(r"[A-Za-z0-9_.-]{1,255}")  # the service's rule for names
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_DIGITS = re.compile(r"[0-9]{4}")
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999  # milliseconds: years 1 to 9999
_LONGEST_NAME = 4096


@dataclass(frozen=True, kw_only=True)
class SharedPlan:
    """The content of a plan file.

    :param account_ends: the last four digits of the account that owns the vault.
    """

    vault: str
    region: str
    account_ends: str
    tier: str
    archives: tuple[ArchiveRecord, ...]


@dataclass(frozen=True)
class Known:
    """The archives of a plan file as a catalogue knows them; *claimed* are ids it does not know."""

    archives: list[ArchiveRecord]
    claimed: frozenset[str]


# Writing


def write(
    path: Path,
    archives: Iterable[ArchiveRecord],
    *,
    vault: str,
    tier: str,
    scope: Scope,
    price: str,
    now: datetime,
) -> Path:
    """Write a plan file, whole or not at all; return its path.

    :param price: its price when it was saved, as text.
    :raises LocalError: there is a file of that name, or it cannot be written.
    :raises InputError: the file would be larger than can be read again.
    """
    described = [_described(archive) for archive in archives]
    data = {
        "format": FORMAT,
        "version": VERSION,
        "saved": now.isoformat(timespec="seconds"),
        "vault": vault,
        "region": scope.region,
        "account_ends": scope.account[-4:],  # enough to notice a wrong account, too little to reveal it
        "tier": tier,
        "price": price,
        "archives": described,
    }
    content = (json.dumps(data, indent=0, ensure_ascii=True) + "\n").encode()
    if len(content) > LARGEST:
        raise InputError(
            f"A plan of {plural(len(described), 'archive')} does not fit in one file",
            cure="Save parts of it.",
        )
    try:
        write_new(path, content, 0o666)  # others are to read it
    except FileExistsError:
        raise LocalError(f"{path} exists already", cure="Name another file.") from None
    except OSError as error:
        raise LocalError(
            f"The plan cannot be written to {path}: {error.strerror or error}", cure="Name another file."
        ) from None
    return path


def _described(archive: ArchiveRecord) -> dict[str, Any]:
    return {
        "id": archive.archive_id,
        # a reader refuses names that are not safe: this program never writes any
        "name": "/".join(safe_parts(archive.file_name, fallback=archive.archive_id)),
        "size": archive.size,
        "tree_hash": archive.tree_hash,
        "mtime": archive.mtime,
    }


# Reading


def read(path: Path) -> SharedPlan:
    """Return the content of a plan file, after checking all of it.

    :raises InputError: it is no plan file, or not one of this version.
    :raises LocalError: it cannot be read.
    """

    def wrong(what: str) -> NoReturn:
        raise InputError(
            f"{path} is not a restore plan to run: {what}",
            cure=f"Ask for a new one: {step('restore', '... --save FILE')}.",
        )

    data = _parsed(path, wrong)
    if data.get("format") != FORMAT:
        wrong("it is some other JSON file")
    if type(data.get("version")) is not int or data["version"] != VERSION:  # True equals 1
        wrong(f"it is of version {_short(data.get('version'))}, and this program reads {VERSION}")
    fields = {"format", "version", "saved", "vault", "region", "account_ends", "tier", "price", "archives"}
    if set(data) != fields:  # strict: an unknown field could mean what this version does not do
        wrong(f"fields are missing or strange: {_short(sorted(set(data) ^ fields))}")
    for key, pattern in (("vault", _VAULT), ("region", _REGION), ("account_ends", _DIGITS)):
        if not isinstance(data[key], str) or not pattern.fullmatch(data[key]):
            wrong(f"{key} is {_short(data[key])}")
    if data["vault"] in (".", "..") or data["tier"] not in TIERS:  # dots would change the URL's path
        wrong(f"vault is {_short(data['vault'])} and tier is {_short(data['tier'])}")
    if not isinstance(data["archives"], list) or not data["archives"]:
        wrong("it names no archives")
    archives = tuple(_archive(each, data["vault"], wrong) for each in data["archives"])
    if len({a.archive_id for a in archives}) != len(archives):
        wrong("it names an archive twice")
    return SharedPlan(
        vault=data["vault"],
        region=data["region"],
        account_ends=data["account_ends"],
        tier=data["tier"],
        archives=archives,
    )


def _parsed(path: Path, wrong: Callable[[str], NoReturn]) -> dict[str, Any]:
    try:
        if not path.is_file():  # a device or pipe could be endless
            raise LocalError(f"There is no file {path}", cure="Check the name.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)  # the size on disk may be wrong or change
    except (OSError, ValueError) as error:
        if isinstance(error, LocalError):  # which is an OSError as well
            raise
        reason = getattr(error, "strerror", None) or error
        raise LocalError(f"{path} cannot be read: {reason}", cure="Check the name.") from None
    if len(content) > LARGEST:
        wrong(f"it is larger than {human_bytes(LARGEST)}")
    try:
        data = json.loads(content.decode())
    except (ValueError, RecursionError):  # deeply nested lists end the stack
        wrong("it is not JSON")
    if not isinstance(data, dict):
        wrong("it is some other JSON file")
    return data


def _archive(data: Any, vault: str, wrong: Callable[[str], NoReturn]) -> ArchiveRecord:
    if not isinstance(data, dict) or set(data) != {"id", "name", "size", "tree_hash", "mtime"}:
        wrong(f"an archive is {_short(data)}")
    if not _matches(_ID, data["id"]):
        wrong(f"the id of an archive is {_short(data['id'])}")
    if data["tree_hash"] is not None and not _matches(_HASH, data["tree_hash"]):
        wrong(f"a tree hash is {_short(data['tree_hash'])}")
    if not _whole(data["size"], 1, LARGEST_ARCHIVE) or not _whole(data["mtime"], _EARLIEST, _LATEST):
        wrong(f"size and mtime of an archive are {_short((data['size'], data['mtime']))}")
    name = data["name"]
    if not isinstance(name, str) or not _harmless(name, data["id"]):
        wrong(f"the name of an archive is {_short(name)}")
    return ArchiveRecord(
        vault=vault,
        archive_id=data["id"],
        name=name,
        description=name,
        format="plain",
        mtime=data["mtime"],
        size=data["size"],
        created=None,
        tree_hash=data["tree_hash"],
        state="unknown",  # until the catalogue knows it: what the file says is no inventory
        seen=None,
    )


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _whole(value: Any, least: int, most: int) -> bool:
    return value is None or (type(value) is int and least <= value <= most)  # True is an int


def _harmless(name: str, archive_id: str) -> bool:
    """Return whether writing the file would give the name unchanged."""
    if not name or len(name) > _LONGEST_NAME:
        return False
    return "/".join(safe_parts(name, fallback=archive_id)) == name  # or a plan shows one and writes another


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"  # a message must not repeat a whole file


# Opening


def check_place(shared: SharedPlan, *, account: str, region: str) -> None:
    """Refuse a plan for another region, or of another account's vault.

    :raises InputError: with the way to get there.
    """
    if shared.region != region:
        raise InputError(
            f"The plan is for the vault {shared.vault!r} in {shared.region}, and this is {region}",
            cure=f"{step('connect', f'--region {shared.region}')}",
        )
    if not account.endswith(shared.account_ends):
        raise InputError(
            f"The plan is for the vault {shared.vault!r} of the account that ends in "
            f"{shared.account_ends}, and this one ends in {account[-4:]}",
            cure=f"Connect to that account ({step('connect', '--profile NAME')}). Or, where the access "
            f"policy of its vault lets yours in: {step('connect', '--account ID')}, with the 12 digits "
            "of the owner, who pays for the retrieval.",
        )


def known_by(archives: Archives, shared: SharedPlan) -> Known:
    """Return the archives of a plan, with what the catalogue knows of them.

    :raises InputError: the catalogue has deleted one, or knows another size or tree hash.
    """
    found: list[ArchiveRecord] = []
    claimed: set[str] = set()
    for named in shared.archives:
        known = archives.get(shared.vault, named.archive_id)
        if known is None:  # the price then rests on what the file says
            claimed.add(named.archive_id)
            found.append(named)
            continue
        _agree(known, named)
        found.append(
            replace(
                known,
                name=named.name,
                mtime=named.mtime,
                size=known.size or named.size,  # the catalogue comes first: the file is not trusted
                tree_hash=known.tree_hash or named.tree_hash,
            )
        )
        if known.size is None:  # the price then rests on the file alone
            claimed.add(named.archive_id)
    return Known(found, frozenset(claimed))


def _agree(known: ArchiveRecord, named: ArchiveRecord) -> None:
    if known.state == states.DELETED:
        raise InputError(
            f"{named.name!r} of the plan was deleted from {known.vault!r}", cure="Ask for a new plan."
        )
    for here, there in ((known.size, named.size), (known.tree_hash, named.tree_hash)):
        if here is not None and there is not None and here != there:
            raise InputError(
                f"The plan says of {named.name!r} that it is {there}; your catalogue knows {here}",
                cure="Do not trust this file; ask for a new plan.",
            )
