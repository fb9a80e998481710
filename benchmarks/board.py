"""The job board of many jobs: what one change costs in CPU, statements and bytes to the page.

Run: ``python benchmarks/board.py [--rows 10000] [--runs 5]``.  The catalogue has so many restores in
all states; the tracker and the widgets are those of a notebook, with a recorder in place of the
kernel's comms and of the display of the saved record.  CPU is that of this process, the least of the
runs; bytes are those of the messages' JSON and buffers.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import comm
import comm.base_comm
from botocore.awsrequest import AWSResponse
from limits import Limit, show

import glacier_magic as gm
from glacier_magic.base.session_limits import Limits
from glacier_magic.catalogue import JobRecord
from glacier_magic.client.connect import connection_for
from glacier_magic.emulator import testing
from glacier_magic.transfer.progress import Report

REGION, VAULT = "eu-west-1", "photos"
HOUR = 3_600_000
PAGE = 50
BATCHES = 4
NAME = "2019/07/a folder of photographs/IMG_{:05}.NEF"
STATES = ("downloading", "ready", "waiting", "waiting", "verified", "ready", "waiting", "failed")
"""Of the restores in turn; as many as may run at once are downloading, all others are ready."""


@dataclass
class Recorder:
    """The messages to the page, and the updates of the saved record, in bytes."""

    sent: list[int] = field(default_factory=list)
    records: list[int] = field(default_factory=list)

    def comm(self, **options: Any) -> comm.base_comm.BaseComm:
        """Return a comm that counts what it sends."""
        sent = self.sent

        class Counted(comm.base_comm.BaseComm):
            def publish_msg(self, *_: Any, data: Any = None, buffers: Any = None, **more: Any) -> None:
                content = json.dumps({"comm_id": self.comm_id, "data": data, **more}, ensure_ascii=False)
                sent.append(len(content.encode()) + sum(memoryview(b).nbytes for b in buffers or ()))

        return Counted(**options)

    def put(self, record: Any) -> None:
        """Take the saved record, as the output of a cell does."""
        self.records.append(len(json.dumps(record._repr_mimebundle_(), ensure_ascii=False).encode()))


def fill(session: gm.Session, rows: int) -> list[int]:
    """Write restores in mixed states with their jobs; return the numbers of the running ones."""
    now, running = session.service.clock.now_ms(), session.tracker._limits.downloads
    every = rows // running
    states = ["downloading" if n % every == 0 and n // every < running else "" for n in range(rows)]
    states = [s or (STATES[1:])[n % (len(STATES) - 1)] for n, s in enumerate(states)]
    jobs = [
        JobRecord(
            vault=VAULT, job_id=f"{n:092}", action="ArchiveRetrieval", archive_id=f"{n:0138}", tier="Bulk",
            description=f"glacier_magic {n:032}", status="InProgress" if state == "waiting" else "Succeeded",
            size=100_000_000, tree_hash=f"{n:064}", created=now - 6 * HOUR,
            completed=None if state == "waiting" else now - HOUR, output_hash=f"{n:064}",
        )
        for n, state in enumerate(states)
    ]  # fmt: skip
    session.catalogue.jobs.record(jobs, ours=True)
    numbers = session.catalogue.downloads.want(
        {
            "vault": VAULT, "batch": f"batch {BATCHES * n // rows}", "archive_id": job.archive_id,
            "name": NAME.format(n), "tree_hash": job.tree_hash, "size": job.size,
            "tier": "Bulk", "root": "/back", "target": f"/back/{NAME.format(n)}",
            "token": job.description, "state": states[n], "job_id": job.job_id, "asked": job.created,
        }
        for n, job in enumerate(jobs)
    )  # fmt: skip
    session.catalogue.database.execute(
        "UPDATE downloads SET done=size, ended=? WHERE state='verified'", (now,)
    )
    return [number for number, state in zip(numbers, states, strict=True) if state == "downloading"]


def answer_lists(session: gm.Session) -> list[str]:
    """Answer ListJobs from the catalogue's own jobs, page by page; return the list of calls."""
    pages: list[list[JobRecord]] = []
    calls: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        page = int(request.url.partition("marker=page-")[2].partition("&")[0] or 0)
        if not page:
            pages.clear()
            jobs = session.catalogue.jobs.of_vault(VAULT)
            pages.extend(jobs[start : start + PAGE] for start in range(0, len(jobs), PAGE))
        calls.append(request.url)
        body = {
            "JobList": [listed(job) for job in pages[page]],
            "Marker": f"page-{page + 1}" if page + 1 < len(pages) else None,
        }
        raw = io.BytesIO(json.dumps(body).encode())
        raw.stream = lambda *_, **__: iter([raw.getvalue()])  # type: ignore[attr-defined]
        return AWSResponse(request.url, 200, {"content-type": "application/json"}, raw)

    session.service._patient.meta.events.register("before-send.glacier.ListJobs", answer)
    return calls


def listed(job: JobRecord) -> dict[str, Any]:
    """Return a job as ListJobs has it."""

    def at(moment: int | None) -> str | None:
        return moment and time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment / 1000))  # type: ignore[return-value]

    return {
        "Action": job.action, "ArchiveId": job.archive_id, "ArchiveSizeInBytes": job.size, "Tier": job.tier,
        "ArchiveSHA256TreeHash": job.tree_hash, "SHA256TreeHash": job.tree_hash, "JobId": job.job_id,
        "JobDescription": job.description, "StatusCode": job.status, "StatusMessage": job.status,
        "Completed": job.completed is not None, "CreationDate": at(job.created),
        "CompletionDate": at(job.completed), "RetrievalByteRange": f"0-{(job.size or 1) - 1}",
        "VaultARN": f"arn:aws:glacier:{REGION}:000000000000:vaults/{VAULT}",
    }  # fmt: skip


@dataclass
class Cost:
    """What something took: CPU milliseconds, statements, and bytes of messages and of the record."""

    cpu: float
    statements: int
    messages: int
    sent: int
    record: int

    def __str__(self) -> str:
        return (
            f"{self.cpu:9.2f} ms {self.statements:6} statements {self.messages:4} messages"
            f" {self.sent:9,} B {self.record:9,} B record"
        )


class Bench:
    """A session, its recorder and the boards that are open."""

    def __init__(self, session: gm.Session, rows: int, runs: int) -> None:
        self.session, self.runs, self.recorder = session, runs, Recorder()
        comm.create_comm = self.recorder.comm
        self.running = fill(session, rows)
        self.live = session.tracker._fetcher.live
        self.done = 0
        self.progress(*self.running)
        self.statements = [0]
        session.catalogue.database._connection.set_trace_callback(self._stated)  # type: ignore[attr-defined]

    def _stated(self, _: str) -> None:
        self.statements[0] += 1

    def progress(self, *numbers: int) -> None:
        """Let some of the running downloads move on."""
        self.done += 1_000_000
        for number in numbers:
            self.live[number] = Report(
                label=f"IMG_{number}", done=self.done % 90_000_000, total=100_000_000, rate=5e6, eta=20.0
            )

    def measure(self, act: Callable[[], object], before: Callable[[], object] = lambda: None) -> Cost:
        """Return the least CPU of some runs, and the rest of that run."""
        found = []
        for _ in range(self.runs):
            before()
            self.statements[0] = 0
            self.recorder.sent.clear()
            self.recorder.records.clear()
            began = time.process_time()
            act()
            cpu = (time.process_time() - began) * 1000
            sent, records = self.recorder.sent, self.recorder.records
            found.append(Cost(cpu, self.statements[0], len(sent), sum(sent), sum(records)))
        return min(found, key=lambda cost: cost.cpu)

    def refresh(self, *boards: Any, record: bool = False) -> None:
        """Do what the tracker does with a change: a snapshot, and its report to the boards."""
        for board in boards:
            board._last = 0.0  # a refresh is due
            board._recorded = 0.0 if record else time.monotonic()
        latest = self.session.tracker.snapshot()
        self.session.tracker._watch_expiry(latest)
        self.session.tracker._report(latest)

    def write(self, *numbers: int, **values: Any) -> None:
        """Write a change of downloads into the catalogue, as their threads do."""
        for number in numbers:
            self.session.catalogue.downloads.update(number, **values)


def boards(bench: Bench) -> None:
    """Measure the boards of all jobs and of a batch."""
    from glacier_magic.notebook.job_board import JobBoard

    session, show_cost = bench.session, _printer()
    session.tracker.snapshot()
    keys = {f"download-{number}" for number in range(1, 1 + len(session.catalogue.jobs.known()))}
    opened: list[JobBoard] = []
    batch = gm.jobs.Batch(session.tracker, keys, "10,000 archives")
    show_cost("open a board", bench.measure(lambda: opened.append(JobBoard(batch))))
    for board in opened[1:]:
        board.close()
    board = opened[0]
    board._place = bench.recorder  # type: ignore[assignment]
    first = bench.running[-1]  # the first row of the newest batch
    board._table._answer({"kind": "rows", "version": board._rows.version, "start": 0, "stop": 20})
    one = bench.measure(lambda: bench.refresh(board), lambda: bench.progress(first))
    show_cost("progress of one download", one)
    stored = bench.measure(
        lambda: bench.refresh(board),
        lambda: (
            bench.progress(first),
            bench.write(first, done=bench.done, pieces=f'{{"0": "{bench.done}"}}'),
        ),
    )
    show_cost("  with a piece written to the catalogue", stored)
    show_cost("  with the record", bench.measure(lambda: bench.refresh(board, record=True),
                                                lambda: bench.progress(first)))  # fmt: skip
    show_cost("nothing changed", nothing := bench.measure(lambda: bench.refresh(board)))
    ready = [d.id for d in session.catalogue.downloads.in_states(VAULT, ("ready",))]
    ready.sort(key=lambda number: (number > first, -number))  # those in sight are taken first

    def done(count: int) -> None:
        bench.write(*(ready.pop() for _ in range(count)), state="verified", ended=1)

    ended = bench.measure(lambda: bench.refresh(board), lambda: done(1))
    show_cost("a job completes", ended)
    show_cost("100 jobs complete", bench.measure(lambda: bench.refresh(board), lambda: done(100)))
    show_cost("scroll to another page", bench.measure(
        lambda: board._table._answer({"kind": "rows", "version": board._rows.version, "start": 5000,
                                      "stop": 5030})))  # fmt: skip
    board._table._answer({"kind": "rows", "version": board._rows.version, "start": 0, "stop": 20})
    others = [JobBoard(gm.jobs.Batch(session.tracker, keys, "again")) for _ in range(3)]
    show_cost("progress of one download, 4 boards", bench.measure(
        lambda: bench.refresh(board, *others), lambda: bench.progress(first)))  # fmt: skip
    for one_more in (board, *others):
        one_more.close()
    whole = JobBoard(gm.jobs.Batch(session.tracker, None))
    show_cost("progress of one, board of all jobs", bench.measure(
        lambda: bench.refresh(whole), lambda: bench.progress(first)))  # fmt: skip
    whole.close()
    show(
        Limit("CPU of one change of a board of many jobs", one.cpu, "ms", most=5),
        Limit("CPU of one change, with its piece recorded", stored.cpu, "ms", most=5),
        Limit("bytes to the page of one change", one.sent, "B", most=2048),
        Limit("bytes to the page when nothing changed", nothing.sent, "B", most=0),
        Limit("CPU of the completion of one job", ended.cpu, "ms"),
    )


def sweep(bench: Bench) -> None:
    """Measure a poll of the vault's jobs, and a round of the tracker without one."""
    tracker, show_cost = bench.session.tracker, _printer()
    calls = answer_lists(bench.session)
    tracker.refresh([VAULT])  # the first one records what another client would have
    calls.clear()
    cost = bench.measure(lambda: tracker._sweeper.sweep(VAULT))
    show_cost("a look at all jobs of the vault", cost)
    looks = len(calls) / bench.runs

    def round_() -> None:
        steps = tracker.snapshots()
        next(steps)
        steps.close()

    round_()
    show_cost("a round of the tracker", bench.measure(round_, lambda: bench.progress(bench.running[-1])))
    show(Limit("calls of a look at the jobs", looks, "", most=-(-len(
        bench.session.catalogue.jobs.known()) // PAGE)))  # fmt: skip


def uploads(bench: Bench, rows: int, folder: Path) -> None:
    """Measure the upload panel with so many files."""
    from glacier_magic.notebook.upload_panel import UploadPanel
    from glacier_magic.transfer.upload_queue import SENDING

    show_cost = _printer()
    for number in range(rows):
        (folder / f"file {number:05}.bin").write_bytes(b"x" * 100)
    desk = bench.session.vault(VAULT).desk()
    desk.add([str(folder)], recursive=True)
    panels: list[UploadPanel] = []
    show_cost("open an upload panel", bench.measure(lambda: panels.append(UploadPanel(desk))))
    for panel in panels[1:]:
        panel.close()
    panel, first = panels[0], next(iter(desk._sources))
    desk.state = SENDING
    desk.report = Report(label="Upload", done=1, total=rows * 100, rate=5e6, eta=20.0)

    def move() -> None:
        desk._tally.moved(first, 1)
        desk.report = replace(desk.report, done=desk.report.done + 1)

    show_cost("progress of one file", one := bench.measure(panel._write, move))
    panel._place = bench.recorder  # type: ignore[assignment]
    show_cost("  with the record", bench.measure(panel._write, move))
    show(
        Limit("CPU of one change of an upload panel", one.cpu, "ms", most=5),
        Limit("bytes to the page of one change of a panel", one.sent, "B", most=2048),
    )
    panel.close()


def _printer() -> Callable[[str, Cost], None]:
    return lambda what, cost: print(f"  {what:<42}{cost}", flush=True)


@contextmanager
def opened(folder: Path) -> Iterator[gm.Session]:
    """Give a session on an emulator, without a tracker's thread."""
    with testing.running(folder / "service") as server:
        connection = connection_for(emulator=server.folder, region=REGION)
        with gm.Session(connection, catalogue=folder / "catalogue.sqlite", limits=Limits()) as session:
            session.tracker.background = False
            session.create_vault(VAULT)
            yield session


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, opened(Path(place)) as session:
        bench = Bench(session, args.rows, args.runs)
        print(f"{args.rows:,} jobs, least of {args.runs} runs")
        boards(bench)
        sweep(bench)
        (Path(place) / "files").mkdir()
        uploads(bench, args.rows, Path(place) / "files")


if __name__ == "__main__":
    main()
