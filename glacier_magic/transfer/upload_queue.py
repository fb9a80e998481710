"""Files chosen for a vault and sent in the background, paused and resumed at any time."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .. import descriptions
from ..base.rendering import SHOWN, STYLE, Rendered, escape, html_table, text_table
from ..base.units import human_bytes, plural
from ..errors import GlacierError, InputError, describe
from ..steps import step
from .budget import Stopped
from .engine import Engine
from .progress import FileTally, Report
from .sources import Source, Sources, find
from .store import Stored, Storing, Watched
from .unfinished import Leftovers

if TYPE_CHECKING:
    import pandas as pd

IDLE, SENDING, PAUSING, PAUSED, DONE = "idle", "sending", "pausing", "paused", "done"

Watcher = Callable[[], None]
"""Called from any thread after something changed; must be quick."""


@dataclass(frozen=True, kw_only=True)
class File:
    """One chosen file: its name in the vault, bytes done of its size, and its state in words."""

    key: str
    name: str
    size: int
    done: int
    state: str
    note: str = ""


class UploadDesk(Rendered):
    """Files for one vault: chosen with ``add``, sent by ``start``, which returns at once.

    ``pause`` ends the requests under way; ``start`` goes on from there, and so does a new desk with
    the same files after a restart.  Nothing is sent twice.
    """

    def __init__(self, engine: Engine, vault: str) -> None:
        self.vault = vault
        self._engine, self._storing = engine, Storing(engine, vault)
        self._lock = threading.RLock()
        self._sources: dict[str, Source] = {}
        self._settled: dict[str, tuple[str, str]] = {}
        self._tally = FileTally()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._watchers: list[Watcher] = []
        self.state = IDLE
        self.report: Report | None = None
        self.error = ""

    # Choosing

    def add(
        self, words: Sequence[str], *, recursive: bool = False, description_format: str = descriptions.DEFAULT
    ) -> int:
        """Choose more files: paths, globs, folders when *recursive*; return how many are new.

        :raises InputError: nothing matches, or a file cannot be stored; or they are being sent.
        """
        self._refuse_while_sending()
        found = find(words, recursive=recursive, description_format=description_format)
        names = {source.name: key for key, source in self._sources.items()}
        for source in found.files:
            if names.get(source.name, source.key) != source.key:
                raise InputError(
                    f"Two files would be stored as {source.name!r}", cure="Send the one before the other."
                )
        with self._lock:
            before = len(self._sources)
            self._sources.update({source.key: source for source in found.files})
            self.state = IDLE if len(self._sources) > before else self.state
        self._tell()
        return len(self._sources) - before

    def remove(self, key: str) -> None:
        """Choose a file no longer.

        :raises InputError: they are being sent.
        """
        self._refuse_while_sending()
        self._sources.pop(key, None)
        self._tell()

    def _refuse_while_sending(self) -> None:
        if self.state in (SENDING, PAUSING):
            raise InputError("The files are being sent", cure="Pause first.")

    def send_content(self, name: str, content: bytes) -> str:
        """Store bytes that are at hand, such as a file picked in a browser; return the archive id.

        :raises InputError: there are none, or the name cannot be described.
        """
        if not content:
            raise InputError(f"{name!r} is empty, and the service stores no empty archives")
        record = self._storing.stream(io.BytesIO(content), name=name)
        with self._lock:
            self._settled[name] = ("stored", f"{human_bytes(len(content))} from the browser")
        self._tell()
        return record.archive_id

    def leftovers(self) -> Leftovers:
        """Return the unfinished uploads of the vault, ours and others'."""
        return Leftovers(self._storing)

    # Sending

    @property
    def max_rate(self) -> float | None:
        """Bytes a second that all transfers of the session may move together; None: no limit."""
        return self._engine.budget.max_rate

    @max_rate.setter
    def max_rate(self, rate: float | None) -> None:
        self._engine.budget.max_rate = rate

    def start(self) -> None:
        """Send what is chosen and not stored yet, in the background.

        :raises InputError: nothing is chosen.
        """
        with self._lock:
            if self._thread is not None:
                return
            if not self._sources:
                raise InputError("No files are chosen", cure="Add some first.")
            self._stop.clear()
            self._tally.clear()
            self.state, self.error = SENDING, ""
            self._thread = threading.Thread(target=self._run, name="glacier-desk", daemon=True)
            self._thread.start()
        self._tell()

    def pause(self) -> None:
        """End the requests under way; what they had moved of a part is moved again later."""
        with self._lock:
            if self._thread is None:
                return
            self.state = PAUSING
            self._stop.set()
        self._tell()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being sent; tell whether that is so."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return self._thread is None

    def _run(self) -> None:
        state = DONE
        try:
            sources = Sources(list(self._sources.values()))
            self._settle(
                self._storing.files(sources, progress=self._observe, watched=Watched(self._tally, self._stop))
            )
        except Stopped:
            state = PAUSED
        except Exception as error:  # a thread has nobody to raise to
            self.error = describe(error)
        with suppress(GlacierError):
            self._note_stored()
        with self._lock:
            self.state, self._thread = state, None
            self.report = self.report and replace(self.report, rate=0.0, eta=None)
        self._tell()

    def _settle(self, stored: Stored) -> None:
        with self._lock:
            for row in stored.rows:  # one stored before a pause stays "stored"
                self._settled.setdefault(str(row["path"]), (str(row["state"]), ""))

    def _note_stored(self) -> None:
        """Settle what was stored before an end that came too early."""
        for key, source in list(self._sources.items()):
            if key not in self._settled and self._storing.stored_before(source):
                with self._lock:
                    self._settled[key] = ("stored", "")

    def _observe(self, report: Report) -> None:
        self.report = report
        self._tell()

    # Watching

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call *watcher* after each change from now on; return what ends that."""
        self._watchers.append(watcher)

        def leave() -> None:
            with suppress(ValueError):
                self._watchers.remove(watcher)

        return leave

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            with suppress(Exception):  # a broken view must not end the upload
                watcher()

    @property
    def files(self) -> tuple[File, ...]:
        """What is chosen, in order, with how far each is."""
        with self._lock:
            return tuple(self._file(key, source) for key, source in self._sources.items())

    def _file(self, key: str, source: Source) -> File:
        done, failure = self._tally.of(key)
        state, note = self._settled.get(key, ("", ""))
        if not state:
            state, note = self._under_way(source, done, failure)
        whole = source.size if state in ("stored", "already stored") else (done or 0)
        return File(key=key, name=source.name, size=source.size, done=whole, state=state, note=note)

    def _under_way(self, source: Source, done: int | None, failure: str) -> tuple[str, str]:
        if failure:
            return "failed", failure
        if done is None:
            return "waiting", ""
        if done >= source.size and self.state == SENDING:
            return "being confirmed", ""
        return ("sending" if self.state in (SENDING, PAUSING) else "paused"), ""

    @property
    def open(self) -> bool:
        """Whether anything is chosen that is not stored yet."""
        return any("stored" not in file.state for file in self.files)

    @property
    def table(self) -> pd.DataFrame:
        """One row a file: name, size, done, state, note, path."""
        import pandas as pd

        files = self.files
        columns = ("name", "size", "done", "state", "note")
        frame = pd.DataFrame({c: [getattr(f, c) for f in files] for c in columns})
        frame["path"] = [f.key for f in files]
        return frame.astype({"size": "int64", "done": "int64"})

    def summary(self) -> str:
        """Return in a sentence how far it is."""
        files = self.files
        if not files:
            return (
                f"Nothing is chosen for {self.vault} yet: {step('upload', 'PATH')}, or .add(PATH) and "
                ".start() of this desk."
            )
        size = human_bytes(sum(f.size for f in files))
        words = f"{plural(len(files), 'file')}, {size}, for {self.vault}: {self.state}"
        if self.report is not None and self.state in (SENDING, PAUSING):
            words = f"{self.report}"
        return f"{words}. {self.error}" if self.error else words

    _HEAD = ("name", "size", "state", "done", "note")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (f.name, human_bytes(f.size), f.state, f"{f.done / f.size:.0%}", f.note)
            for f in self.files[:SHOWN]
        ]

    def _more(self) -> str:
        more = len(self._sources) - SHOWN
        return f"and {more:,} more: .table has them all" if more > 0 else ""

    def _repr_text(self) -> str:
        table = [text_table(self._HEAD, self._rows(), numbers=(1, 3))] if self._sources else []
        return "\n".join([*table, *filter(None, (self._more(), self.summary()))])

    def _repr_html(self) -> str:
        table = html_table(self._HEAD, self._rows(), numbers=(1, 3), long=(0, 4))
        more = f"<p class='glacier-note'>{escape(self._more())}</p>" if self._more() else ""
        return (
            f"{STYLE}<p role='status'>{escape(self.summary())}</p>"
            f"<div class='glacier-scroll'>{table if self._sources else ''}{more}</div>"
        )
