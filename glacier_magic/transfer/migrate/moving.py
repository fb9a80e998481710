"""The copy of a range of a job's output to S3: one verified range is one part of an object, or all of it.

The task of a range is a plain value, so that any :class:`concurrent.futures.Executor` can run
:func:`copy_range`, in a thread, another process or on another computer.  It has no keys: a worker signs
with the credentials that its own chain finds.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol, TypeVar

from ...base.extras import missing
from ...base.files import temporary_folder
from ...base.native_crc import native_crc
from ...base.units import human_bytes
from ...errors import IntegrityError, LocalError, Refused
from ...service import Connection, Service, open_service
from ...service.bodies import MemoryBody
from ...service.object_store import CRC64NVME, EXISTS, SHA256, ObjectStore, ObjectToWrite

T = TypeVar("T")

_thread = threading.local()
"""Has the memory that a worker's thread keeps: new pages for each range cost as much as to hash it."""

IN_MEMORY = 64 << 20
"""Bytes of a range that is held in memory; a larger one is held in a temporary file."""


@dataclass(frozen=True, kw_only=True)
class RangeTask:
    """A range of a job's output, and the part or object of S3 that it becomes.

    :param source: the connection to the vault service.
    :param start: the first byte of the range, which is a node of the archive's tree.
    :param region: the region of the bucket.
    :param upload_id: the upload that the part belongs to; None for a whole object.
    :param number: the number of the part, from 1.
    :param wanted: the tree hash that the bytes must have besides that of the service; None if not known.
    """

    source: Connection
    vault: str
    job_id: str
    start: int
    size: int
    region: str
    new: ObjectToWrite
    upload_id: str | None = None
    number: int = 0
    wanted: str | None = None


@dataclass(frozen=True, kw_only=True)
class RangeDone:
    """A range that was sent: tree hash and SHA-256 in hexadecimal digits, and the answer of S3.

    :param sha256: empty if S3 was told another checksum.
    :param crc64: its CRC-64/NVME in base64; None where AWS's library is not installed.
    :param etag: None where the key of a whole object has one already, which is unchanged.
    """

    root: str
    sha256: str
    crc64: str | None = None
    etag: str | None = None
    version: str | None = None


class Attempt(Protocol):
    """Calls a function, and repeats it as its owner sees fit."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """Return the result of *call*."""


def copy_range(task: RangeTask) -> RangeDone:
    """Copy a range with the connections of this process, which are opened on its first task.

    :raises GlacierError: it is not copied; the error can be pickled.
    """
    service = _service(task.source)
    return copied(task, service, _objects(task.source, task.region), held(task.size))


def held(size: int) -> memoryview:
    """Return room for the bytes of a range, in memory until the thread asks for more, or in a file."""
    if size > IN_MEMORY:
        return memoryview(spooled(size))
    room = getattr(_thread, "room", None)
    if room is None or len(room) < size:
        room = _thread.room = bytearray(size)
    return memoryview(room)[:size]


def spooled(size: int) -> mmap.mmap:
    """Return the mapping of a new temporary file, which lasts as long.

    :raises LocalError: the disk has no room for it.
    """
    folder = temporary_folder()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            # Where the room is not taken, a full disk would end the process that writes to the mapping.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise LocalError(
            f"There is no temporary file of {human_bytes(size)} in {folder}: {error.strerror or error}",
            cure="Free some space, or let the environment variable TMPDIR name another folder.",
        ) from None


def copied(
    task: RangeTask,
    service: Service,
    objects: ObjectStore,
    buffer: memoryview,
    *,
    attempt: Attempt = lambda call: call(),
    pace: Callable[[int], object] = lambda _: None,
    intend: Callable[[RangeDone], None] = lambda _: None,
) -> RangeDone:
    """Fetch a range into *buffer*, verify it, and send it.

    :param attempt: makes the two requests.
    :param pace: called with the bytes that arrived.
    :param intend: called with the hashes before anything is sent.
    :raises IntegrityError: the bytes are not those of the archive; nothing was sent.
    """
    body = attempt(lambda: _fetched(task, service, buffer, pace))
    done = RangeDone(root=body.tree.hex(), sha256=body.sha256, crc64=_crc64(buffer[: task.size]))
    if done.crc64 is None and task.new.algorithm == CRC64NVME:
        raise missing("awscrt", "crt")
    intend(done)
    return attempt(lambda: _sent(task, objects, body, done))


def _fetched(
    task: RangeTask, service: Service, buffer: memoryview, pace: Callable[[int], object]
) -> MemoryBody:
    end = task.start + task.size - 1
    filled = 0
    with service.open_output(task.vault, task.job_id, task.start, task.size) as output:
        while filled < task.size:
            count = output.readinto(buffer[filled : min(filled + (1 << 20), task.size)])
            if not count:
                raise IntegrityError(f"{filled} of {task.size} bytes arrived from byte {task.start}")
            pace(count)
            filled += count
    body = MemoryBody(buffer[: task.size], whole=task.new.algorithm == SHA256)
    root = body.tree.hex()
    if output.tree_hash is None:
        raise IntegrityError(f"Bytes {task.start}-{end} arrived without their tree hash")
    if root != output.tree_hash:
        raise IntegrityError(f"Bytes {task.start}-{end} arrived damaged")
    if task.wanted not in (None, root):
        raise IntegrityError(f"The archive came back with tree hash {root} instead of {task.wanted}")
    return body


def _crc64(data: memoryview) -> str | None:
    check, value = native_crc("crc64nvme"), 0
    if check is None:
        return None
    for start in range(0, len(data), IN_MEMORY):
        value = check(data[start : start + IN_MEMORY], value)
    return b64encode(value.to_bytes(8, "big")).decode()


def _sent(task: RangeTask, objects: ObjectStore, body: MemoryBody, done: RangeDone) -> RangeDone:
    body.seek(0)  # an earlier attempt has read it
    checksum = (done.crc64 or "") if task.new.algorithm == CRC64NVME else ""
    if task.upload_id is not None:
        return replace(done, etag=objects.send(task.new, task.upload_id, task.number, body, checksum))
    try:
        etag, version = objects.put(task.new, body, checksum)
    except Refused as error:
        if error.code != EXISTS:
            raise
        return done
    return replace(done, etag=etag, version=version)


@cache
def _service(connection: Connection) -> Service:
    return open_service(connection)


@cache
def _objects(connection: Connection, region: str) -> ObjectStore:
    return ObjectStore(_service(connection), region)
