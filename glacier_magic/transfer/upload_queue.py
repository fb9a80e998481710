"""A queue of files that is uploaded in the background, and can be paused and resumed."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from .. import descriptions
from ..base.dataframes import marked
from ..base.rendering import SHOWN, STYLE, Rendered, escape, html_table, text_table
from ..base.units import human_bytes, plural, storable
from ..errors import GlacierError, InputError, describe
from ..errors.steps import step
from ..prices import PriceTable
from ..prices.quotes import upload_requests
from .budget import Stopped
from .engine import Engine
from .line import part_size_on
from .progress import FileTally, Report
from .sources import Source, Sources, find
from .store import Storing, Watched
from .unfinished import Leftovers
from .upload import requests_in_parts

if TYPE_CHECKING:
    import pandas as pd

IDLE, SENDING, PAUSING, PAUSED, DONE = "idle", "sending", "pausing", "paused", "done"

Watcher = Callable[[], None]
"""Called from any thread after a change; must return quickly."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the queue: its name in the vault, its size and bytes done, and its state."""

    key: str
    name: str
    size: int
    done: int
    state: str
    note: str = ""


class UploadDesk(Rendered):
    """The upload queue of one vault: ``add`` adds files, ``start`` sends them in the background.

    ``pause`` ends the requests in progress; ``start`` resumes, as does a new queue with the same
    files after a restart.  Nothing is stored twice.

    :param prices: returns the present prices.
    :param limit: see :meth:`limit_to`; None for no limit.
    """

    def __init__(
        self, engine: Engine, vault: str, prices: Callable[[], PriceTable], *, limit: Decimal | None = None
    ) -> None:
        self.vault, self._prices = vault, prices
        self.price = ""
        """What the files that are not stored yet will cost."""
        self._limit = None if limit is None else (limit, False)
        self._claimed = self._planned = 0  # requests under the limit: all, and those of the present run
        self._engine, self._storing = engine, Storing(engine, vault)
        self._lock = threading.RLock()
        self._sources: dict[str, Source] = {}
        self._settled: dict[str, tuple[str, str]] = {}
        self._tally = FileTally()
        self._paused: dict[str, int] = {}  # bytes done at the last pause, for people
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._watchers: list[Watcher] = []
        self.state = IDLE
        self.report: Report | None = None
        self.error = ""
        self.left_out: list[tuple[str, str]] = []
        """What the last :meth:`add` left out, with the reason."""

    # The queue

    def add(
        self, words: Sequence[str], *, recursive: bool = False, description_format: str = descriptions.DEFAULT
    ) -> int:
        """Add files: paths, globs, folders if *recursive*; return the number of new files.

        :raises InputError: nothing matches, the only file cannot be stored, or the queue is being sent.
        :raises LocalError: none of several files can be stored.
        """
        self._refuse_while_sending()
        found = find(words, recursive=recursive, description_format=description_format)
        self.left_out = [(storable(path), reason) for path, reason in found.skipped]
        names = {source.name: key for key, source in self._sources.items()}
        for source in found.files:
            if names.get(source.name, source.key) != source.key:
                raise InputError(
                    f"Two files would be stored as {source.name!r}", cure="Upload them one after the other."
                )
        with self._lock:
            before = len(self._sources)
            self._sources.update({source.key: source for source in found.files})
            self.state = IDLE if len(self._sources) > before else self.state
        self._quote()
        self._notify()
        return len(self._sources) - before

    def remove(self, key: str) -> None:
        """Remove a file from the queue, also while others are sent.

        :raises InputError: the file is being sent.
        """
        with self._lock:  # start() and the end of sending wait for it
            source = self._sources.get(key)
            if source is None:
                return
            if self._thread is not None:
                if key in self._settled or not self._tally.leave_out(key):
                    raise InputError(f"{source.name!r} is being sent, or stored", cure="Pause first.")
                if self._planned:  # under a limit, others may have its requests
                    requests = self._storing.choose(Sources([source])).requests
                    self._planned -= requests
                    self._claimed -= requests
            del self._sources[key]
        if self._thread is None:
            self._quote()
        self._notify()

    def _refuse_while_sending(self) -> None:
        if self.state in (SENDING, PAUSING):
            raise InputError("The files are being sent", cure="Pause first.")

    def send_content(self, name: str, content: bytes) -> str:
        """Store *content*, such as a file picked in a browser; return the archive id.

        :raises InputError: *content* is empty, or the name cannot be described.
        :raises OverBudget: it costs more than the limit.
        :raises PriceUnknown: its price is unknown or unconfirmed, and there is a limit.
        """
        if not content:
            raise InputError(f"{name!r} is empty, and the service stores no empty archives")
        part_size = part_size_on(self._engine, self._engine.limits.stream_part)
        self._claim(requests_in_parts(len(content), part_size))
        record = self._storing.stream(io.BytesIO(content), name=name)
        with self._lock:
            self._settled[name] = ("stored", f"{human_bytes(len(content))} from the browser")
        self._notify()
        return record.archive_id

    def leftovers(self) -> Leftovers:
        """Return the unfinished uploads of the vault, wherever they were started."""
        return Leftovers(self._storing, self._claim)

    # Sending

    def limit_to(self, max_cost: Decimal, *, accept_unconfirmed: bool = False) -> None:
        """Send no more from now on than requests for *max_cost* US dollars, all of this queue together.

        :param accept_unconfirmed: count unconfirmed prices towards the limit.
        """
        self._limit = max_cost, accept_unconfirmed
        self._claimed = 0

    def _claim(self, requests: int) -> None:
        """Count requests against the limit before they are sent."""
        with self._lock:
            if self._limit is not None:
                quote = upload_requests(self._prices(), self._claimed + requests)
                quote.check(self._limit[0], accept_unconfirmed=self._limit[1])
            self._claimed += requests

    def _quote(self) -> int:
        """Update the price of what is not stored yet; return its requests, 0 where they are not known."""
        self.price = ""
        with suppress(GlacierError):  # the parts of unfinished uploads could not be listed
            sending = self._storing.choose(Sources(list(self._sources.values())))
            self.price = sending.price(self._prices()) if sending.requests else ""
            return sending.requests
        return 0

    @property
    def max_rate(self) -> float | None:
        """The bandwidth limit of all transfers of the session in bytes a second, or None."""
        return self._engine.budget.max_rate

    @max_rate.setter
    def max_rate(self, rate: float | None) -> None:
        self._engine.budget.max_rate = rate

    def start(self) -> None:
        """Send the files that are not stored yet, in the background.

        :raises InputError: the queue is empty.
        :raises OverBudget: they cost more than the limit.
        :raises PriceUnknown: their price is unknown or unconfirmed, and there is a limit.
        """
        with self._lock:
            if self._thread is not None:
                return
            if not self._sources:
                raise InputError("No files are chosen", cure="Add some first.")
            if self._limit is not None:  # under the lock, or two clicks would claim twice
                self._planned = self._storing.choose(Sources(list(self._sources.values()))).requests
                self._claim(self._planned)
            self._stop.clear()  # pause() sets it
            self._tally.clear()
            self._paused = {}
            self.state, self.error = SENDING, ""
            self._thread = threading.Thread(target=self._run, name="glacier-desk", daemon=True)
            self._thread.start()  # with the lock held, so that _run() cannot end before _thread is set
        self._notify()

    def pause(self) -> None:
        """End the requests in progress; partly sent parts are sent again later."""
        with self._lock:
            if self._thread is None:
                return
            self._paused = {file.key: file.done for file in self.files}
            self.state = PAUSING
            self._stop.set()
        self._notify()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no file is being sent, or *timeout* seconds; return whether the queue is idle."""
        thread = self._thread  # the thread itself sets it to None at its end
        if thread is not None:
            thread.join(timeout)
        return self._thread is None

    def _run(self) -> None:
        state = DONE
        try:
            sources = Sources(list(self._sources.values()))
            watched = Watched(self._tally, self._stop)
            stored = self._storing.send(
                self._storing.choose(sources), progress=self._observe, watched=watched
            )
            with self._lock:
                for row in stored.rows:  # a file stored before a pause stays "stored"
                    self._settled.setdefault(str(row["path"]), (str(row["state"]), ""))
        except Stopped:
            state = PAUSED
        except Exception as error:  # shown in the summary: no caller would receive it from a thread
            self.error = describe(error)
        with suppress(GlacierError):  # no harm: start() looks again at what is stored
            self._note_stored()
        left = self._quote()
        with self._lock:
            self._claimed -= min(left, self._planned)  # what was not sent may be sent later
            self._planned = 0
            # Together: start() and pause() go by the thread, views by the state.
            self.state, self._thread = state, None
            self.report = self.report and replace(self.report, rate=0.0, eta=None)
        self._notify()

    def _note_stored(self) -> None:
        """Mark the files that were stored before an error or a pause ended the run."""
        for key, source in list(self._sources.items()):
            if key not in self._settled and self._storing.stored_before(source):
                with self._lock:
                    self._settled[key] = ("stored", "")

    def _observe(self, report: Report) -> None:
        if self.state != PAUSING:  # requests that a pause ends count back
            self.report = report
        self._notify()

    # Watching

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call *watcher* after each change; return a function that ends this."""
        self._watchers.append(watcher)

        def leave() -> None:
            with suppress(ValueError):  # it may be called twice
                self._watchers.remove(watcher)

        return leave

    def _notify(self) -> None:
        for watcher in list(self._watchers):  # a copy, because a watcher may leave while it is called
            with suppress(Exception):  # a broken view must not end the upload
                watcher()

    @property
    def files(self) -> tuple[File, ...]:
        """The files of the queue in order, with their progress."""
        with self._lock:
            return tuple(self._file(key, source) for key, source in self._sources.items())

    def _file(self, key: str, source: Source) -> File:
        done, failure = self._tally.of(key)
        state, note = self._settled.get(key, ("", ""))
        if not state:
            state, note = self._unsettled(source, done, failure)
        # A file stored before has moved no bytes.
        whole = source.size if state in ("stored", "already stored") else self._paused.get(key, done or 0)
        return File(key=key, name=source.name, size=source.size, done=whole, state=state, note=note)

    def _unsettled(self, source: Source, done: int | None, failure: str) -> tuple[str, str]:
        if failure:
            return "failed", failure
        if done is None:
            return "waiting", ""
        if done >= source.size and self.state == SENDING:
            return "being confirmed", ""  # all bytes are sent, and the response is still to come
        return ("sending" if self.state in (SENDING, PAUSING) else "paused"), ""

    @property
    def open(self) -> bool:
        """Whether a file of the queue is not stored yet."""
        with self._lock:
            # Also in "already stored" and "stored, maybe twice"; one that is not settled is not stored.
            return any("stored" not in self._settled.get(key, ("",))[0] for key in self._sources)

    @property
    def table(self) -> pd.DataFrame:
        """One row per file: name, size, done, state, note, path."""
        import pandas as pd

        files = self.files
        columns = ("name", "size", "done", "state", "note")
        frame = pd.DataFrame({c: [getattr(f, c) for f in files] for c in columns})
        frame["path"] = [f.key for f in files]
        return marked(frame.astype({"size": "int64", "done": "int64"}))

    def summary(self) -> str:
        """Return the progress as a sentence."""
        with self._lock:
            sizes = [source.size for source in self._sources.values()]
        if not sizes:
            ways = f"{step('upload', 'PATH')}, or .add(PATH) and .start()"
            return f"Nothing is chosen for {self.vault} yet: {ways}."
        words = f"{plural(len(sizes), 'file')}, {human_bytes(sum(sizes))}, for {self.vault}: {self.state}"
        if self.report is not None and self.state == PAUSED:
            words += f" at {self.report.fraction:.0%}; what was being sent is sent again"
        if self.report is not None and self.state in (SENDING, PAUSING):
            words = f"{self.report}"
        price = self.price if self.state in (IDLE, PAUSED) else ""
        return ". ".join(filter(None, (words, price, self.error)))

    HEAD, NUMBERS = ("name", "size", "state", "done", "note"), (1, 3)
    """The columns of the table for people, and the places of those with numbers."""

    def rows(self) -> list[tuple[File, tuple[str, ...]]]:
        """Return the first files of the queue, each with its cells for :data:`HEAD`."""
        with self._lock:
            first = [self._file(key, source) for key, source in islice(self._sources.items(), SHOWN)]
        return [
            # The size is never 0: the service stores no empty archives.
            (f, (f.name, human_bytes(f.size), f.state, f"{f.done / f.size:.0%}", f.note))
            for f in first
        ]

    def more(self) -> str:
        """Return how many more files there are as a text; empty if there are none."""
        more = len(self._sources) - SHOWN
        return f"and {more:,} more: .table has them all" if more > 0 else ""

    def _repr_text(self) -> str:
        rows = [cells for _, cells in self.rows()]
        table = [text_table(self.HEAD, rows, numbers=self.NUMBERS)] if rows else []
        return "\n".join([*table, *filter(None, (self.more(), self.summary()))])

    def _repr_html(self) -> str:
        rows = [cells for _, cells in self.rows()]
        table = html_table(self.HEAD, rows, numbers=self.NUMBERS, long=(0, 4))
        more = f"<p class='glacier-note'>{escape(self.more())}</p>" if self.more() else ""
        return (
            f"{STYLE}<p role='status'>{escape(self.summary())}</p>"
            f"<div class='glacier-scroll'>{table if self._sources else ''}{more}</div>"
        )
