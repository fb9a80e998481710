"""Plans that were run are remembered: what was promised, and what happened."""

import io
import tarfile
from decimal import Decimal

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.errors import AccessDenied, InputError, JobExpired, PriceUnknown, Unavailable
from glacier_magic.plans import Plan, PlanLog
from glacier_magic.plans.past_plans import came_to
from tests.catalogue import wanted

PATIENCE = 30.0
MIB, GB = 1 << 20, 1 << 30


class Small(Plan):
    """The least that a plan must say."""

    kind, title, facts, empty, vault = "small", "Do a little", (("undo", "none"),), False, "photos"

    def __init__(self, memory, outcome="done"):
        super().__init__(memory)
        self._outcome = outcome

    def happened(self, result):
        return {"words": result}

    def _run(self):
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


def test_any_plan_is_kept_when_it_is_run_and_not_before(session):
    """Promise and outcome; one without a memory runs as well."""
    plan = Small(PlanLog(session.catalogue, session.service.clock))
    assert session.catalogue.plans.recent() == []
    assert plan.run() == plan.run() == "done"
    (kept,) = session.catalogue.plans.recent()
    assert (kept.kind, kept.vault, kept.state) == ("small", "photos", "done")
    assert kept.promised["title"] == "Do a little"
    assert kept.promised["facts"] == [["undo", "none"]]
    assert kept.happened == {"words": "done"}
    assert kept.made <= kept.run <= kept.ended
    assert kept.id == plan.number
    assert Small(None).run() == "done"
    assert len(session.catalogue.plans.recent()) == 1


def test_a_plan_that_fails_is_kept_with_its_error_and_can_be_run_again(session):
    """Each try is one of its own."""
    memory = PlanLog(session.catalogue, session.service.clock)
    plan = Small(memory, Unavailable("no network"))
    with pytest.raises(Unavailable):
        plan.run()
    plan._outcome = "done"
    assert plan.run() == "done"
    last, first = session.catalogue.plans.recent()
    assert (first.state, last.state) == ("failed", "done")
    assert "no network" in first.error


def test_a_plan_whose_process_was_killed_is_not_finished(session):
    """Until it is run again, the history says no more than is known."""
    plan = Small(PlanLog(session.catalogue, session.service.clock), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        plan.run()
    (kept,) = session.catalogue.plans.recent()
    assert (kept.state, kept.ended, kept.error) == ("not finished", None, None)
    table = session.history().table
    assert table["ended"].isna().all()
    assert table["state"].tolist() == ["not finished"]


def test_an_output_that_expired_stays_in_the_history_of_the_plan_that_paid_for_it(
    connect, filled, later, tmp_path
):
    """Restored again, it is the second plan's: each shows what it paid, and what came of it."""
    filled.restore("c.txt", to=tmp_path / "back").run()
    filled.session.close()
    later(hours=4.1)
    later(hours=25)
    session = connect()
    with pytest.raises(JobExpired):
        session.pending().wait(PATIENCE)
    batch = session.vault("photos").restore("c.txt", to=tmp_path / "back").run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    second, first = session.catalogue.plans.recent()
    assert (first.state, first.tally.asked, first.tally.expired) == ("incomplete", 1, 1)
    assert (second.state, second.tally.asked, second.tally.verified) == ("done", 1, 1)
    assert session.history().table["state"].tolist() == ["done", "incomplete"]


def test_a_piece_kept_of_a_stopped_download_needs_no_room_and_no_way_out(session, vault, files, tmp_path):
    """What is verified on the disk is not fetched again: 3 MiB of which 1 is there."""
    archive = vault.upload(files("large", 3 << 20))
    known = {"archive_id": archive.id, "name": "large", "size": 3 << 20, "tree_hash": archive.tree_hash}
    known |= {"root": str(tmp_path / "back"), "target": str(tmp_path / "back" / "large")}
    (number,) = session.catalogue.downloads.want([wanted(state="waiting", **known)])
    session.catalogue.downloads.update(
        number, state="expired", done=1 << 20, part_path=str(tmp_path / "back" / ".part")
    )
    plan = vault.restore("large", to=tmp_path / "back")
    assert plan.needed == plan.asking.out == 2 << 20
    assert plan.bytes == plan.asking.bytes == 3 << 20
    plan.run()
    assert session.catalogue.downloads.get(number).batch != "b"
    assert len(session.catalogue.downloads.open()) == 1


def test_a_limit_needs_a_price(session):
    """A plan that reckons none refuses, and is not kept; nor is a limit that is none."""
    plan = Small(PlanLog(session.catalogue, session.service.clock))
    with pytest.raises(PriceUnknown):
        plan.run(max_cost=5)
    for wrong in ("five", -1, 0.5, True, "NaN"):
        with pytest.raises(InputError):
            plan.run(max_cost=wrong)
    assert session.catalogue.plans.recent() == []


@pytest.mark.each_backend
def test_a_restore_is_kept_with_what_came_of_it(session, filled, later, tmp_path):
    """Filled in as the downloads end."""
    plan = filled.restore("*", to=tmp_path / "back")
    batch = plan.run()
    (kept,) = session.catalogue.plans.recent()
    assert kept.state == "under way"
    assert kept.promised["archives"] == 3
    assert (kept.tally.asked, kept.tally.still, kept.tally.verified) == (3, 3, 0)
    assert kept.tally.bytes_asked == plan.bytes
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    kept = session.catalogue.plans.get(plan.number)
    assert kept.state == "done"
    assert (kept.tally.verified, kept.tally.bytes_verified) == (3, plan.bytes)
    assert kept.run < kept.tally.ended


def test_a_second_plan_of_the_same_archives_pays_nothing(session, filled, later, tmp_path):
    """Both hear how they end; only the first has asked."""
    first = filled.restore("*", to=tmp_path / "back")
    second = filled.restore("*", to=tmp_path / "back")
    third = filled.restore("*", to=tmp_path / "elsewhere")
    for plan in (first, second, third):
        plan.run()
    later(session, hours=4.1)
    session.pending().wait(PATIENCE)
    tallies = [session.catalogue.plans.get(p.number).tally for p in (first, second, third)]
    assert [t.asked for t in tallies] == [3, 0, 0]
    assert [t.verified for t in tallies] == [3, 3, 3]


PRICES = """[all]
retrieval-standard = 10
retrieval-standard-requests = 500
free-retrieval = 0
transfer-out-internet = 90
"""


@pytest.mark.each_backend
def test_the_sum_of_the_history_is_what_was_paid(session, vault, files, client, later, ready, tmp_path):
    """By the jobs and the bytes that left the region; a look takes several plans, and plans share files."""
    (data_folder() / "prices.toml").parent.mkdir(parents=True, exist_ok=True)
    (data_folder() / "prices.toml").write_text(PRICES)
    path = files("a.tar", b"")
    with tarfile.open(path, "w") as archive:
        for number in range(3):
            info = tarfile.TarInfo(f"t{number}")
            info.size = 8 * MIB
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    with path.open("rb") as file:
        vault.upload_stream(file, "a.tar")
    vault.upload(files("b", 2 * MIB))
    vault.upload(files("c", 3 * MIB))
    for name in ("a.tar", "b", "c"):
        (files.folder / name).unlink()
    ids = vault.archives().set_index("name")["archive_id"]
    asked = {"Type": "archive-retrieval", "ArchiveId": ids["c"]}
    foreign = client.initiate_job(vaultName="photos", jobParameters=asked)["jobId"]
    moved, ours, rounds = 0, {}, 0
    while not (look := vault.peek("a.tar")).empty:  # the second plan of a round waits for the first one
        for plan in (look, vault.peek("a.tar")):
            batch = plan.run()
        moved, rounds = moved + sum(item.cover.size for item in look.items), rounds + 1
        ours |= {job["JobId"]: job for job in client.list_jobs(vaultName="photos")["JobList"]}
        ready(batch)
    plans = [vault.restore(*names, to=tmp_path / "back") for names in (("b", "c"), ("b", "c"), ("c",))]
    batches = [plan.run() for plan in plans]
    ours |= {job["JobId"]: job for job in client.list_jobs(vaultName="photos")["JobList"]}
    ready(batches[0])
    for batch in batches[1:]:
        batch.wait(PATIENCE)
    later(session, hours=25)  # the output is gone: the file is copied
    vault.restore("b", to=tmp_path / "copied").run().wait(PATIENCE)
    ends = [
        map(int, job["RetrievalByteRange"].split("-")) for job in ours.values() if job["JobId"] != foreign
    ]
    size = sum(last - first + 1 for first, last in ends)
    paid = 500 * Decimal(len(ends)) / 1000 + 10 * Decimal(size) / GB + 90 * Decimal(moved + 5 * MIB) / GB
    records = session.catalogue.plans.recent()
    assert len(records) == 2 * rounds + 4
    assert len(ends) == rounds + 1
    assert sum(came_to(record) for record in records) == paid
    history = session.history().table
    assert 0 <= history["cost"].sum() - paid < len(history) * Decimal("0.000001")  # rounded up
    assert history["size_done"].sum() == moved + 5 * MIB


@pytest.mark.each_backend
def test_a_deletion_is_kept(session, filled, calls):
    """How many, and which could not be."""
    filled.delete("c.txt").run()
    (kept,) = session.catalogue.plans.recent()
    assert (kept.kind, kept.state) == ("delete", "done")
    assert kept.promised["archives"] == 1
    assert kept.happened["deleted"] == 1

    def fail(*_):
        raise AccessDenied("not you")

    calls.replace("delete_archive", fail)
    with pytest.raises(AccessDenied):
        filled.delete("*").run(confirm="photos")
    assert session.catalogue.plans.recent()[0].state == "failed"
