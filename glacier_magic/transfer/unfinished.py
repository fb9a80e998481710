"""Unfinished multipart uploads: listing, resuming and aborting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import descriptions
from ..base.dataframes import marked
from ..base.rendering import Rendered, html_table, text_table
from ..base.units import human_bytes, human_duration, parse_time, plural, short_id
from ..catalogue import Upload
from ..errors import InputError, NotFound
from ..errors.steps import option, step
from ..service import Service
from .progress import Observer
from .sources import Source, Sources
from .store import Storing

if TYPE_CHECKING:
    import pandas as pd

RESUMABLE, IN_PROGRESS = "resumable", "in progress"


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
        """Whether the local file is known and unchanged, and no other process holds the lease."""
        return self.state == RESUMABLE


class Leftovers(Rendered):
    """The unfinished multipart uploads of a vault, as the service lists them now.

    ``resume()`` resumes those started from this computer; ``abort(id)`` drops one.

    :param check: raises an error where so many upload requests cost more than a limit.
    """

    HEAD = ("name", "state", "sent", "part size", "age", "upload id", "file")

    def __init__(self, storing: Storing, check: Callable[[int], None]) -> None:
        self._storing, self._check = storing, check
        self._service: Service = storing.engine.service
        self.now = 0
        self.rows = self._read()

    def _read(self) -> list[Leftover]:
        vault = self._storing.vault
        self._storing.engine.catalogue.database.release_dead()  # a killed process leaves its leases
        known = {upload.upload_id: upload for upload in self._storing.engine.catalogue.uploads.open_of(vault)}
        listed = []
        for upload in self._service.uploads(vault):
            with suppress(NotFound):  # it ended since it was listed
                listed.append(self._row(upload, known))
        self.now = self._service.clock.now_ms()
        return listed

    def _row(self, upload: Any, known: dict[str | None, Upload]) -> Leftover:
        upload_id, part_size = upload["MultipartUploadId"], upload["PartSizeInBytes"]
        description = upload.get("ArchiveDescription") or ""
        ours = known.get(upload_id)
        parts = len(self._service.parts(self._storing.vault, upload_id))  # a request for every 50 parts
        sent = parts * part_size
        return Leftover(
            upload_id=upload_id,
            name=descriptions.decode(description).name or upload_id,
            description=description,
            part_size=part_size,
            sent=min(sent, ours.size) if ours and ours.size > 0 else sent,  # the last part may be shorter
            size=ours.size if ours and ours.size > 0 else None,
            created=parse_time(upload.get("CreationDate")),
            path=ours.path if ours else "",
            state=_state(ours),
        )

    def resume(self, words: Sequence[str] = (), *, progress: Observer | None = None) -> pd.DataFrame:
        """Resume uploads that were started from this computer.

        Parts that the service has with the right hash are not sent again.

        :param words: ids, or their beginnings; all if there are none.
        :raises InputError: no upload can be resumed.
        :raises OverBudget: the requests that are left cost more than the limit.
        :raises PriceUnknown: their price is unknown or unconfirmed, and there is a limit.
        """
        chosen = [r for r in (self.chosen(words) if words else self.rows) if r.resumable]
        if not chosen:
            raise InputError(
                "None of these uploads can be resumed from this computer",
                cure=f"Resume an upload where it was started, or drop its parts with {option('abort')}.",
            )
        sources = Sources()
        for row in chosen:
            path, facts = Path(row.path), Path(row.path).stat()
            sources.files.append(
                Source(
                    path=path,
                    name=row.name,
                    description=row.description,  # as it was: with another, this would be another archive
                    size=facts.st_size,
                    mtime_ns=facts.st_mtime_ns,
                )
            )
        sending = self._storing.choose(sources)
        self._check(sending.requests)
        return self._storing.send(sending, progress=progress).table()

    def abort(self, words: Sequence[str]) -> pd.DataFrame:
        """Abort unfinished uploads; return them as a table.

        :param words: their ids, or the beginnings of them.
        :raises InputError: none matches, or a running process is sending it.
        """
        chosen = self.chosen(words)
        for row in chosen:  # before any is aborted
            if row.state == IN_PROGRESS:
                raise InputError(f"{row.name!r} is being uploaded", cure="Stop that upload first.")
        uploads = self._storing.engine.catalogue.uploads
        for row in chosen:
            self._service.abort_upload(self._storing.vault, row.upload_id)
            # There is no record of one that was started elsewhere.
            for upload in uploads.open_of(self._storing.vault):
                if upload.upload_id == row.upload_id:
                    uploads.ended(upload.id, "aborted", "aborted by the user")
        return self.frame(chosen).assign(state="aborted")

    def chosen(self, words: Sequence[str]) -> list[Leftover]:
        """Return the uploads with the given ids, or unique beginnings of ids."""
        chosen: dict[str, Leftover] = {}
        for word in words:
            prefix = word.removeprefix("id:").rstrip("…")  # as short_id() shows it
            # Every id begins with an empty word.
            found = [row for row in self.rows if prefix and row.upload_id.startswith(prefix)]
            if len(found) != 1:
                many = f"{len(found)} unfinished uploads begin" if found else "None begins"
                raise InputError(f"{many} with {word!r}", cure=f"{step('uploads')} lists them.")
            chosen[found[0].upload_id] = found[0]
        if not chosen:
            raise InputError("Which upload?", cure=f"{step('uploads')} lists them with their ids.")
        return list(chosen.values())

    @property
    def table(self) -> pd.DataFrame:
        """The uploads as a DataFrame, with full ids."""
        return self.frame(self.rows)

    def frame(self, rows: Sequence[Leftover]) -> pd.DataFrame:
        """Return some of the uploads as a DataFrame."""
        import pandas as pd

        names = ("name", "state", "sent", "size", "part_size", "created", "upload_id", "path")
        frame = pd.DataFrame({name: [getattr(row, name) for row in rows] for name in names})
        frame["created"] = pd.to_datetime(frame["created"].astype("Int64"), unit="ms", utc=True)
        # The size of an upload from elsewhere is not known.
        return marked(frame.astype({"size": "Int64", "sent": "int64", "part_size": "int64"}))

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
        """Their number and size, and the next steps."""
        if not self.rows:
            return f"No unfinished uploads in {self._storing.vault}."
        size = human_bytes(sum(row.sent for row in self.rows))
        return (
            f"{plural(len(self.rows), 'unfinished upload')}, {size} sent. {option('resume')} resumes those "
            f"started from this computer, {option('abort')} drops one. The service itself may drop an upload "
            "after 24 hours without a part."
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
        return "started elsewhere"
    if ours.held:
        return IN_PROGRESS
    if ours.path.startswith("stream:"):  # its bytes cannot be read again
        return "a stream: send it again"
    path = Path(ours.path)
    try:
        facts = path.stat()
    except OSError:
        return "its file is gone"
    same = facts.st_size == ours.size and facts.st_mtime_ns == ours.mtime_ns
    return RESUMABLE if same else "its file has changed"
