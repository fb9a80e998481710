"""A vault of many archives emptied and dropped through its virtual days, with the log of it.

Run: ``python benchmarks/drop.py [--archives 100000] [--latency MS]``.  It prints each state with
the emulator's time and the real seconds, the rate of the deletions next to the same deletions one
after the other, the memory that the process grew by while it deleted, and what the emulator's own
store says of the vault and of its neighbour, which must be as it was.
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from limits import Limit, show

import glacier_magic as gm
from glacier_magic.base.session_limits import Limits
from glacier_magic.client.connect import connection_for
from glacier_magic.emulator import process, testing

REGION = "eu-west-1"
NEIGHBOUR = 1_000
GROWTH = 60
"""Megabytes."""
ALONE = 200
"""Deletions one after the other, of a third vault, to compare with."""


class Log:
    """Lines with the emulator's date and the real seconds since the start."""

    def __init__(self, session: gm.Session) -> None:
        self._session, self._start = session, time.monotonic()

    def __call__(self, text: str) -> None:
        now = self._session.service.clock.now()
        print(f"{now:%Y-%m-%d %H:%M}  {time.monotonic() - self._start:7.1f} s  {text}", flush=True)


def living(folder: Path) -> dict[str, int | None]:
    """Return by vault how many archives the emulator's own store has; None for one dropped."""
    store = sqlite3.connect(folder / "store.sqlite")
    rows = store.execute(
        "SELECT v.name, v.deleted IS NOT NULL, (SELECT count(*) FROM archives a "
        "WHERE a.vault=v.id AND a.deleted IS NULL) FROM vaults v"
    ).fetchall()
    store.close()
    return {name: None if gone else count for name, gone, count in rows}


def megabytes() -> float:
    """Return the memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / (1 << 20)


def until(session: gm.Session, state: str) -> Any:
    """Wait until the drop is in a state."""
    session.tracker.start()
    session.tracker.wait(lambda _: session.catalogue.drops.shown()[0].state == state, 600)
    drop = session.catalogue.drops.shown()[0]
    if drop.state != state:
        raise SystemExit(f"not {state}: {drop}")
    return drop


def advance(session: gm.Session, folder: Path, hours: float) -> None:
    """Let virtual hours pass, and the session notice."""
    process.advance(folder, hours * 3600)
    session.service.account()
    session.tracker.wake()


def alone(session: gm.Session) -> float:
    """Return how many deletions a second go one after the other, without a queue."""
    archives = session.vault("alone").delete("*").archives[:ALONE]
    start = time.monotonic()
    for archive in archives:
        session.service.delete_archive("alone", archive.archive_id)
    return ALONE / (time.monotonic() - start)


def drop(session: gm.Session, folder: Path, log: Log) -> tuple[float, float]:
    """Drop the vault; return deletions a second and the megabytes grown by."""
    session.drop_with_archives("old")
    log("asked for the inventory: " + session.catalogue.drops.shown()[0].state)
    advance(session, folder, 4.1)
    until(session, "confirming")
    plan = session.drop_with_archives("old")
    log(f"the plan: {plan.title}")
    for label, words in plan.facts:
        print(f"    {label}: {words}")
    said, most = [time.monotonic()], [megabytes()]

    def show(report: Any) -> None:
        most[0] = max(most[0], megabytes())
        if report.finished or time.monotonic() - said[0] > 5:
            said[0] = time.monotonic()
            log(str(report))

    plan.observe(show)
    before, start = megabytes(), time.monotonic()
    plan.run(confirm="old")
    seconds, grown = time.monotonic() - start, most[0] - before
    log("the board: " + session.drops().snapshot.rows[0].error)
    hours = 0
    while session.catalogue.drops.shown()[0].state == "proving":
        check = session.drops().snapshot.rows[0].expected
        log(f"waits; next look at {check:%Y-%m-%d %H:%M}")
        advance(session, folder, 6)
        hours += 6
        session.tracker.wait(lambda _: not session.catalogue.drops.busy(), 1)
    until(session, "dropped")
    log(f"proven empty and dropped, {hours} hours after the deletions")
    return len(plan.choice) / seconds, grown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archives", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0, help="milliseconds more for an answer")
    asked = parser.parse_args()
    count, extra = asked.archives, ("--latency", str(asked.latency))
    with (
        tempfile.TemporaryDirectory(prefix="deletion-") as name,
        testing.running(Path(name) / "emulator", extra=extra) as emulator,
    ):
        folder = emulator.folder
        for vault, many in (("old", count), ("neighbour", NEIGHBOUR), ("alone", ALONE)):
            process.seed(folder, vault, many, region=REGION, size=100_000)
        connection = connection_for(emulator=folder, region=REGION)
        limits = Limits(emulator_idle=0.1)
        with gm.Session(connection, catalogue=Path(name) / "c.sqlite", limits=limits) as session:
            job = session.vault("alone").refresh_inventory()
            advance(session, folder, 4.1)
            job.result(60)
            log = Log(session)
            one = alone(session)
            rate, grown = drop(session, folder, log)
        print(f"in the emulator's store: {living(folder)}")
        print(f"deletions a second: {rate:,.0f}, one after the other {one:,.0f}")
        show(
            Limit("deletions, x one after the other", rate / one),
            Limit("memory grown by while deleting, for any count", grown, "MB", most=GROWTH),
        )
        if grown > GROWTH or living(folder)["old"] is not None or living(folder)["neighbour"] != NEIGHBOUR:
            raise SystemExit("FAILED")


if __name__ == "__main__":
    main()
