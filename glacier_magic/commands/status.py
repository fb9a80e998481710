"""The status: the connection, its vaults, what runs, and the next step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..base.bucket_names import is_bucket
from ..base.facts import Facts, facts_lines
from ..base.rendering import Rendered, escape, watched
from ..base.units import human_bytes, human_duration, local_time, plural
from ..errors.steps import step
from ..jobs.durations import request_again
from .console import Console, where
from .grammar import Verb
from .options import account_option

if TYPE_CHECKING:
    from ..client.session import Session
    from ..jobs import BoardSnapshot, JobRow

NAMED = 3
"""The most names in a line."""


class Status(Rendered):
    """Where the console is connected, what is in progress, and the next step."""

    def __init__(self, console: Console, *, show_account: bool) -> None:
        session = console.session
        # Notebooks are shared with their outputs.
        account = session.account if show_account else f"********{session.account[-4:]}"
        self.vaults = session.exact_vaults().records()
        self.jobs = session.jobs().snapshot  # also starts the tracker: downloads that are ready continue
        self.in_use = console.vault_in_use
        if self.in_use is None and len(self.vaults) == 1:
            self.in_use = self.vaults[0]["vault"]  # the vault of verbs that name none
        self.unfinished = [each for each in session.catalogue.uploads.open() if not each.held]
        self.held = session.held.words
        self.deletions = [each for each in session.catalogue.deletions.unfinished() if not each.on_hold]
        self.place = [("connected to", where(session)), ("account", f"{account}, region: {session.region}")]
        if self.jobs.virtual:
            self.place.append(("emulator time", _emulator_time(session, self.jobs)))
        work = [
            ("vaults", self._vaults(session)),
            *_of_jobs(self.jobs),
            ("uploads", self._uploads()),
            ("copies", self._copies(session)),
            ("deletions", plural(len(self.deletions), "unfinished deletion") if self.deletions else ""),
            ("on hold", self.held),
            ("watched", watched(self.jobs).removeprefix("Watched ")),
        ]
        self.work: Facts = [(label, text) for label, text in work if text]
        self.next = self._next(console)

    def _vaults(self, session: Session) -> str:
        names = [row["vault"] for row in self.vaults]
        others = [name for name in names if name != self.in_use]
        if self.in_use is None:
            return f"{_some(others)}; none is in use" if others else "none"
        more = f"; {plural(len(others), 'other')}: {_some(others)}" if others else ""
        return f"{self.in_use}: {self._contents(session, self.in_use)}{more}"

    def _contents(self, session: Session, vault: str) -> str:
        """Return the contents of a vault by its last inventory, else by the catalogue."""
        for row in self.vaults:
            if row["vault"] == vault and row["inventory"] is not None:  # null in a new vault
                count, size = plural(row["archives"], "archive"), human_bytes(row["size"])
                made = local_time(row["inventory"], self.jobs.now)
                return f"{count}, {size}, inventory of {made}"
        count = plural(session.catalogue.archives.count(vault), "archive")
        return count if is_bucket(vault) else f"{count} stored, no inventory yet"

    def _uploads(self) -> str:
        if not self.unfinished:
            return ""
        into = _some([each.vault for each in self.unfinished])
        return f"{len(self.unfinished):,} unfinished in {into}: {_some([e.name for e in self.unfinished])}"

    def _copies(self, session: Session) -> str:
        """Return what uploads whose response was lost have stored twice in the vault in use."""
        copies = session.catalogue.uploads.copies(self.in_use) if self.in_use else []
        if not copies:
            return ""
        names = _some([copy.name for copy in copies])
        return f"{len(copies):,} from uploads whose response was lost: {names}; {step('rm', '--copies')}"

    def _next(self, console: Console) -> str:
        session, vaults = console.session, self.vaults
        if self.held:
            return f"{step('catalogue', 'resume')} or {step('catalogue', 'discard')}"
        if self.in_use is None:
            return step("use", vaults[0]["vault"]) if vaults else step("create", "NAME")
        if self.unfinished:
            return step("uploads", f"--resume --vault {self.unfinished[0].vault}")
        if self.deletions:
            return step("deletions")
        expired = [row.target for row in self.jobs.rows if row.ours and row.state == "expired"]
        if expired:
            return request_again(expired)
        if not self.jobs.finished:
            return step("jobs" if console.face.lasting else "wait")
        if session.catalogue.archives.count(self.in_use):
            return f"{step('ls')}, then {step('restore', 'NAME')}"
        listed = any(row["archives"] for row in vaults if row["vault"] == self.in_use)
        return step("inventory") if listed else step("upload", "PATH")

    def _repr_text(self) -> str:
        return "\n".join(facts_lines([*self.place, *self.work, ("next", self.next)]))

    def _repr_html(self) -> str:
        (_, connected), *place = self.place
        rows = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in self.work)
        steps = " then ".join(f"<code>{escape(words)}</code>" for words in self.next.split(", then "))
        return (
            f"{_STYLE}<div class='glacier-status'><b>Connected to {escape(connected)}</b>"
            f"<p>{' · '.join(escape(f'{label} {text}') for label, text in place)}</p>"
            f"<dl>{rows}<dt>next</dt><dd>{steps}</dd></dl></div>"
        )


_STYLE = (
    "<style>.glacier-status{border-left:3px solid var(--jp-brand-color1,#1976d2);padding:2px 0 2px 14px;"
    "font-size:var(--jp-content-font-size1,14px);line-height:1.5;overflow-wrap:anywhere}"
    ".glacier-status p{margin:0 0 10px;color:var(--jp-content-font-color2,inherit)}"
    ".glacier-status dl{display:grid;grid-template-columns:minmax(5em,max-content) 1fr;gap:3px 16px;margin:0}"
    ".glacier-status dt{color:var(--jp-content-font-color2,inherit);font-weight:normal;text-align:left;"
    "width:auto;float:none}"
    ".glacier-status dd{margin:0;width:auto;float:none}"
    ".glacier-status code{background:var(--jp-layout-color2,rgba(128,128,128,.15));padding:2px 7px;"
    "border-radius:3px}</style>"
)


def _some(names: Sequence[str]) -> str:
    """Return the first of *names*, each once, and the number of the others."""
    once = list(dict.fromkeys(names))
    more = f" and {len(once) - NAMED:,} more" if len(once) > NAMED else ""
    return f"{', '.join(once[:NAMED])}{more}"


def _emulator_time(session: Session, jobs: BoardSnapshot) -> str:
    speed = session.service.clock.speed
    pace = {0.0: "paused", 1.0: "in real time"}.get(speed, f"{speed:g} times real time")
    return f"{local_time(jobs.now, datetime.now(UTC))}, {pace}"


def _of_jobs(jobs: BoardSnapshot) -> list[tuple[str, str]]:
    """Return what runs, what is ready, and what ended without a file."""
    ready = [row for row in jobs.rows if row.state in ("ready", "downloading")]
    running = [row for row in jobs.rows if not row.ended and row not in ready]
    expected = min((row.expected for row in running if row.expected), default=None)
    until = min((row.ready_until for row in ready if row.ready_until), default=None)
    when = kept = ""
    if expected is not None:
        left = (expected - jobs.now).total_seconds()
        moment = f"{local_time(expected, jobs.now)}, in {human_duration(left)}"
        when = f"; expected {moment if left > 0 else 'any moment'}"
    if until is not None:
        kept = f"; kept {human_duration((until - jobs.now).total_seconds())} more"
    return [
        ("running", f"{_counted(running)}{when}" if running else ""),
        ("ready", f"{_counted(ready)}{kept}" if ready else ""),
        ("ended", _counted([row for row in jobs.rows if row.ours and row.state in ("failed", "expired")])),
    ]


def _counted(rows: Sequence[JobRow]) -> str:
    """Return the number of rows in each state, and the names of the first."""
    states = Counter(row.state for row in rows)
    numbers = ", ".join(f"{count:,} {state}" for state, count in states.items())
    return f"{numbers}: {_some([row.name for row in rows])}" if rows else ""


VERB = Verb(
    name="",
    summary="show where you are connected, what is in progress, and the next step",
    run=lambda console, args: Status(console, show_account=args.show_account),
    configure=account_option,
)
