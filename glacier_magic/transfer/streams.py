"""Streams into archives: what a pipe gives until its end, whose length nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from ..catalogue import ArchiveRecord, Upload
from ..errors import GlacierError, InputError
from ..service.bodies import MemoryBody
from ..units import human_bytes, storable
from .budget import Stopped
from .parts import PartSender, Piece
from .progress import Meter
from .upload import Uploader

STREAM_PART = 32 << 20
"""Bytes in a part of a stream: 10,000 of them are 312 GiB."""


@dataclass(frozen=True)
class StreamUploader:
    """Stores streams through an uploader.

    The same stream under the same name goes on where it was cut off: parts that the service has
    are recognised by their hashes and not sent again.
    """

    uploader: Uploader

    def store(
        self, stream: BinaryIO, *, name: str, description: str, meter: Meter
    ) -> ArchiveRecord:
        """Store what *stream* gives until its end, whose length nobody knows.

        :raises InputError: it is empty, or longer than 10,000 parts.
        """
        part_size = self.uploader.part_size or STREAM_PART
        pieces = self._pieces(stream, part_size)
        first = next(pieces, None)
        if first is None:
            raise InputError("The stream is empty, and the service stores no empty archives")
        facts: dict[str, Any] = {"path": storable(f"stream:{name}"), "size": -1, "mtime_ns": 0}
        if len(first[0]) < part_size:
            return self._stream_in_one(first, facts, name, description, meter)
        upload, there = self.uploader.resume(**facts, description=description, name=name)
        if upload is None or upload.state != "sending" or upload.part_size != part_size:
            upload, there = self._begin_stream(facts, name, description, part_size, None), {}
            upload = self.uploader.start(upload)
        sender = PartSender(self.uploader.engine, upload, there, meter, self.uploader.stop)
        try:
            size, root = sender.send_pieces(_behind(first, pieces))
        except BaseException as error:
            self.uploader.engine.catalogue.uploads.released(upload.id, str(error))
            raise
        self.uploader.engine.catalogue.uploads.completing(upload.id, root.hex(), size)
        return self.uploader.complete(
            self.uploader.engine.catalogue.uploads.get(upload.id), root.hex()
        )

    def _begin_stream(
        self, facts: dict[str, Any], name: str, description: str, part_size: int | None,
        tree: str | None,
    ) -> Upload:  # fmt: skip
        return self.uploader.engine.catalogue.uploads.begin(
            vault=self.uploader.vault, name=storable(name), description=description,
            part_size=part_size, owner=self.uploader.engine.owner, tree_hash=tree, **facts,
        )  # fmt: skip

    def _stream_in_one(
        self, piece: Piece, facts: dict[str, Any], name: str, description: str, meter: Meter
    ) -> ArchiveRecord:
        body = MemoryBody(piece[0])
        facts = {**facts, "size": len(body)}
        upload = self._begin_stream(facts, name, description, None, body.tree.hex())
        try:
            archive_id, told = self.uploader.engine.budget.call(
                lambda: self.uploader.request(upload, body, meter), self.uploader.stop, meter.note
            )
        except (GlacierError, Stopped) as error:
            self.uploader.give_up(upload, error)
            raise
        finally:
            piece[1]()
        self.uploader.check(upload, archive_id, body.tree.hex(), told)
        return self.uploader.record(upload, archive_id, body.tree.hex())

    def _pieces(self, stream: BinaryIO, part_size: int) -> Iterator[Piece]:
        for number in range(10_001):
            buffer = self.uploader.engine.buffers.take(part_size, self.uploader.stop)
            free = partial(self.uploader.engine.buffers.give_back, buffer)
            view = memoryview(buffer)[:part_size]
            filled = _fill(stream, view)
            if not filled:
                free()
                return
            if number == 10_000:
                free()
                raise InputError(
                    f"The stream is longer than 10,000 parts of {human_bytes(part_size)}",
                    cure="Use a larger --part-size.",
                )
            yield view[:filled], free


def _behind(first: Piece, rest: Iterator[Piece]) -> Iterator[Piece]:
    yield first
    yield from rest


def _fill(stream: BinaryIO, view: memoryview) -> int:
    """Read until *view* is full or the stream has ended; return how many bytes."""
    filled = 0
    while filled < len(view):
        data = stream.read(min(1 << 20, len(view) - filled))
        if not data:
            break
        view[filled : filled + len(data)] = data
        filled += len(data)
    return filled
