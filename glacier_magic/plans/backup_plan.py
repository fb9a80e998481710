"""The plan to back up folders."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..backup.changes import READ, FileChange, changes
from ..backup.hooks import Hooks, hooks_file
from ..backup.outcome import BackupOutcome
from ..backup.run import BackupRun
from ..backup.run_options import RunOptions
from ..backup.set_scan import lost_contents, scan_of
from ..base.dataframes import marked
from ..base.rendering import SHOWN, visible
from ..base.units import human_bytes, plural
from ..catalogue.records.backup_rows import BackupSet
from ..errors import InputError, LocalError
from ..errors.steps import option
from ..packs.pack_members import tar_size
from ..prices import Quote
from ..prices.quotes import upload_requests
from ..prices.storage_costs import Holding, monthly_storage
from ..transfer.local_files import check_space
from ..transfer.sources import Source
from ..transfer.store import Storing
from ..transfer.upload import Uploader
from .base import PlanLog
from .lasting_plan import LastingPlan
from .upload_plan import is_dear

if TYPE_CHECKING:
    import pandas as pd


MEMBER = 100
"""Bytes of a pack for a file beside its content, compressed: its header, and its line in the index."""


class BackupPlan(LastingPlan[BackupOutcome]):
    """What a backup would store: nothing is sent until ``run()``, which returns a :class:`.BackupOutcome`.

    The sizes and the price are those of the files, before compression.

    :param definition: the new definition of the set; *begin* records it, and returns the run.
    """

    kind = "backup"
    button = "Back up"

    def __init__(
        self,
        definition: BackupSet,
        begin: Callable[[], BackupRun],
        *,
        storing: Storing,
        options: RunOptions,
        spool: Path,
        log: PlanLog,
    ) -> None:
        super().__init__(log)
        self._told = log.events
        self.set, self.vault = definition, definition.vault
        self._begin, self._storing, self._options, self._spool = begin, storing, options, spool
        self._hooks = Hooks.of(definition.name)
        self._decide_again()

    def _decide_again(self) -> None:
        # A command before the run may mount a disk.
        with suppress(*((InputError, LocalError) if "before" in self._hooks.commands else ())):
            self._look()

    def _look(self) -> None:
        """Find what has changed."""
        self.states: Counter[str] = Counter()
        self.changes: list[tuple[str, str, int]] = []  # nothing more: there may be a million
        self.files, self.bytes, self._packs, self._tar, self._open = 0, 0, [0], 0, False
        self._left_out: Counter[str] = Counter()
        self._unread: list[tuple[str, str]] = []
        backups = self._storing.engine.catalogue.backups
        scan = scan_of(self.set, self._storing.engine.catalogue)
        known = backups.snapshots(self.set.id)
        before = backups.entries(self.set.id, known[-1].ordinal) if known else ()
        options = self._options
        lost = lost_contents(self.set, self._storing.engine.catalogue, options.repack)
        found = changes(scan, before, checksum=options.checksum, trust_mtime=options.trust_mtime, lost=lost)
        self._open = bool(known and known[-1].finished is None)
        for change in found:
            self.states[change.state] += 1
            if change.state != "same":
                self.changes.append(_row(change))
            if change.entry is not None and change.state in READ:
                self.files += change.entry.kind == "file"
                self._count_in(change.entry.size)
        self._left_out, self._unread = scan.left_out, list(scan.unreadable)

    def _count_in(self, size: int) -> None:
        self.bytes += size
        if self._tar and self._tar + size > self._options.pack_size:
            self._packs.append(0)
            self._tar = 0
        self._packs[-1] += size + MEMBER
        self._tar += tar_size(size)

    def must_ask(self, above: Decimal | None = None) -> bool:
        """Return whether the price is so high that the user is asked first; see :class:`.UploadPlan`."""
        return is_dear(self.quote, self.requests, above)

    @property
    def requests(self) -> int:
        """The largest number of upload requests: those of the packs and of the manifest."""
        uploader = Uploader(self._storing.engine, self.vault, threading.Event(), once=self._storing.once)

        def count(size: int) -> int:
            source = Source(path=self._spool, name="", description="", size=size, mtime_ns=0)
            return uploader.requests(source, None)

        return 0 if self.empty else count(1) + sum(count(size) for size in self._packs if size)

    @property
    def quote(self) -> Quote:
        """The price of the requests."""
        return upload_requests(self._prices, self.requests)

    @property
    def repacks(self) -> bool:
        """Whether it stores contents of old packs again."""
        return bool(self._options.repack)

    @property
    def empty(self) -> bool:
        """Whether nothing has changed."""
        return not self.changes and not self._open

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        files = f"{plural(self.files, 'file')} ({human_bytes(self.bytes)})"
        return f"Back up {files} of {self.set.name} to {self.vault}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        month = monthly_storage(self._prices, Holding(self.bytes, len(self._packs)))
        states = [f"{count:,} {state}" for state, count in sorted(self.states.items())]
        readers = ", ".join(self.set.recipients)
        facts = [
            ("price", self.quote.headline()),
            ("entries", ", ".join(states) or "none"),
            ("folders", ", ".join(self.set.roots)),
            ("readable", f"only with a key of {readers}" if readers else "by all who can retrieve it: plain"),
        ]
        if self._hooks.commands:
            more = "; what before changes is stored, too" * ("before" in self._hooks.commands)
            facts.append(("commands", f"{', '.join(self._hooks.commands)}, in {hooks_file()}{more}"))
        if self.repacks:
            what = f"needed files of {plural(len(self._options.repack), 'pack')}, more than half unused"
            facts.append(("repacked", f"{what}; a prune deletes the old packs once they are 90 days old"))
        if not self.empty:
            packs = f"{len(self._packs):,} at most, and a manifest: {plural(self.requests, 'request')}"
            storage = f"{month.words()} a month at most; an archive is charged for 90 days at least"
            facts += [("packs", packs), ("storage", storage)]
        if self._left_out.total():
            rules = [f"{rule} ({count:,})" for rule, count in self._left_out.most_common(5) if count]
            facts.append(("left out", ", ".join(rules)))
        if self._unread:
            name, reason = self._unread[0]
            facts.append(("not read", f"{len(self._unread):,}: {name}: {reason}"))
        return [(label, visible(words)) for label, words in facts]

    @property
    def table(self) -> pd.DataFrame:
        """One row per change: path, state, size."""
        import pandas as pd

        found = pd.DataFrame(self.changes, columns=["path", "state", "size"])
        return marked(found.astype({"size": "int64"}))

    def _head(self) -> Sequence[str]:
        return ("path", "size", "state")

    def _cells(self) -> list[tuple[str, ...]]:
        return [(path, human_bytes(size), state) for path, state, size in self.changes[:SHOWN]]

    def _count(self) -> int:
        return len(self.changes)

    def _run(self) -> BackupOutcome:
        self._stop.clear()
        run = self._begin()
        run.stop = self._stop
        if self.empty and not self._hooks.commands:
            work = partial(run.nothing_new, self._unread)
        else:
            run.hooks = self._hooks
            work = partial(run.run, self._ready, self._observer)
        return self._told.around("backup", self.vault, self.set.name, work)

    def _ready(self) -> int:
        """Scan again after the command ``before``, and return the bytes to read.

        :raises OverBudget: the price is above the limit by now.
        """
        limit, accept = self._limits
        if "before" in self._hooks.commands:
            self._look()
            if limit is not None:
                self._check_cost(limit, accept_unconfirmed=accept)
        cost = self.quote.total
        self._hooks.facts["COST"] = "" if cost is None else f"{cost:f}"
        try:
            self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
            check_space(self._spool, sum(sorted(self._packs)[-2:]))  # a pack is sent while one is packed
        except OSError as error:
            raise LocalError(
                f"Packs cannot wait in {str(self._spool)!r} until they are stored: {error.strerror}",
                cure=f"Free some space, or make smaller packs ({option('pack-size')}); nothing was sent.",
            ) from None
        return self.bytes


def _row(change: FileChange) -> tuple[str, str, int]:
    """Return path, state and size of a change."""
    entry, before = change.entry, change.before
    if entry is not None:
        return entry.key, change.state, entry.size
    return before.path if before else "", change.state, 0
