"""Uploading streams, such as pipes, whose length is unknown until their end."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, BinaryIO

from ..base.treehash import MOST_PARTS
from ..base.units import human_bytes, storable
from ..catalogue import ArchiveRecord, Upload
from ..errors import GlacierError, InputError, IntegrityError, LocalError, Refused, Unavailable
from ..errors.steps import option
from .line import part_size_on
from .parts import PartSender, Piece
from .progress import Meter
from .upload import Uploader, unknown_end

FROM_ITS_BEGINNING = "A stream has to be sent again from its beginning."


@dataclass(frozen=True)
class StreamUploader:
    """Stores streams through an uploader, in parts: only their completion can be repeated safely.

    An interrupted stream is not resumed: the bytes cannot be read again, and the next run may produce
    others.  Once a stream is sent, its tree hash shows whether the same bytes are stored already.

    :param again: store them a second time then.
    """

    uploader: Uploader
    name: str
    description: str
    meter: Meter
    again: bool = False

    def store(self, stream: BinaryIO) -> ArchiveRecord:
        """Store *stream*, read to its end.

        :raises InputError: it is empty, not binary, or longer than 10,000 parts.
        :raises IntegrityError: an earlier upload of the same bytes may have been stored.
        :raises LocalError: it cannot be read.
        """
        try:
            self._settle_earlier()
            record = self._send(stream)
        except InputError:  # sending it again would not help
            raise
        except GlacierError as error:
            # The default cure of what can pass promises that nothing is lost.
            kept = "" if isinstance(error, Unavailable) else f"{error.cure} "
            error.cure = f"{kept}{FROM_ITS_BEGINNING}".strip()
            raise
        self._drop_cut_off()
        return record

    def _settle_earlier(self) -> None:
        """Complete earlier streams of this name that were interrupted during their completion.

        The service has all their parts, so this needs none of their bytes.
        """
        for earlier in self._open():
            # While "sending", parts are missing, and their bytes are gone.
            if earlier.state != "sending" and earlier.description == self.description:
                found, _ = self.uploader.resume(earlier)
                # Refused: it can never become an archive.  Unknown: the next inventory settles it.
                with suppress(IntegrityError, Refused):
                    if found is not None:
                        self.uploader.complete(found, found.tree_hash or "")

    def _drop_cut_off(self) -> None:
        """Abort interrupted uploads of streams of this name, which cannot be resumed."""
        for earlier in self._open():
            # _settle_earlier() has tried to complete it.
            refused = earlier.state == "completing" and earlier.description == self.description
            useless = refused or earlier.state == "sending"
            if useless and earlier.upload_id is not None and not earlier.held:
                self.uploader.drop(earlier, "sent again")

    def _open(self) -> list[Upload]:
        uploads = self.uploader.engine.catalogue.uploads
        return uploads.open_of_path(self.uploader.vault, self._path)

    @property
    def _path(self) -> str:
        return storable(f"stream:{self.name}")

    def _begin(self, part_size: int) -> Upload:
        engine = self.uploader.engine
        intent = engine.catalogue.uploads.begin(
            vault=self.uploader.vault,
            path=self._path,
            size=-1,  # not known yet, and not the size of any file
            mtime_ns=0,
            name=storable(self.name),
            description=self.description,
            part_size=part_size,
            owner=engine.owner,
        )
        return self.uploader.start(intent)

    def _send(self, stream: BinaryIO) -> ArchiveRecord:
        engine = self.uploader.engine
        part_size = self.uploader.part_size or part_size_on(engine, engine.limits.stream_part)
        pieces = self._pieces(stream, part_size)
        first = next(pieces, None)  # before anything is started, because the stream may be empty
        if first is None:
            raise InputError("The stream is empty, and the service stores no empty archives")
        try:
            upload = self._begin(part_size)
        except BaseException:
            first[1]()  # release its memory
            raise
        sender = PartSender(engine, upload, {}, self.meter, self.uploader.stop)
        try:
            size, root = sender.send_pieces(chain((first,), pieces))
        except BaseException as error:
            self.uploader.release(upload, error)
            raise
        # Asked before the completion: until then, nothing is stored.
        return (None if self.again else self._stored_before(upload, root.hex())) or (
            self.uploader.complete(replace(upload, size=size), root.hex())
        )

    def _stored_before(self, upload: Upload, root: str) -> ArchiveRecord | None:
        """Drop *upload* if an earlier stream of this name had the same bytes; return its archive.

        :raises IntegrityError: it is unknown whether the earlier stream became an archive.
        """
        catalogue, vault = self.uploader.engine.catalogue, self.uploader.vault
        earlier = catalogue.uploads.same_stream(
            vault=vault, path=self._path, description=self.description, tree_hash=root
        )
        records = [catalogue.archives.get(vault, e.archive_id) for e in earlier if e.archive_id]
        stored = [r for r in records if r is not None and r.state in ("pending", "present")]
        if stored or any(e.state == "unsettled" for e in earlier):
            self.uploader.drop(upload, "the same bytes are, or may be, stored already")
            if not stored:
                raise unknown_end(self.name)
            return stored[0]
        return None

    def _pieces(self, stream: BinaryIO, part_size: int) -> Iterator[Piece]:
        buffers = self.uploader.engine.buffers
        for number in range(MOST_PARTS + 1):
            buffer = buffers.take(part_size, self.uploader.stop)
            free = partial(buffers.give_back, buffer)
            view = memoryview(buffer)[:part_size]
            try:
                filled = _fill(stream, view)
                if filled and number == MOST_PARTS:  # only one more byte shows that it is too long
                    raise InputError(
                        f"The stream is longer than 10,000 parts of {human_bytes(part_size)}",
                        cure=f"Use a larger {option('part-size')}.",
                    )
            except BaseException:
                free()
                raise
            if not filled:
                free()
                return
            yield view[:filled], free


def _fill(stream: BinaryIO, view: memoryview) -> int:
    """Read until *view* is full or the stream ends; return the number of bytes."""
    filled = 0
    while filled < len(view):
        data = _read(stream, min(1 << 20, len(view) - filled))  # in small reads, because each is a copy
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
            raise InputError(f"The stream gives {type(data).__name__}, not bytes", cure='Open it with "rb".')
        try:  # a non-blocking stream has no data yet
            select.select([stream], [], [], 0.2)
        except (OSError, ValueError, TypeError):  # it has no descriptor, or none to wait for
            time.sleep(0.2)
