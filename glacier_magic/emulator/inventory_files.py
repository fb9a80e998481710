"""The two forms of an inventory, as the real service writes them.

JSON is one compact line.  CSV always quotes the description and no other column; a double quote
in it becomes ``\\"`` while a backslash stays as it is, so that an ordinary CSV reader cannot read
it.  The emulator reproduces this flaw of the service.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

_BATCH = 2_000  # archives per write
# The function inside json.dumps, without a call to that for each.
_quoted = json.encoder.encode_basestring_ascii
CSV_HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"


class ArchiveLine(NamedTuple):
    """One archive; *created* is already formatted, in whole seconds."""

    archive_id: str
    description: str
    created: str
    size: int
    tree_hash: str


def csv_line(line: ArchiveLine) -> str:
    """Return the CSV line of one archive, with its line feed."""
    description = line.description.replace('"', '\\"')
    return f'{line.archive_id},"{description}",{line.created},{line.size},{line.tree_hash}\n'


def json_item(line: ArchiveLine) -> str:
    """Return the JSON object of one archive; a missing description is the empty string, not null."""
    return (
        # Only a description can hold what JSON has to escape.
        f'{{"ArchiveId":"{line.archive_id}","ArchiveDescription":{_quoted(line.description)},'
        f'"CreationDate":"{line.created}","Size":{line.size},"SHA256TreeHash":"{line.tree_hash}"}}'
    )


def write_csv(file: BinaryIO, lines: Iterable[ArchiveLine]) -> None:
    """Write the CSV form, which has neither the vault's ARN nor the inventory's date."""
    file.write(CSV_HEADER.encode("ascii"))
    for batch in _batches(lines):
        file.write("".join(map(csv_line, batch)).encode("ascii"))


def write_json(file: BinaryIO, vault_arn: str, date: str, lines: Iterable[ArchiveLine]) -> None:
    """Write the JSON form: one line, without a line feed."""
    head = f'{{"VaultARN":"{vault_arn}","InventoryDate":"{date}","ArchiveList":['
    file.write(head.encode("ascii"))
    comma = ""
    for batch in _batches(lines):
        file.write((comma + ",".join(map(json_item, batch))).encode("ascii"))
        comma = ","
    file.write(b"]}")


def _batches(lines: Iterable[ArchiveLine]) -> Iterator[list[ArchiveLine]]:
    iterator = iter(lines)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
