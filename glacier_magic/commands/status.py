"""The status: account, vaults, running jobs, and the next step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..base.rendering import Rendered, escape, html_table, snapshot_text, summary, text_table
from ..base.units import human_bytes, local_time, plural
from .console import Console, where
from .facts import facts_html, facts_lines
from .grammar import Verb
from .options import account_option

if TYPE_CHECKING:
    import pandas as pd


class Status(Rendered):
    """Account, region, endpoint, vaults, jobs, and the next step."""

    def __init__(self, console: Console, *, show_account: bool) -> None:
        session = console.session
        # Notebooks are shared with their outputs.
        account = session.account if show_account else f"********{session.account[-4:]}"
        self.vaults = session.vaults()
        jobs = session.jobs()  # also starts the tracker: downloads that are ready continue
        self.jobs = jobs.snapshot
        self.in_use = console.vault_in_use
        self.facts = [
            ("account", account),
            ("region", session.region),
            ("service", where(session)),
            ("endpoint", session.service.endpoint),
            ("catalogue", session.catalogue.place),
            ("vault in use", self.in_use or "none"),
        ]
        unfinished = session.catalogue.deletions.unfinished()
        if unfinished:
            what = plural(len(unfinished), "unfinished deletion")
            held = ", on hold" if any(deletion.on_hold for deletion in unfinished) else ""
            self.facts.append(("deletions", f"{what}{held}: {console.face.program} deletions"))
        if self.jobs.virtual:
            speed = session.service.clock.speed
            self.facts.append(
                ("emulator time", f"{self.jobs.now:%Y-%m-%d %H:%M} UTC, {speed:g} times real time")
            )
        self.next = _next_step(console.face.program, self)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (row["vault"], f"{row['archives']:,}", human_bytes(row["size"]), self._when(row["inventory"]))
            for row in self.vaults.to_dict("records")
        ]

    def _when(self, made: pd.Timestamp) -> str:
        import pandas as pd

        # LastInventoryDate is null in a new vault.
        return "never" if pd.isna(made) else local_time(made.to_pydatetime(), self.jobs.now)

    def _repr_text(self) -> str:
        lines = [*facts_lines(self.facts)]
        if len(self.vaults):
            lines += ["", text_table(_HEAD, self._rows(), numbers=(1, 2))]
        if self.jobs.rows:
            # Those that have ended are on the board.
            running = replace(self.jobs, rows=tuple(r for r in self.jobs.rows if not r.ended))
            lines += ["", snapshot_text(running) if running.rows else summary(self.jobs)]
        return "\n".join([*lines, "", f"Next: {self.next}"])

    def _repr_html(self) -> str:
        vaults = html_table(_HEAD, self._rows(), numbers=(1, 2)) if len(self.vaults) else ""
        return (
            f"{facts_html(self.facts)}{vaults}"
            f"<p>{escape(summary(self.jobs))}</p><p>Next: <code>{escape(self.next)}</code></p>"
        )


_HEAD = ("vault", "archives", "size", "last inventory")


def _next_step(program: str, status: Status) -> str:
    if not len(status.vaults):
        return f"{program} create NAME"
    if status.in_use is None and len(status.vaults) > 1:
        return f"{program} use {status.vaults['vault'].iloc[0]}"
    if status.jobs.count("in progress", "ready", "downloading", "requested", "scheduled"):
        return f"{program} jobs"
    if (status.vaults["archives"] == 0).all():
        return f"{program} upload FILE"
    return f"{program} inventory, then {program} ls and {program} restore NAME"


VERB = Verb(
    name="",
    summary="show the status: account, vaults, running jobs, and the next step",
    run=lambda console, args: Status(console, show_account=args.show_account),
    configure=account_option,
)
