"""Getting archives back: asked for once, whoever asked, and the plan says so beforehand."""

import asyncio
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from glacier_magic import descriptions
from glacier_magic.errors import (
    GlacierError,
    InputError,
    JobExpired,
    JobFailed,
    LocalError,
    NameNotKnown,
    NotReady,
    Unavailable,
)
from glacier_magic.jobs import Batch
from glacier_magic.jobs.handles import outcome
from tests.catalogue import archive_record, wanted
from tests.counting import counting

PATIENCE = 30.0


def restored(folder):
    """Every file below *folder*, hidden ones too, with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# The loop


def test_what_was_uploaded_comes_back_byte_for_byte_with_its_time(
    session, vault, files, later, tmp_path, small_parts
):
    """Small ones, a large one in pieces, in folders, with any name."""
    names = ["a.bin", "deep/er/b c.bin", "Zürich 😀.bin", "-dash.bin"]
    originals = {name: files(name, 3 * (1 << 20) + n) for n, name in enumerate(names)}
    vault.upload_all([f"./{name}" for name in names])
    batch = vault.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    assert batch.wait(PATIENCE) is batch
    assert restored(tmp_path / "back") == {n: p.read_bytes() for n, p in originals.items()}
    for name, original in originals.items():
        assert (tmp_path / "back" / name).stat().st_mtime == original.stat().st_mtime
    assert sorted(batch.files) == sorted(str(tmp_path / "back" / name) for name in names)


def test_a_plan_does_nothing_until_it_is_run(filled, jobs_of, tmp_path):
    """Making, showing and tabulating it costs nothing."""
    plan = filled.restore("*", to=tmp_path / "back")
    repr(plan)
    plan._repr_mimebundle_()
    assert len(plan.table) == 3
    assert plan.table["size"].dtype == "Int64"
    assert plan.bytes == sum(plan.table["size"])
    assert jobs_of() == []
    assert not (tmp_path / "back").exists()


def test_a_plan_says_what_it_will_do(filled, tmp_path):
    """Archives, bytes, tier, when, where to, and how to run it."""
    plan = filled.restore("scans/", tier="bulk", to=tmp_path / "back")
    text = repr(plan)
    for words in ("2 archives", "Bulk", "5 h to 12 h", "24 hours", str(tmp_path / "back"), ".run()"):
        assert words in text
    assert filled.restore("c.txt").tier == "Standard"


def test_running_a_plan_twice_asks_once(filled, jobs_of, tmp_path):
    """A second click on the button is the first one's batch."""
    plan = filled.restore("*", to=tmp_path / "back")
    first = plan.run()
    assert plan.run() is first
    assert sorted(jobs_of()) == sorted(filled.archives()["archive_id"])
    assert "has been run" in repr(plan)


def test_two_plans_of_the_same_archives_ask_once(filled, jobs_of, tmp_path):
    """The second one follows what the first one asked for."""
    first = filled.restore("*", to=tmp_path / "back")
    second = filled.restore("*", to=tmp_path / "back")
    first.run()
    assert len(second.run()) == 3
    assert len(jobs_of()) == 3


def test_the_same_archive_into_another_folder_is_not_asked_for_again(
    session, filled, jobs_of, later, tmp_path
):
    """One job serves both."""
    one = filled.restore("c.txt", to=tmp_path / "one").run()
    plan = filled.restore("c.txt", to=tmp_path / "two")
    assert "already requested" in repr(plan)
    two = plan.run()
    later(session, hours=4.1)
    one.wait(PATIENCE)
    two.wait(PATIENCE)
    assert restored(tmp_path / "one") == restored(tmp_path / "two")
    assert len(jobs_of()) == 1


def test_a_file_that_is_there_already_is_not_asked_for(session, filled, later, jobs_of, tmp_path):
    """It is recognised by its hash, not by its name."""
    filled.restore("c.txt", to=tmp_path / "back").run()
    later(session, hours=4.1)
    session.jobs().wait(PATIENCE)
    later(session, hours=30)
    plan = filled.restore("c.txt", to=tmp_path / "back")
    assert plan.empty
    assert plan.run().wait(PATIENCE).files == []
    assert jobs_of() == []


@pytest.mark.parametrize("finished", [True, False])
def test_a_job_that_somebody_else_asked_for_is_used(
    session, filled, client, later, jobs_of, tmp_path, finished
):
    """Running or finished: its output is fetched, and nothing is asked for."""
    (archive,) = filled.archives("c.txt")["archive_id"]
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Bulk"}
    client.initiate_job(vaultName="photos", jobParameters=parameters)
    if finished:
        later(hours=9)
    plan = filled.restore("c.txt", to=tmp_path / "back")
    assert ("ready to download" if finished else "already requested") in repr(plan)
    assert plan.bytes == 0
    batch = plan.run()
    later(session, hours=0 if finished else 9)
    batch.wait(PATIENCE)
    assert restored(tmp_path / "back") == {"c.txt": b"c.txt" * 100}
    assert len(jobs_of()) == 1


def test_a_job_somebody_asks_for_between_plan_and_start_is_used(filled, client, jobs_of, tmp_path):
    """Hours may pass before the button is clicked."""
    plan = filled.restore("c.txt", to=tmp_path / "back")
    (archive,) = filled.archives("c.txt")["archive_id"]
    client.initiate_job(vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive})
    plan.run()
    assert len(jobs_of()) == 1


def test_a_job_of_a_part_of_the_archive_does_not_serve_it(
    session, vault, files, client, jobs_of, later, tmp_path
):
    """The rest would be missing."""
    archive = vault.upload(files("large", 3 << 20))
    client.initiate_job(
        vaultName="photos",
        jobParameters={
            "Type": "archive-retrieval",
            "ArchiveId": archive.id,
            "RetrievalByteRange": "0-1048575",
        },
    )
    batch = vault.restore("large", to=tmp_path / "back").run()
    assert len(jobs_of()) == 2
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert (tmp_path / "back" / "large").stat().st_size == 3 << 20


@pytest.mark.parametrize("finished", [True, False])
def test_an_archive_the_catalogue_never_saw_comes_back_whole(
    session, vault, put, client, later, tmp_path, finished
):
    """Its size and hash are known from the job, also where somebody else's has finished."""
    archive = put("unknown here", b"precious" * 1000)
    if finished:
        client.initiate_job(
            vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive}
        )
        later(hours=4.1)
    batch = vault.restore(f"id:{archive}", to=tmp_path / "back").run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert list(restored(tmp_path / "back").values()) == [b"precious" * 1000]


def test_two_sessions_that_ask_at_the_same_moment_ask_once(connect, filled, jobs_of, tmp_path, calls):
    """Into two folders, so that neither plan is the other's: the retrieval is paid once."""
    original, both = calls.of("start_retrieval"), threading.Barrier(2)

    def together(*arguments):
        with suppress(threading.BrokenBarrierError):
            both.wait(1)
        return original(*arguments)

    plans = [
        filled.restore("c.txt", to=tmp_path / "one"),
        connect().vault("photos").restore("c.txt", to=tmp_path / "two"),
    ]
    calls.replace("start_retrieval", together)
    threads = [threading.Thread(target=plan.run) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs_of()) == 1


# Choosing


def test_a_word_that_matches_nothing_is_an_error(filled):
    """It says how much is known, and how to see more."""
    for word in ("absent*", "id:zzz", "name:scans/*", "a" * 138 + "!"):
        with pytest.raises(NameNotKnown, match="3 archives") as caught:
            filled.restore(word)
        assert "inventory" in caught.value.cure


def test_an_archive_named_by_several_words_is_there_once(filled, tmp_path):
    """Overlapping patterns, a name and its id."""
    (archive,) = filled.archives("c.txt")["archive_id"]
    plan = filled.restore("*", "c.txt", f"id:{archive}", archive, to=tmp_path)
    assert len(plan.items) == 3


def test_the_beginning_of_an_id_must_be_unique(session, vault, put):
    """Several that begin so are an error, not a choice."""

    for number in (1, 2):
        session.catalogue.archives.record(archive_record("x", archive_id=f"-same{number}" + "x" * 132))
    with pytest.raises(InputError, match="2 archive ids"):
        vault.restore("id:-same")
    assert len(vault.restore("id:-same1").items) == 1
    with pytest.raises(NameNotKnown):
        vault.restore("id:same1")


def test_a_name_of_138_letters_is_still_a_name(session, vault, files):
    """That it could be an id does not make it one."""
    name = "n" * 138
    archive = vault.upload(files(name))
    assert [item.archive.archive_id for item in vault.restore(name).items] == [archive.id]


def test_tiers_are_understood_in_any_case_and_others_refused(filled):
    """As the service, the issue and people write them."""
    for tier in ("Bulk", "bulk", "BULK", "expedited", "Standard"):
        assert filled.restore("c.txt", tier=tier).tier == tier.capitalize()
    with pytest.raises(InputError, match="tier"):
        filled.restore("c.txt", tier="fast")


# Hostile names

HOSTILE = [
    "../../etc/cron.d/x",
    "/etc/passwd",
    "a\0b",
    "CON",
    "n" * 1000,
    "twin",
    "twin",
    "node",
    "node/leaf",
    "C:\\Windows\\system32\\x",
    "..",
    ".",
    "/",
    "~/x",
    "trailing/",
    "\u202etxt.exe",
    "x\nnewline",
    ".hidden/../../up",
]


def encoded(name):
    """Describe *name* as FastGlacier does, which can hold any text."""
    return descriptions.encode(name, None) if len(name) < 700 else name


def test_hostile_names_stay_inside_and_overwrite_nothing(session, vault, put, later, listed, tmp_path):
    """Every archive of a hostile vault comes back, each as a file of its own below the target."""
    target = tmp_path / "outer" / "target"
    target.mkdir(parents=True)
    (target / "CON").write_bytes(b"mine")
    (target / "twin").write_bytes(b"mine")
    contents = {put(encoded(name), f"{n}".encode()): f"{n}" for n, name in enumerate(HOSTILE)}
    put("x" * 1024, b"long")
    listed(vault)
    batch = vault.restore("*", to=target).run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    there = restored(tmp_path / "outer")
    assert all(name.startswith("target/") for name in there)
    assert there.pop("target/CON") == there.pop("target/twin") == b"mine"
    assert sorted(there.values()) == sorted([*(c.encode() for c in contents.values()), b"long"])
    assert not any(name.endswith(".part") for name in there)
    assert not Path("/etc/cron.d/x").exists()
    assert len(batch.files) == len(set(batch.files)) == len(HOSTILE) + 1
    for file in batch.files:
        assert Path(file).resolve().is_relative_to(target.resolve())


def test_a_link_below_the_target_does_not_lead_out_of_it(session, vault, put, later, listed, tmp_path):
    """Neither one that is there when planning nor one made before the download."""
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (target / "before").symlink_to(outside)
    put("before/x", b"1")
    put("after/x", b"2")
    listed(vault)
    batch = vault.restore("*", to=target).run()
    (target / "after").symlink_to(outside)
    later(session, hours=4.1)
    with pytest.raises(LocalError, match="link"):
        batch.wait(PATIENCE)
    assert list(outside.iterdir()) == []


def test_a_file_where_a_folder_is_needed_is_kept(session, vault, put, later, listed, tmp_path):
    """The archive either finds another place or says why not; the file stays as it is."""
    (tmp_path / "node").write_bytes(b"mine")
    put("node/leaf", b"theirs")
    listed(vault)
    batch = vault.restore("*", to=tmp_path).run()
    later(session, hours=4.1)
    try:
        batch.wait(PATIENCE)
    except LocalError as error:
        assert "node/leaf" in str(error)  # noqa: PT017 - the error is one of several that may come
    assert (tmp_path / "node").read_bytes() == b"mine"


def test_an_existing_file_is_never_overwritten(session, filled, later, tmp_path):
    """Not even one that appears after the plan was made; the board says where it went."""
    target = tmp_path / "back"
    target.mkdir()
    (target / "c.txt").write_bytes(b"mine")
    batch = filled.restore("*", to=target).run()
    (target / "scans").mkdir()
    (target / "scans" / "a.tif").write_bytes(b"mine too")
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    there = restored(target)
    assert there["c.txt"] == b"mine"
    assert there["scans/a.tif"] == b"mine too"
    assert there["c (2).txt"] == b"c.txt" * 100
    assert there["scans/a (2).tif"] == b"scans/a.tif" * 100
    assert str(target / "scans" / "a (2).tif") in batch.files


# Waiting


def test_what_is_not_ready_is_said_with_when_and_goes_on(session, filled, later, tmp_path):
    """A wait that is over is no failure: the download still starts by itself."""
    batch = filled.restore("*", to=tmp_path / "back").run()
    with pytest.raises(NotReady, match="3 of 3 jobs") as caught:
        batch.wait(0)
    assert "expected" in caught.value.message
    later(session, hours=4.1)
    batch.wait(PATIENCE)


def test_a_batch_can_be_awaited(session, filled, later, tmp_path):
    """Other tasks of the loop run meanwhile."""
    batch = filled.restore("*", to=tmp_path / "back").run()

    async def work():
        turned = []

        async def other():
            turned.append(1)
            later(session, hours=4.1)

        found, _ = await asyncio.gather(batch, other())
        return found, turned

    assert asyncio.run(work()) == (batch, [1])
    assert len(batch.files) == 3


def tracker_runs():
    return any(thread.name == "glacier-tracker" for thread in threading.enumerate())


def test_the_last_thing_a_watcher_hears_is_how_it_ended(session, filled, later, tmp_path):
    """Also when the last download ends while the watcher is still busy with the news before."""
    heard = []

    def watch(snapshot):
        heard.append(snapshot)
        while snapshot.count("downloading") and session.tracker.snapshot().count("downloading"):
            time.sleep(0.01)

    session.tracker.watch(watch)
    filled.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    while tracker_runs():
        time.sleep(0.01)
    assert heard[-1].count("verified") == 3


def test_a_watcher_that_fails_does_not_end_the_downloads(session, filled, later, tmp_path):
    """A broken view is the view's own trouble."""

    def watch(_):
        raise RuntimeError

    session.tracker.watch(watch)
    batch = filled.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)


def test_closing_a_session_ends_its_threads(connect, filled, tmp_path):
    """At once, in the middle of a wait of hours."""
    filled.restore("*", to=tmp_path / "back").run()
    assert tracker_runs()
    filled.session.close()
    assert not tracker_runs()


def test_an_archive_deleted_meanwhile_is_a_failed_job(session, filled, client, later, tmp_path):
    """The board, the wait and the exit code say so, and which."""
    (archive,) = filled.archives("c.txt")["archive_id"]
    client.delete_archive(vaultName="photos", archiveId=archive)
    batch = filled.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    with pytest.raises(JobFailed, match=r"c\.txt") as caught:
        batch.wait(PATIENCE)
    assert "2 verified" in caught.value.message
    assert sorted(job.state for job in batch) == ["failed", "verified", "verified"]


def test_an_archive_deleted_long_ago_fails_when_it_is_asked_for(session, filled, client, later, tmp_path):
    """A plan of which nothing can be asked for raises what the service said."""
    (archive,) = filled.archives("c.txt")["archive_id"]
    client.delete_archive(vaultName="photos", archiveId=archive)
    later(days=2)
    with pytest.raises(GlacierError, match="archive ID"):
        filled.restore("c.txt", to=tmp_path / "back").run()


def test_an_output_that_was_not_fetched_in_a_day_is_expired(connect, filled, later, tmp_path, jobs_of):
    """Nobody was there; a new session says so, and restoring again is a new job."""
    plan = filled.restore("c.txt", to=tmp_path / "back")
    plan.run()
    filled.session.close()
    later(hours=4.1)
    later(hours=25)
    session = connect()
    with pytest.raises(JobExpired, match=r"c\.txt") as caught:
        session.pending().wait(PATIENCE)
    assert "paid" in caught.value.cure
    again = session.vault("photos").restore("c.txt", to=tmp_path / "back").run()
    later(session, hours=4.1)
    again.wait(PATIENCE)
    assert restored(tmp_path / "back") == {"c.txt": b"c.txt" * 100}


def test_a_batch_of_more_than_a_thousand_is_followed_whole(session, vault):
    """Its oldest rows do not fall off the board and count as dropped."""
    ids = session.catalogue.downloads.want(wanted(n, state="verified") for n in range(1_200))
    batch = Batch(session.tracker, [f"download-{n}" for n in ids])
    assert len(batch) == 1_200
    assert batch.wait(PATIENCE).snapshot.count("verified") == 1_200


def test_an_outcome_names_a_few_and_counts_the_rest(session, vault):
    """And never passes on control characters of a name."""
    session.catalogue.downloads.want(
        wanted(n, name=f"\x1b[31m{n}", state="failed", error="\x1b]0;gone\x07") for n in range(5)
    )
    with pytest.raises(JobFailed, match="and 2 more") as caught:
        outcome(session.tracker.snapshot())
    assert "\x1b" not in str(caught.value)


# Answers that are lost


def test_a_retrieval_whose_answer_was_lost_is_not_asked_for_twice(
    session, filled, calls, jobs_of, later, tmp_path
):
    """The job is found by its token in the list."""
    original = calls.of("start_retrieval")

    def lose(*arguments):
        original(*arguments)
        raise Unavailable("the answer was lost")

    calls.replace("start_retrieval", lose)
    batch = filled.restore("c.txt", to=tmp_path / "back").run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert len(jobs_of()) == 1


@pytest.mark.limits(lost_request=0)
def test_a_retrieval_that_did_not_reach_the_service_is_asked_for_again(
    session, filled, calls, jobs_of, later, tmp_path
):
    """Once the list has had time to show it and does not."""
    original, failures = calls.of("start_retrieval"), [Unavailable("no network")]

    def lose(*arguments):
        if failures:
            raise failures.pop()
        return original(*arguments)

    calls.replace("start_retrieval", lose)
    batch = filled.restore("c.txt", to=tmp_path / "back").run()
    assert batch.snapshot.rows[0].state in ("requested", "in progress")
    session.tracker.refresh(["photos"])
    session.tracker.ask_now(session.catalogue.downloads.open()[0].batch)
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert len(jobs_of()) == 1


@pytest.mark.limits(request_interval=0.1)
def test_a_throttled_retrieval_is_asked_for_later_by_itself(session, filled, calls, jobs_of, tmp_path):
    """The service took nothing for certain."""
    original, failures = calls.of("start_retrieval"), [Unavailable("slow", code="ThrottlingException")]

    def throttle(*arguments):
        if failures:
            raise failures.pop()
        return original(*arguments)

    calls.replace("start_retrieval", throttle)
    batch = filled.restore("c.txt", to=tmp_path / "back").run()
    while batch.snapshot.count("requested"):
        time.sleep(0.01)
    assert len(jobs_of()) == 1


ASKER = """
    from glacier_magic.service import Service
    folder, region, catalogue, target, when, number = sys.argv[1:]
    stop_at(when, Service, "start_retrieval", int(number))
    session = connect(folder, region, catalogue, workers=1, download_lease=0)
    session.vault("photos").restore("*", to=target).run()
"""


@pytest.mark.limits(lost_request=0, workers=1)
@pytest.mark.each_backend
@pytest.mark.parametrize(("when", "number"), [("before", 1), ("before", 2), ("after", 1), ("after", 3)])
def test_a_run_that_was_killed_is_completed_by_the_next_session(
    emulator, region, connect, filled, child, later, jobs_of, tmp_path, when, number, session_place
):
    """Whatever was asked for is not requested again, and whatever was not, is: one job each."""
    filled.session.close()
    where = (emulator.folder, region, session_place, tmp_path / "back")
    child(ASKER, *where, when, number).kill_when_stopped()
    session = connect()
    batch = session.pending()
    while session.catalogue.downloads.open()[0].job_id is None or any(
        d.state in ("planned", "asking") for d in session.catalogue.downloads.open()
    ):
        with pytest.raises(NotReady):
            batch.wait(0.2)
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert len(restored(tmp_path / "back")) == 3
    assert sorted(jobs_of()) == sorted(session.vault("photos").archives()["archive_id"])


def test_nothing_of_the_environment_is_left_in_the_working_folder(session, filled, files):
    """No stray files where the user works."""
    assert [p.name for p in files.folder.iterdir() if p.name != "scans"] == []


def test_an_unknown_size_is_not_zero(filled, put, emulator, ready, tmp_path):
    """In the title, the facts and the table, before and after the request; the history has it, too."""
    strangers = [put("x", b"three bytes"), put("y", b"four")]
    one = filled.restore(strangers[0], to=tmp_path / "back")
    assert one.title.startswith("Restore 1 archive (unknown size) from photos")
    assert dict(one.facts)["requested"] == "unknown size in 1 request"
    assert dict(one.facts)["free space"].endswith("unknown size needed")
    plan = filled.restore("c.txt", *strangers, to=tmp_path / "back", spread="2d")
    assert "(500 B and 2 of unknown size)" in plan.title
    facts = dict(plan.facts)
    assert facts["requested"].startswith("500 B and 2 of unknown size in 3 requests")
    assert "500 B" in facts["schedule"]
    assert "2 archives, unknown size" in facts["schedule"]
    assert facts["free space"].endswith("500 B and 2 of unknown size needed")
    assert " 0 B" not in repr(plan)
    assert list(plan.table["size"].isna()) == [False, True, True]
    with counting(emulator, "InitiateJob") as requests:
        ready(one.run())
        assert requests() == 1
    assert "unknown size" in repr(filled.session.past_plan(1))
    again = filled.restore(*strangers, to=tmp_path / "other")
    assert "2 archives (" in again.title
    assert " 0 B" not in repr(again)


def test_a_folder_without_its_slash_is_restored_and_no_more(filled, jobs_of, tmp_path):
    """The plan shows its archives first; each is requested once."""
    plan = filled.restore("scans", to=tmp_path / "back")
    assert plan.title.startswith("Restore 2 archives")
    assert jobs_of() == []
    plan.run()
    wanted = {archive.archive_id for archive in filled.select("scans/*")}
    assert len(jobs_of()) == 2
    assert set(jobs_of()) == wanted


def test_an_exact_name_is_restored_rather_than_the_folder(vault, files, jobs_of, tmp_path):
    """One request, although archives are below it."""
    vault.upload(files("scans/a.tif"))
    files("one")
    (mine,) = [vault.upload("one", description="scans").id]
    vault.restore("scans", to=tmp_path / "back").run()
    assert jobs_of() == [mine]
