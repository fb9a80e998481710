"""The 24 hours: what goes first is fetched first, what will be missed is said, and asked again."""

import os
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic import cli
from glacier_magic.base.paths import data_folder
from glacier_magic.errors import AccessDenied, InputError, JobExpired, OverBudget, PlanChanged, Unavailable
from glacier_magic.jobs.durations import ExpiringOutput, hurried, missed, warning
from glacier_magic.jobs.fetching import Fetcher
from glacier_magic.service import ServiceClock
from glacier_magic.transfer.progress import Report
from tests.counting import counting

PATIENCE = 30.0
MIB = 1 << 20

pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def filled(vault, files):
    """A vault with three archives of 2 MiB; the local files are gone."""
    filled = {}
    for name in ("a.bin", "b.bin", "c.bin"):
        path = files(name, os.urandom(2 * MIB))
        vault.upload(name)
        filled[name] = path.read_bytes()
        path.unlink()
    vault.contents = filled
    return vault


def unreachable(*_):
    raise Unavailable("no network")


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith(".")}


# What can be told beforehand


def outputs(*pairs):
    return [ExpiringOutput(str(n), left, seconds) for n, (left, seconds) in enumerate(pairs)]


def test_what_does_not_fit_before_its_end_is_missed():
    """At 10 a second: 50 by 5 s, 50 by 10 s, and the third would take until 15 s."""
    found = missed(outputs((50, 6), (50, 10), (50, 12)), 10)
    assert [output.key for output in found] == ["2"]


def test_a_missed_output_takes_the_time_until_it_is_gone():
    """The first is given up at 5 s; the second is done at 10 s."""
    assert [o.key for o in missed(outputs((100, 5), (50, 10)), 10)] == ["0"]
    assert [o.key for o in missed(outputs((100, 5), (51, 10)), 10)] == ["0", "1"]


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100)), max_size=8))
def test_no_order_saves_more_when_the_first_to_go_is_first(pairs):
    """Where nothing is missed in some order, nothing is missed in ours."""
    ours = sorted(outputs(*pairs), key=lambda output: output.seconds)
    other = outputs(*pairs)
    if not missed(other, 10) or not missed(other[::-1], 10):
        assert missed(ours, 10) == []


def test_the_warning_says_how_many_how_much_and_what_to_do():
    """And nothing where there is nothing to say."""
    told = warning(outputs((50, 6), (3 * MIB, 10), (2 * MIB, 12)), 1000)
    assert "2 outputs, 5 MiB, will expire before their download" in told
    assert "session.extend()" in told
    assert warning(outputs((50, 6)), 1000) == ""
    assert warning(outputs((50, 6)), 0) == ""


def test_what_cannot_wait_for_the_running_ones_is_hurried():
    """It begins beside them; without a rate, in its last hour."""
    running = ExpiringOutput("run", 1000, 500, running=True)
    clock = ServiceClock()
    clock.speed = 3600.0
    assert hurried([ExpiringOutput("x", 10, 20), running], 10, clock) == {"x"}
    assert hurried([ExpiringOutput("x", 10, 400), running], 100, clock) == set()
    assert hurried([ExpiringOutput("x", 10, 0.9), running], 0, clock) == {"x"}


# On the board


@pytest.mark.limits(downloads=1)
def test_the_output_that_goes_first_is_fetched_first(session, filled, later, held, calls, tmp_path, until):
    """Not the one that was wanted first."""
    began = []
    calls.watch("open_output", lambda *given: began.append(given[1]))
    first = filled.restore("a.bin", to=tmp_path / "back", tier="bulk").run()
    filled.restore("b.bin", to=tmp_path / "back", tier="standard").run()
    filled.restore("c.bin", to=tmp_path / "back", tier="expedited").run()
    later(session, hours=9)
    until(lambda: session.tracker.snapshot().count("ready") == 3)
    held.clear()
    session.tracker.wake()
    session.jobs().wait(PATIENCE)
    names = dict(session.catalogue.database.rows("SELECT job_id, name FROM downloads"))
    assert [names[job] for job in began] == ["c.bin", "b.bin", "a.bin"]
    assert first.files


def test_a_hurried_output_overtakes_the_others(session):
    """Those before it wait for the running download; it does not."""
    began = []

    def claim(number, *_):
        began.append(number)
        return False  # as if another process had it

    waiting = [SimpleNamespace(id=number, target="file") for number in range(5)]
    downloads = SimpleNamespace(to_fetch=lambda *_: waiting, claim=claim)
    catalogue = SimpleNamespace(downloads=downloads, limits=replace(session.engine.limits, downloads=1))
    fetcher = Fetcher(replace(session.engine, catalogue=catalogue), threading.Event())
    fetcher.live[9] = Report(label="another", done=0, total=1, rate=0, eta=None)
    fetcher.hurried = frozenset({3})
    fetcher.start_ready()
    assert began == [3]


@pytest.fixture
def slow(session, monkeypatch):
    """An hour of the service's is a second, and only 100 kB pass in one."""
    monkeypatch.setattr(session.service.clock, "real_seconds", lambda seconds: seconds / 3600)
    session.engine.budget.max_rate = 100_000.0


def test_the_board_warns_of_what_will_be_missed_and_the_plan_extends_it(
    session, filled, slow, later, jobs_of, tmp_path, small_parts, until
):
    """Asked for again in time, the downloads go on from the new jobs with what they have."""
    batch = filled.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    until(lambda: "will expire before" in batch.snapshot.note)
    until(lambda: session.tracker.late)
    while (plan := session.extend()).empty:  # which ones is a matter of the rate at the moment
        until(lambda: session.tracker.late)
    assert "AWS's developer guide" in dict(plan.facts)["price"]
    assert len(jobs_of()) == 3
    extended = len(plan.items)
    plan.run()
    assert len(jobs_of()) == 3 + extended
    session.engine.budget.max_rate = None
    batch.wait(PATIENCE)
    assert contents(tmp_path / "back") == filled.contents


def test_an_extended_output_goes_on_from_the_new_job_with_what_it_has(
    session, filled, held, later, jobs_of, tmp_path, until
):
    """The first job is gone, and nothing has expired."""
    batch = filled.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 3)
    assert session.extend().empty  # nearly 24 hours are left
    later(session, hours=20)
    until(lambda: batch.snapshot.count("ready") == 3)
    plan = session.extend()
    assert len(plan.table) == 3
    plan.run()
    assert session.extend().empty  # asked for again already
    assert len(session.tracker.snapshot().rows) == 3
    later(session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 3)
    assert len(jobs_of()) == 3  # the first ones are gone
    held.clear()
    session.tracker.wake()
    batch.wait(PATIENCE)
    assert contents(tmp_path / "back") == filled.contents


def test_named_outputs_are_extended_whenever_they_go(session, filled, held, later, tmp_path, until):
    """Who names one knows why."""
    batch = filled.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 3)
    plan = session.extend("a.bin", vault="photos")
    assert [item.download.name for item in plan.items] == ["a.bin"]
    plan.run()
    past = session.history().table.iloc[0]
    assert (past["kind"], past["vault"], past["archives"], past["done"]) == ("extend", "photos", 1, 1)


@pytest.fixture
def prices():
    """Set the prices of standard and bulk retrievals: dollars for a MiB, and for a request."""

    def prices(standard, bulk):
        file = data_folder() / "prices.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = ["[all]", "transfer-out-internet = 1024"]
        for tier, (mib, request) in (("standard", standard), ("bulk", bulk)):
            lines += [f"retrieval-{tier} = {mib * 1024}", f"retrieval-{tier}-requests = {request * 1000}"]
        file.write_text("\n".join(lines))

    prices(standard=(1, 1), bulk=(0, 2))
    return prices


@pytest.fixture
def staged(session, filled, prices, held, later, tmp_path, until):
    """Two standard outputs of 2 MiB, one of them for two folders, and one bulk output."""
    batches = [
        filled.restore("c.bin", to=tmp_path / "back", tier="bulk").run(),
        filled.restore("b.bin", to=tmp_path / "back").run(),
        filled.restore("a.bin", to=tmp_path / "back").run(),
        filled.restore("a.bin", to=tmp_path / "other").run(),
    ]
    later(session, hours=12.1)
    until(lambda: all(batch.snapshot.count("ready") == 1 for batch in batches))


def test_an_extension_is_priced_as_its_requests_and_kept_within_a_limit(session, staged, emulator):
    """Over the limit none is made; within it each once, and no more by a second run."""
    plan = session.extend("*", vault="photos")
    assert [len(plan.items), len(plan.requests)] == [4, 3]
    assert plan.quote.total == 2 * (2 * 1 + 1) + 1 * 2  # two standard requests of 2 MiB, and one bulk one
    facts = dict(plan.facts)
    assert "$8.00" in facts["price"]
    assert "the most" in facts["price"]
    with counting(emulator, "InitiateJob") as requests:
        with pytest.raises(OverBudget):
            plan.run(max_cost="7.99")
        assert "limit: $7.99: REFUSED" in repr(plan.limit_to("7.99"))
        assert requests() == 0
        plan.run(max_cost=8)
        plan.run(max_cost=8)
        assert requests() == 3
        again = session.extend("*", vault="photos")
        assert again.empty
        assert again.quote.total == 0
        again.run(max_cost=0)
        assert requests() == 3
    past = session.history().table.iloc[1]
    assert (past["kind"], past["price"], past["done"]) == ("extend", "$8.00", 3)


def test_an_extension_that_has_become_dearer_than_shown_is_not_requested(session, staged, prices, emulator):
    """Nor one with other requests than were shown; the plan then shows the present ones."""
    plan = session.extend("*", vault="photos")
    prices(standard=(1, 2), bulk=(0, 2))
    with counting(emulator, "InitiateJob") as requests:
        with pytest.raises(PlanChanged, match=r"\$10\.00"):
            plan.run()
        assert requests() == 0
        assert plan.quote.total == 10
        plan.run()
        assert requests() == 3


EXTENDER = """
    from glacier_magic.jobs import fetching
    from glacier_magic.service import Service
    folder, region, catalogue, when = sys.argv[1:]
    fetching.Fetcher.start_ready = lambda _: None
    stop_at(when, Service, "start_retrieval")
    session = connect(folder, region, catalogue)
    session.extend().run()
"""


@pytest.mark.each_backend
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_extension_that_was_killed_is_not_asked_for_twice(
    session,
    connect,
    limits,
    filled,
    emulator,
    region,
    child,
    held,
    later,
    jobs_of,
    tmp_path,
    when,
    until,
    session_place,
):
    """The next plan sees the job that was made, or makes the one that was not."""
    batch = filled.restore("a.bin", to=tmp_path / "back").run()
    later(session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 1)
    later(session, hours=20)
    child(EXTENDER, emulator.folder, region, session_place, when).kill_when_stopped()
    session.extend().run()
    assert len(jobs_of()) == (2 if when == "after" else 1)  # perhaps it was taken: wait a moment
    connect(limits=replace(limits, lost_renewal=0.0)).extend().run()
    assert len(jobs_of()) == 2


def test_an_extension_that_is_refused_is_told(
    session, filled, emulator, held, later, jobs_of, tmp_path, until
):
    """By the run where none could be asked for, else on the board."""
    batch = filled.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 3)
    emulator.fault("access-denied", "InitiateJob", times=1)
    session.extend("*", vault="photos").run()
    assert len(jobs_of()) == 5
    assert sum("could not be kept longer" in row.error for row in batch.snapshot.rows) == 1
    emulator.fault("access-denied", "InitiateJob", times=1)
    session.catalogue.downloads.update(session.catalogue.downloads.open()[0].id, renewed=None)
    with pytest.raises(AccessDenied):
        session.extend("*", vault="photos").run()


def test_a_download_whose_job_vanishes_goes_on_from_another(
    session, filled, client, held, later, calls, tmp_path, until
):
    """Found out by the download itself: somebody else had asked for the archive, too."""
    batch = filled.restore("a.bin", to=tmp_path / "back").run()
    later(session, hours=10)
    until(lambda: batch.snapshot.count("ready") == 1)
    (archive,) = filled.archives("a.bin")["archive_id"]
    client.initiate_job(vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive})
    later(session, hours=10)
    until(lambda: len(session.catalogue.jobs.usable_for("photos", archive)) == 2)
    calls.replace("jobs", unreachable)
    later(hours=9)
    held.clear()
    batch.wait(PATIENCE)
    assert contents(tmp_path / "back") == {"a.bin": filled.contents["a.bin"]}


# What has expired


@pytest.fixture
def expired(session, filled, held, later, tmp_path, until):
    """A restore whose outputs are gone."""
    batch = filled.restore("*", to=tmp_path / "back", tier="bulk").run()
    later(session, hours=9)
    until(lambda: batch.snapshot.count("ready") == 3)
    later(session, hours=25)
    until(lambda: batch.snapshot.count("expired") == 3)
    held.clear()
    return batch


def test_what_expired_is_offered_again_and_comes_into_the_same_folder(
    session, expired, filled, later, jobs_of, tmp_path
):
    """In the tier that it had; the board shows it once, and then nothing is left to offer."""
    assert "session.restore_expired()" in expired.snapshot.note
    with pytest.raises(JobExpired) as caught:
        expired.wait(0)
    assert "restore_expired()" in caught.value.cure
    plan = session.restore_expired()
    assert (plan.to, plan.tier, len(plan.items)) == (tmp_path / "back", "Bulk", 3)
    assert jobs_of() == []
    batch = plan.run()
    assert len(jobs_of()) == 3
    assert session.tracker.snapshot().count("expired") == 0
    assert "restore_expired()" not in session.tracker.snapshot().note
    later(session, hours=9)
    batch.wait(PATIENCE)
    assert contents(tmp_path / "back") == filled.contents
    nothing = session.restore_expired()
    assert nothing.empty
    assert "Nothing has expired" in repr(nothing)


def test_some_of_what_expired_can_be_named_and_paced(session, expired, tmp_path):
    """Like any restore."""
    plan = session.restore_expired("a.bin", "b.bin", vault="photos", tier="standard", spread=2)
    assert [item.archive.name for item in plan.items] == ["a.bin", "b.bin"]
    assert list(plan.schedule["archives"]) == [1, 1]
    with pytest.raises(InputError, match="no tier"):
        session.restore_expired(tier="slow")


def test_what_expired_in_several_folders_is_one_plan(
    session, filled, expired, held, later, jobs_of, tmp_path, until
):
    """Each into its own; a pace would hold for each of them, so it is refused."""
    held.append(True)
    second = filled.restore("a.bin", to=tmp_path / "other").run()
    later(session, hours=4.1)
    until(lambda: second.snapshot.count("ready") == 1)
    later(session, hours=25)
    until(lambda: second.snapshot.count("expired") == 1)
    held.clear()
    with pytest.raises(InputError, match="one vault, folder and tier"):
        session.restore_expired(daily="1GB")
    plan = session.restore_expired()
    assert "4 archives" in repr(plan)
    assert len(plan.table) == 4
    batch = plan.run()
    assert len(jobs_of()) == 3  # one job serves both folders
    later(session, hours=9)
    batch.wait(PATIENCE)
    assert contents(tmp_path / "back") == filled.contents
    assert set(contents(tmp_path / "other")) == {"a.bin"}


def test_a_job_that_is_still_there_is_used_instead_of_a_new_one(
    session, expired, filled, client, later, jobs_of, tmp_path
):
    """Somebody asked for it since: no request of ours, no price."""
    (archive,) = filled.archives("a.bin")["archive_id"]
    client.initiate_job(vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive})
    later(session, hours=4.1)
    plan = session.restore_expired()
    assert "ready to download" in repr(plan)
    plan.run()
    assert len(jobs_of()) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--expired", "--extend"], "not allowed with"),
        (["--expired", "--to", "x"], "first folder"),
        (["--extend", "--tier", "bulk"], "the first tier"),
        ([], "Which archives"),
    ],
)
def test_words_that_do_not_go_together_are_input_errors(capsys, words, told):
    """With what to leave out."""
    assert cli.main(["restore", *words]) == 2
    assert told in capsys.readouterr().err
