"""Putting things into a vault: what was stored before, what goes up now, what was left over."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from . import descriptions, tables
from .catalogue import ArchiveRecord, Upload
from .errors import GlacierError, InputError
from .rendering import Rendered, html_table, text_table
from .service import Service
from .transfer.budget import Stopped
from .transfer.engine import Engine
from .transfer.progress import Meter, Observer
from .transfer.sources import Source, Sources
from .transfer.streams import StreamUploader
from .transfer.upload import Uploader, check_part_size
from .units import human_bytes, human_duration, parse_time, plural, short_id

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Stored:
    """What an upload did: archives stored now, files stored before, files left out."""

    rows: list[dict[str, object]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """Return one row a file: name, size, state, archive_id, tree_hash, path."""
        order = sorted(self.rows, key=lambda row: str(row["path"]))
        frame = tables.stored(order)
        frame.attrs["skipped"] = list(self.skipped)
        return frame


@dataclass(frozen=True)
class Storing:
    """Stores files and streams in one vault."""

    engine: Engine
    vault: str

    def files(
        self, sources: Sources, *, again: bool = False, part_size: int | None = None,
        progress: Observer | None = None,
    ) -> Stored:  # fmt: skip
        """Store files, but those that are stored already only if *again*."""
        check_part_size(part_size)
        outcome = Stored(skipped=list(sources.skipped))
        todo = []
        for source in sources.files:
            before = None if again else self._stored_before(source)
            if before:
                outcome.rows.append(_row(source, before, "already stored"))
            else:
                todo.append(source)
        if todo:
            self.engine.service.describe_vault(self.vault)  # before anything is read or sent
            self._send(todo, outcome, again, part_size, progress)
        return outcome

    def _stored_before(self, source: Source) -> ArchiveRecord | None:
        done = self.engine.catalogue.uploads.stored(
            vault=self.vault,
            path=source.key,
            size=source.size,
            mtime_ns=source.mtime_ns,
            description=source.description,
        )
        record = self.engine.catalogue.archives.get(self.vault, done) if done else None
        return record if record and record.state in ("uploaded", "listed") else None

    def _send(
        self, todo: list[Source], outcome: Stored, again: bool, part_size: int | None,
        progress: Observer | None,
    ) -> None:  # fmt: skip
        label = todo[0].name if len(todo) == 1 else plural(len(todo), "file")
        meter = Meter(f"Uploading {label}", sum(source.size for source in todo), progress)
        stop = threading.Event()
        uploader = Uploader(self.engine, self.vault, stop, part_size)
        if again:
            self._forget_unsettled(todo)
        try:
            failures = uploader.store_all(
                todo, meter, lambda s, a: outcome.rows.append(_row(s, a, "stored"))
            )
        except Stopped:
            raise KeyboardInterrupt from None
        finally:
            stop.set()
        meter.finish()
        if failures:
            raise _sum_up(failures, len(todo))

    def _forget_unsettled(self, todo: Sequence[Source]) -> None:
        uploads = self.engine.catalogue.uploads
        for source in todo:
            for upload in uploads.open_of_path(self.vault, source.key):
                if upload.state == "unsettled" and not upload.held:
                    uploads.ended(upload.id, "failed", "sent again")

    def stream(
        self, stream: BinaryIO, *, name: str, description: str | None = None,
        part_size: int | None = None, progress: Observer | None = None,
    ) -> ArchiveRecord:  # fmt: skip
        """Store what *stream* gives until its end."""
        check_part_size(part_size)
        try:
            if description is None:
                description = descriptions.encode(name, None)
            descriptions.check(description)
        except ValueError as error:
            raise InputError(f"{name!r} cannot be described: {error}", cure="") from None
        self.engine.service.describe_vault(self.vault)
        stop = threading.Event()
        meter = Meter(f"Uploading {name}", 0, progress)
        uploader = StreamUploader(Uploader(self.engine, self.vault, stop, part_size))
        try:
            record = uploader.store(stream, name=name, description=description, meter=meter)
        except Stopped:
            raise KeyboardInterrupt from None
        finally:
            stop.set()
        meter.finish()
        return record

    def leftovers(self) -> Leftovers:
        """Return the multipart uploads that nobody has completed, ours and others'."""
        return Leftovers(self)


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """One unfinished multipart upload: times in milliseconds since 1970, sizes in bytes."""

    upload_id: str
    name: str
    description: str
    part_size: int
    sent: int
    size: int | None
    created: int | None
    path: str
    state: str

    @property
    def resumable(self) -> bool:
        """Whether it is known from here which file it is of, and nobody is at it."""
        return self.state == "can go on"


class Leftovers(Rendered):
    """Unfinished multipart uploads of a vault, as the service lists them now.

    ``resume()`` goes on with those that began here; ``abort(id)`` drops what was sent.
    """

    HEAD = ("name", "state", "sent", "part size", "age", "upload id", "file")

    def __init__(self, storing: Storing) -> None:
        self._storing = storing
        self._service: Service = storing.engine.service
        self.now = 0
        self.rows = self._read()

    def _read(self) -> list[Leftover]:
        vault = self._storing.vault
        known = {
            upload.upload_id: upload
            for upload in self._storing.engine.catalogue.uploads.open_of(vault)
        }
        listed = [self._row(told, known) for told in self._service.uploads(vault)]
        self.now = self._service.clock.now_ms()
        return listed

    def _row(self, told: Any, known: dict[str | None, Upload]) -> Leftover:
        upload_id, part_size = told["MultipartUploadId"], told["PartSizeInBytes"]
        description = told.get("ArchiveDescription") or ""
        ours = known.get(upload_id)
        parts = len(self._service.parts(self._storing.vault, upload_id))
        sent = parts * part_size
        return Leftover(
            upload_id=upload_id,
            name=descriptions.decode(description).name or upload_id,
            description=description,
            part_size=part_size,
            sent=min(sent, ours.size) if ours and ours.size > 0 else sent,
            size=ours.size if ours and ours.size > 0 else None,
            created=parse_time(told.get("CreationDate")),
            path=ours.path if ours else "",
            state=_state(ours),
        )

    def resume(
        self, words: Sequence[str] = (), *, progress: Observer | None = None
    ) -> pd.DataFrame:
        """Go on with uploads that began here (all, or those whose ids begin so).

        Parts that the service has with the right hash are not sent again.

        :raises InputError: nothing here can go on.
        """
        chosen = [row for row in self._chosen(words) if row.resumable]
        if not chosen:
            raise InputError(
                "None of these uploads can go on from here",
                cure="One that began elsewhere goes on there; --abort ID drops what it sent.",
            )
        sources = Sources([_source(row) for row in chosen])
        return self._storing.files(sources, progress=progress).table()

    def abort(self, words: Sequence[str]) -> pd.DataFrame:
        """Drop unfinished uploads by the beginnings of their ids; return what was dropped.

        :raises InputError: none begins so, or a living process of ours is at it.
        """
        chosen = self._chosen(words)
        for row in chosen:
            if row.state == "under way":
                raise InputError(f"{row.name!r} is being uploaded", cure="Stop that first.")
        uploads = self._storing.engine.catalogue.uploads
        for row in chosen:
            self._service.abort_upload(self._storing.vault, row.upload_id)
            for upload in uploads.open_of(self._storing.vault):
                if upload.upload_id == row.upload_id:
                    uploads.ended(upload.id, "aborted", "aborted by the user")
        return self._frame(chosen).assign(state="aborted")

    def _chosen(self, words: Sequence[str]) -> list[Leftover]:
        if not words:
            return self.rows
        prefixes = [word.removeprefix("id:").rstrip("…") for word in words]
        chosen = [r for r in self.rows if any(r.upload_id.startswith(p) for p in prefixes)]
        if not chosen:
            raise InputError(
                f"No unfinished upload begins with {words[0]!r}",
                cure="%glacier uploads lists them.",
            )
        return chosen

    @property
    def table(self) -> pd.DataFrame:
        """The uploads as a DataFrame with their whole ids."""
        return self._frame(self.rows)

    def _frame(self, rows: Sequence[Leftover]) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415

        names = ("name", "state", "sent", "size", "part_size", "created", "upload_id", "path")
        frame = pd.DataFrame({name: [getattr(row, name) for row in rows] for name in names})
        frame["created"] = pd.to_datetime(frame["created"].astype("Int64"), unit="ms", utc=True)
        return frame.astype({"size": "Int64", "sent": "int64", "part_size": "int64"})

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                row.name,
                row.state,
                human_bytes(row.sent) + (f" of {human_bytes(row.size)}" if row.size else ""),
                human_bytes(row.part_size),
                human_duration((self.now - row.created) / 1000) if row.created else "",
                short_id(row.upload_id),
                row.path,
            )
            for row in self.rows
        ]

    @property
    def summary(self) -> str:
        """How many there are, and what to do with them."""
        if not self.rows:
            return f"No unfinished uploads in {self._storing.vault}."
        size = human_bytes(sum(row.sent for row in self.rows))
        return (
            f"{plural(len(self.rows), 'unfinished upload')}, {size} sent. %glacier uploads "
            "--resume goes on with those that began here; --abort ID drops one. The service "
            "itself may drop them after 24 hours without a part."
        )

    def _repr_text(self) -> str:
        if not self.rows:
            return self.summary
        return f"{text_table(self.HEAD, self._cells(), numbers=(2, 3))}\n{self.summary}"

    def _repr_html(self) -> str:
        table = html_table(self.HEAD, self._cells(), numbers=(2, 3), long=(0, 6))
        return f"{table if self.rows else ''}<p>{self.summary}</p>"


def _state(ours: Upload | None) -> str:
    if ours is None:
        return "began elsewhere"
    if ours.held:
        return "under way"
    if ours.path.startswith("stream:"):
        return "a stream: send it again"
    path = Path(ours.path)
    try:
        facts = path.stat()
    except OSError:
        return "its file is gone"
    same = facts.st_size == ours.size and facts.st_mtime_ns == ours.mtime_ns
    return "can go on" if same else "its file has changed"


def _source(row: Leftover) -> Source:
    path = Path(row.path)
    facts = path.stat()
    return Source(
        path=path,
        name=row.name,
        description=row.description,
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
    )


def _row(source: Source, record: ArchiveRecord, state: str) -> dict[str, object]:
    return {
        "name": record.name,
        "size": record.size,
        "state": state,
        "archive_id": record.archive_id,
        "tree_hash": record.tree_hash,
        "path": source.key,
    }


def _sum_up(failures: list[tuple[Source, GlacierError]], total: int) -> GlacierError:
    source, first = failures[0]
    if total == 1:
        return first
    done = total - len(failures)
    size = human_bytes(sum(failed.size for failed, _ in failures))
    return type(first)(
        f"{plural(len(failures), 'file')} of {total} ({size}) could not be stored, {done} were. "
        f"{source.name!r}: {first.message}",
        cure=first.cure or "The same command goes on from here: what is stored is not sent again.",
        code=first.code,
    )
