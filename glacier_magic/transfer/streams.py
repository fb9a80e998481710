"""Streams into archives: what a pipe gives until its end, whose length nobody knows."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from ..base.units import human_bytes, storable
from ..catalogue import ArchiveRecord, Upload
from ..errors import GlacierError, InputError, IntegrityError, LocalError
from ..service.bodies import MemoryBody
from .budget import Stopped
from .parts import PartSender, Piece
from .progress import Meter
from .upload import Uploader

STREAM_PART = 32 << 20
"""Bytes in a part of a stream: 10,000 of them are 312 GiB."""

MOST_PARTS = 10_000


@dataclass(frozen=True)
class StreamUploader:
    """Stores streams through an uploader.

    A stream is never taken for the rest of an earlier one: what a pipe gives today need not be
    what it gave yesterday, and does not come twice.
    """

    uploader: Uploader
    name: str
    description: str
    meter: Meter

    def store(self, stream: BinaryIO) -> ArchiveRecord:
        """Store what *stream* gives until its end, whose length nobody knows.

        :raises InputError: it is empty, not binary, or longer than 10,000 parts.
        :raises LocalError: it cannot be read.
        """
        part_size = self.uploader.part_size or STREAM_PART
        pieces = self._pieces(stream, part_size)
        first = next(pieces, None)
        if first is None:
            raise InputError("The stream is empty, and the service stores no empty archives")
        try:
            earlier = self._settle_earlier()
            if len(first[0]) < part_size:
                record = self._in_one(first[0], earlier)
                first[1]()
                return record
            upload = self.uploader.start(self._intent(-1, part_size, None))
        except BaseException:
            first[1]()
            raise
        record = self._in_parts(upload, _behind(first, pieces), earlier)
        self._drop_cut_off()
        return record

    def _drop_cut_off(self) -> None:
        """Drop what was sent of earlier streams of this name: nothing can go on with it."""
        engine = self.uploader.engine
        for upload in engine.catalogue.uploads.open_of_path(self.uploader.vault, self._path):
            mine = upload.owner == engine.owner or not upload.held
            if upload.state == "sending" and upload.upload_id is not None and mine:
                engine.service.abort_upload(self.uploader.vault, upload.upload_id)
                engine.catalogue.uploads.ended(upload.id, "aborted", "sent again")

    def _settle_earlier(self) -> ArchiveRecord | None:
        """End a stream of this name that was cut off at its completion; return its archive.

        Its parts are all there, so this needs none of its bytes.
        """
        found = self.uploader.engine.catalogue.uploads.unfinished_stream(
            vault=self.uploader.vault, path=self._path, description=self.description
        )
        if found is None or found.state == "sending":
            return None
        found, _ = self.uploader.resume(found)
        if found is None:
            return None
        with suppress(IntegrityError):  # the next inventory tells how that one ended
            return self.uploader.complete(found, found.tree_hash or "")
        return None

    @property
    def _path(self) -> str:
        return storable(f"stream:{self.name}")

    def _intent(self, size: int, part_size: int | None, tree: str | None) -> Upload:
        return self.uploader.engine.catalogue.uploads.begin(
            vault=self.uploader.vault,
            path=self._path,
            size=size,
            mtime_ns=0,
            name=storable(self.name),
            description=self.description,
            part_size=part_size,
            owner=self.uploader.engine.owner,
            tree_hash=tree,
        )

    def _in_one(self, data: memoryview, earlier: ArchiveRecord | None) -> ArchiveRecord:
        body = MemoryBody(data)
        if earlier is not None and earlier.tree_hash == body.tree.hex():
            return earlier
        upload = self._intent(len(body), None, body.tree.hex())
        try:
            archive_id, told = self.uploader.engine.budget.call(
                lambda: self.uploader.request(upload, body, self.meter),
                self.uploader.stop,
                self.meter.note,
            )
        except (GlacierError, Stopped) as error:
            self.uploader.give_up(upload, error)
            raise
        self.uploader.check(upload, archive_id, body.tree.hex(), told)
        return self.uploader.record(upload, archive_id, body.tree.hex())

    def _in_parts(
        self, upload: Upload, pieces: Iterator[Piece], earlier: ArchiveRecord | None
    ) -> ArchiveRecord:
        engine = self.uploader.engine
        sender = PartSender(engine, upload, {}, self.meter, self.uploader.stop)
        try:
            size, root = sender.send_pieces(pieces)
        except BaseException as error:
            engine.catalogue.uploads.released(upload.id, str(error))
            raise
        if earlier is not None and earlier.tree_hash == root.hex():
            engine.service.abort_upload(self.uploader.vault, upload.upload_id or "")
            engine.catalogue.uploads.ended(upload.id, "aborted", "the archive exists already")
            return earlier
        engine.catalogue.uploads.completing(upload.id, root.hex(), size)
        return self.uploader.complete(engine.catalogue.uploads.get(upload.id), root.hex())

    def _pieces(self, stream: BinaryIO, part_size: int) -> Iterator[Piece]:
        buffers = self.uploader.engine.buffers
        for number in range(MOST_PARTS + 1):
            buffer = buffers.take(part_size, self.uploader.stop)
            free = partial(buffers.give_back, buffer)
            view = memoryview(buffer)[:part_size]
            try:
                filled = _fill(stream, view)
                if filled and number == MOST_PARTS:
                    raise InputError(
                        f"The stream is longer than 10,000 parts of {human_bytes(part_size)}",
                        cure="Use a larger --part-size.",
                    )
            except BaseException:
                free()
                raise
            if not filled:
                free()
                return
            yield view[:filled], free


def _behind(first: Piece, rest: Iterator[Piece]) -> Iterator[Piece]:
    yield first
    yield from rest


def _fill(stream: BinaryIO, view: memoryview) -> int:
    """Read until *view* is full or the stream has ended; return how many bytes."""
    filled = 0
    while filled < len(view):
        data = _read(stream, min(1 << 20, len(view) - filled))
        if not data:
            break
        view[filled : filled + len(data)] = data
        filled += len(data)
    return filled


def _read(stream: BinaryIO, most: int) -> bytes:
    while True:
        try:
            data: Any = stream.read(most)
        except OSError as error:
            raise LocalError(f"The stream cannot be read: {error.strerror or error}") from None
        if isinstance(data, bytes | bytearray | memoryview):
            return bytes(data)
        if data is not None:
            raise InputError(
                f"The stream gives {type(data).__name__}, not bytes", cure='Open it with "rb".'
            )
        # None: nothing is there yet on a stream that does not wait by itself.
        with suppress(OSError, ValueError):
            select.select([stream], [], [], 0.2)
