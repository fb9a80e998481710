"""Looking into zips and tars in a vault: listed from a few MiB, and none of them paid for twice."""

import io
import itertools
import json
import os
import tarfile
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.paths import data_folder
from glacier_magic.base.ranges import aligned_cover
from glacier_magic.catalogue.records import members as kept
from glacier_magic.errors import InputError, JobExpired, NameNotKnown, OverBudget, PriceUnknown, Unlistable
from glacier_magic.plans.peek import peek_plan
from tests.counting import counting

MIB = 1 << 20
PATIENCE = 30.0
PRICES = """[all]
retrieval-standard = { price = "0.01", source = "contract", date = "2026-01-01" }
retrieval-standard-requests = { price = "0.05", source = "contract", date = "2026-01-01" }
free-retrieval = 0
transfer-out-internet = 0.09
"""


def zipped(count=30, size=MIB, comment=b"", name="f{}.bin"):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(count):
            info = zipfile.ZipInfo(name.format(number), (2020, 2, 3, 4, 5, 6))
            info.comment = comment
            archive.writestr(info, os.urandom(size))
    return target.getvalue()


def tarred(sizes, mode="w"):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for number, size in enumerate(sizes):
            info = tarfile.TarInfo(f"t{number}")
            info.size, info.mtime = size, 1_600_000_000
            archive.addfile(info, io.BytesIO(os.urandom(size)))
    return target.getvalue()


@pytest.fixture
def on(vault, ready):
    """Ask for what is needed until the members are known; return the plan and the rounds."""

    def on(name, **options):
        for rounds in range(20):
            plan = vault.peek(name, **options)
            if plan.empty:
                return plan, rounds
            ready(plan.run())
        raise AssertionError("no end")

    return on


@pytest.fixture
def priced():
    """Prices that are known."""
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PRICES)


def sizes(ranges):
    pairs = (text.split("-") for text in ranges)
    return sum(int(last) - int(first) + 1 for first, last in pairs)


# Zips


def test_a_zip_of_30_mib_is_listed_from_its_end(store, on, ranges_of, priced):
    """As zipfile lists it, for the price of one request."""
    content = zipped()
    store("a.zip", content)
    plan, rounds = on("a.zip")
    assert rounds == 1
    assert len(ranges_of()) == 1
    assert sizes(ranges_of()) < 3 * MIB
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        expected = [(i.filename, i.file_size, i.header_offset) for i in archive.infolist()]
    table = plan.members
    assert list(zip(table["name"], table["size"], table["offset"], strict=True)) == expected
    assert set(table["kind"]) == {"file"}
    assert set(table["written"]) == {"2020-02-03 04:05:06"}
    assert table.attrs["complete"]
    assert "paid: 1 request, 2 MiB, transfer of 2 MiB, about $0.0003" in table.attrs["notes"][0]
    assert "contract, 2026-01-01" in table.attrs["notes"][0]
    assert "f29.bin" in repr(plan)


def test_the_plan_tells_the_first_request_and_the_worst(vault, store, ranges_of, priced):
    """What is charged now, that a large directory takes hours more, and what it comes to."""
    store("a.zip", zipped())
    plan = vault.peek("a.zip")
    text = repr(plan)
    for words in ("in 1 request", "$", "Standard", "3 h to 5 h", "larger than this", "at most"):
        assert words in text
    assert plan.table["action"].to_list() == ["request"]
    assert plan.members is None
    assert plan.quote.total < Decimal("0.02")
    assert ranges_of() == []


def test_a_large_directory_takes_a_second_round_and_nothing_is_paid_for_twice(
    store, on, ranges_of, vault, tmp_path, session
):
    """Its requests have no MiB in common, and are what the plan allowed at worst."""
    store("wide.zip", zipped(count=100, size=100_000, comment=b"c" * 60_000))
    worst = vault.peek("wide.zip").worst
    plan, rounds = on("wide.zip")
    assert rounds == 2
    assert len(plan.members) == 100
    asked = sorted(tuple(map(int, text.split("-"))) for text in ranges_of())
    assert all(one[1] < other[0] for one, other in itertools.pairwise(asked))
    assert len(asked) - 1 <= worst.requests
    assert plan.listing.paid["Standard"] == (len(asked), sizes(ranges_of()))
    assert not list(session.catalogue.peeks.iterdir())


def test_what_is_known_is_told_at_once(store, on, vault, connect, ranges_of, calls):
    """In another process too, and without the service."""
    store("a.zip", zipped(count=3, size=10))
    first, _ = on("a.zip")
    asked = len(ranges_of())
    other = connect()
    looks = []
    calls.watch("jobs", looks.append)
    plan = other.vault("photos").peek("a.zip")
    assert plan.members.equals(first.members)
    assert plan.members.attrs["as_of"] == first.members.attrs["as_of"]
    assert looks == []
    assert len(ranges_of()) == asked


def test_who_waits_for_parts_that_another_has_read_meanwhile_is_not_left_waiting(
    store, vault, connect, ready
):
    """They are dropped once the members are known."""
    store("a.zip", zipped(count=3, size=10))
    batch = ready(vault.peek("a.zip").run())
    assert connect().vault("photos").peek("a.zip").empty
    assert batch.wait(PATIENCE) is batch
    assert "members are in the catalogue" in repr(batch)


# Tars


def test_a_tar_is_followed_from_header_to_header(store, on, ranges_of, vault):
    """In as many rounds as its members need."""
    content = tarred([7 * MIB] * 3)
    store("a.tar", content)
    worst = vault.peek("a.tar").worst
    plan, rounds = on("a.tar")
    assert plan.members["name"].to_list() == ["t0", "t1", "t2"]
    assert plan.members["size"].to_list() == [7 * MIB] * 3
    assert str(plan.members["modified"][0]) == "2020-09-13 12:26:40+00:00"
    assert rounds == len(ranges_of()) <= 1 + worst.requests
    assert sizes(ranges_of()) <= 8 * MIB + worst.bytes


def test_the_rounds_of_a_tar_are_limited_and_more_can_be_allowed(store, on, ranges_of, vault):
    """What was fetched for the first rounds is not requested again."""
    store("a.tar", tarred([8 * MIB] * 3))
    plan, _ = on("a.tar", rounds=2)
    assert not plan.members.attrs["complete"]
    assert "there may be more" in plan.summary()
    assert any("2 requests" in note for note in plan.members.attrs["notes"])
    before = ranges_of()
    assert vault.peek("a.tar", rounds=2).empty
    plan, _ = on("a.tar", rounds=5)
    assert plan.members.attrs["complete"]
    assert len(set(ranges_of())) == len(ranges_of()) > len(before)
    assert plan.listing.paid["Standard"][0] == len(ranges_of())


def test_a_compressed_tar_is_listed_as_far_as_it_may_be_read(store, on, ranges_of):
    """By --max-bytes, in one request."""
    store("a.tgz", tarred([MIB] * 6, "w:gz"))
    plan, rounds = on("a.tgz", max_bytes=4 * MIB)
    assert rounds == 1
    assert plan.members["name"].to_list() == ["t0", "t1", "t2", "t3"]
    assert ranges_of() == [f"0-{4 * MIB - 1}"]
    assert not plan.members.attrs["complete"]


def test_a_description_says_the_kind_where_the_name_does_not(vault, put, listed, on, emulator):
    """bakthat's names have no ending; nothing is paid for encrypted bytes, unless the kind is given."""
    packed = tarred([5], "w:gz")
    for description in ("a.20130214103045.tgz", "b.20130214103045.tgz.enc", "c.20130214103045.enc"):
        put(description, packed)
    sealed = "<m><v>4</v><p>ZC56aXA=</p><ce>0:1:4340ebcf79712dc5e3ef7d50bab98ba5:9</ce></m>"  # d.zip
    put(sealed, packed)
    listed(vault)
    assert on("a")[0].members["name"].to_list() == ["t0"]
    with counting(emulator, "InitiateJob") as requests:
        for name in ("b", "c", "d.zip"):
            with pytest.raises(InputError, match="encrypted"):
                vault.peek(name)
        assert requests() == 0
    assert not vault.peek("b", kind="tar.gz").empty


@given(st.integers(0, 200), st.integers(1, 64), st.integers(0, 100))
def test_the_worst_that_a_zip_is_said_to_take_is_not_exceeded(first, count, behind):
    """However its directory lies on the tree."""
    found = aligned_cover(first, first + count, first + count + behind)
    assert len(found) <= peek_plan._most_nodes(count * MIB)


# What costs nothing


def test_a_local_copy_costs_nothing(vault, files, ranges_of):
    """Found by its tree hash, and every header of a tar is read."""
    files("a.tar", tarred([2 * MIB] * 8))
    vault.upload("a.tar")
    plan = vault.peek("a.tar")
    assert len(plan.members) == 8
    assert "local file" in plan.summary()
    assert "paid: nothing" in plan.summary()
    assert ranges_of() == []


def test_a_local_file_that_changed_is_no_copy(vault, files):
    """Of the same size, too."""
    path = files("a.zip", zipped(count=2, size=10))
    vault.upload("a.zip")
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    files("a.zip", bytes(content))
    assert not vault.peek("a.zip").empty


def test_a_whole_output_that_is_ready_costs_nothing(session, vault, store, later, ranges_of, tmp_path):
    """Somebody's retrieval of all of it; every header is read."""
    store("a.tar", tarred([2 * MIB] * 8))
    vault.restore("a.tar", to=tmp_path / "back").run()
    running = vault.peek("a.tar")
    assert not running.asking
    assert "already requested" in repr(running)
    session.tracker.stop()
    later(session, hours=4.1)
    plan = vault.peek("a.tar", destination="here")
    assert len(plan.members) == 8
    assert "paid: nothing" in plan.summary()
    assert len(ranges_of()) == 1


@pytest.mark.parametrize("tier", ["Standard", "Expedited"])
def test_a_finished_output_is_not_moved_out_of_the_region_before_its_price_is_agreed_to(
    client, session, vault, store, later, emulator, priced, on, tier
):
    """By another program's job: 0.09 dollars for a GB; nothing is requested."""
    store("a.tar", tarred([7 * MIB, MIB]))
    (archive,) = vault.archives()["archive_id"]
    asked = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": tier}
    client.initiate_job(vaultName="photos", jobParameters=asked)
    later(session, hours=5.1)
    with counting(emulator, "GetJobOutput") as outputs, counting(emulator, "InitiateJob") as requests:
        plan = vault.peek("a.tar").limit_to(0)
        assert (plan.costs, plan.asking) == (True, [])
        for words in ("0 B in 0 requests", "price: $0.0008", "over the internet", "REFUSED"):
            assert words in repr(plan)
        for _ in range(2):
            with pytest.raises(OverBudget):
                plan.run()
        assert outputs() == 0
        agreed, _ = on("a.tar")
        assert requests() == 0
    assert agreed.members["name"].to_list() == ["t0", "t1"]
    assert "paid: transfer of 8.01 MiB, about $0.0008" in agreed.summary()
    assert {record.promised["requests"] for record in session.catalogue.plans.recent()} == {0}


def test_a_part_that_somebody_retrieved_costs_nothing(client, session, vault, store, later):
    """Read at once where it is ready."""
    store("a.zip", zipped(count=3))
    (archive,) = vault.archives()["archive_id"]
    asked = {
        "Type": "archive-retrieval",
        "ArchiveId": archive,
        "RetrievalByteRange": f"{MIB}-{vault.archives()['size'][0] - 1}",
    }
    client.initiate_job(vaultName="photos", jobParameters=asked)
    later(session, hours=4.1)
    plan = vault.peek("a.zip", destination="here")
    assert len(plan.members) == 3
    assert "paid: nothing" in plan.summary()
    assert any("no tree hash could verify" in note for note in plan.members.attrs["notes"])


# Killed, expired, changed

PEEKER = """
    from glacier_magic.service import Service
    from glacier_magic.transfer import download
    folder, region, catalogue, where = sys.argv[1:]
    if where == "asked":
        stop_at("after", Service, "start_retrieval")
    elif where == "fetched":
        stop_at("after", download._PieceFetcher, "run")
    session = connect(folder, region, catalogue, tick=0.05, emulator_idle=0.05, lost_request=0.0)
    plan = session.vault("photos").peek("a.tar")
    if plan.empty:
        print(*plan.members["name"], flush=True)
    else:
        plan.run()
        if where == "ran":
            stop()
    print("ended", flush=True)
"""


def test_killed_between_and_within_the_rounds_nothing_is_asked_for_twice(
    store, child, emulator, region, tmp_path, ranges_of, session_place
):
    """After the service took a request, while bytes arrive, and while it is waited for."""
    store("a.tar", tarred([8 * MIB] * 2))
    where = (emulator.folder, region, session_place)

    def killed(word):
        child(PEEKER, *where, word).kill_when_stopped()

    killed("asked")
    assert ranges_of() == [f"0-{8 * MIB - 1}"]
    emulator.advance(hours=4.1)
    killed("fetched")
    assert len(ranges_of()) == 1
    killed("ran")  # what was fetched is read, and the next header is asked for
    assert len(ranges_of()) == 2
    emulator.advance(hours=4.1)
    names: list[str] = []
    for _ in range(2):
        names = child(PEEKER, *where, "never").until("ended")
        emulator.advance(hours=4.1)
    assert names == ["t0 t1"]
    assert len(ranges_of()) == len(set(ranges_of())) == 3


def test_an_answer_that_expired_is_offered_again_and_earlier_ones_are_kept(
    session, vault, store, later, ranges_of, connect, ready
):
    """After a day without anybody looking."""
    store("a.tar", tarred([8 * MIB] * 2))
    ready(vault.peek("a.tar").run())
    vault.peek("a.tar").run()
    session.close()
    later(hours=40)
    again = connect()
    plan = again.vault("photos").peek("a.tar")
    assert [str(item.part) for item in plan.asking] == [f"{8 * MIB}-{9 * MIB - 1}"]
    plan.run()
    assert len(set(ranges_of())) == 1  # the others are forgotten by the service


def test_a_window_that_was_damaged_on_disk_is_fetched_again_while_it_is_staged(
    vault, store, ranges_of, on, ready
):
    """Its hash is taken before it is believed."""
    store("wide.zip", zipped(count=100, size=1000, comment=b"c" * 60_000))
    batch = ready(vault.peek("wide.zip").run())
    (window,) = map(Path, batch.files)
    window.write_bytes(bytes(window.stat().st_size))
    on("wide.zip")
    assert len(ranges_of()) == len(set(ranges_of()))


@pytest.mark.limits(peek_store=10 * MIB)
@pytest.mark.each_backend
def test_kept_windows_are_bounded(store, on, tmp_path, session):
    """Those that were looked into longest ago go."""
    for name in ("a.tar", "b.tar"):
        store(name, tarred([8 * MIB] * 3))
        on(name, rounds=2)
    (left,) = session.catalogue.peeks.iterdir()
    assert sum(file.stat().st_size for file in left.iterdir()) <= 10 * MIB


# Limits and errors


def test_a_limit_of_cost_is_reckoned_at_worst(vault, store, ranges_of, priced):
    """Over it, or with a price that is not known, nothing is asked for."""
    store("a.tar", tarred([8 * MIB] * 2))
    with pytest.raises(OverBudget):
        vault.peek("a.tar").limit_to(Decimal("0.0001")).run()
    (data_folder() / "prices.toml").unlink()
    with pytest.raises(PriceUnknown):
        vault.peek("a.tar").limit_to(Decimal(100)).run()
    assert ranges_of() == []


def test_a_limit_of_bytes_is_kept(store, on, ranges_of):
    """A directory that is larger is an error that says what was paid."""
    store("wide.zip", zipped(count=100, size=1000, comment=b"c" * 60_000))
    with pytest.raises(Unlistable, match="paid: 1 request") as caught:
        on("wide.zip", max_bytes=3 * MIB)
    assert "restore" in caught.value.cure
    assert sizes(ranges_of()) <= 3 * MIB


@pytest.mark.parametrize(
    ("word", "options", "error"),
    [
        ("nothing.zip", {}, NameNotKnown),
        ("*", {}, InputError),
        ("a.bin", {}, InputError),
        ("a.bin", {"kind": "zip", "tier": "quick"}, InputError),
    ],
)
def test_what_cannot_be_looked_into_is_an_error(vault, store, word, options, error):
    """Unknown, several, or of no kind."""
    for name in ("a.bin", "b.zip"):
        store(name, b"x" * 100)
    with pytest.raises(error):
        vault.peek(word, **options)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_what_is_no_archive_is_found_out_and_told(store, on, ranges_of, kind):
    """With what it cost; asking again costs nothing more."""
    store("a.bin", os.urandom(3 * MIB))
    for _ in range(2):
        with pytest.raises(Unlistable, match="paid: 1 request"):
            on("a.bin", kind=kind)
    assert len(ranges_of()) == 1


# Strangers


def hostile_zip():
    """Names that climb, mark up, and turn text around; and a directory that lies."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in ("../../etc/passwd", "/abs", "<script>alert(1)</script>", "a\u202eb", "x" * 60_000):
            archive.writestr(zipfile.ZipInfo(name), b"")
    return target.getvalue()


def test_names_of_strangers_are_shown_and_never_followed(store, on, tmp_path):
    """Escaped in HTML, visible in text, cut where they are endless."""
    store("evil.zip", hostile_zip())
    before = {path for path in tmp_path.rglob("*") if "peeks" not in path.parts}
    plan, _ = on("evil.zip")
    table = plan.members
    assert table["name"][0] == "../../etc/passwd"
    assert len(table["name"][4]) == kept.LONGEST
    html = plan._repr_mimebundle_()["text/html"]
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html
    assert "\u202e" not in repr(plan)
    assert {path for path in tmp_path.rglob("*") if "peeks" not in path.parts} == before


def test_sizes_and_times_that_nothing_holds_are_missing(store, on):
    """From headers that anybody can write."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("big")
        info.pax_headers = {"GNU.sparse.realsize": "9" * 19, "mtime": "99999999999", "GNU.sparse.name": "big"}
        archive.addfile(info)
    store("odd.tar", target.getvalue())
    plan, _ = on("odd.tar")
    assert plan.members["size"].isna().all()
    assert plan.members["modified"].isna().all()
    assert "big" in repr(plan)


@pytest.mark.limits(listed_members=3010)
def test_a_bomb_of_members_is_bounded(session, store, on):
    """In how many are read, and in how many are kept of all archives."""
    store("bomb.tar", tarred([0] * 3000))
    store("other.tar", tarred([0] * 50))
    assert len(on("bomb.tar")[0].members) == 3000
    assert len(on("other.tar")[0].members) == 50
    rows = session.catalogue.database.rows("SELECT COUNT(*) AS n FROM members")
    assert rows[0]["n"] == 50


@pytest.mark.limits(listed_text=100000)
def test_one_long_name_for_all_members_is_kept_up_to_a_limit(store, on):
    """A header that holds for all members multiplies what it says."""
    target = io.BytesIO()
    with tarfile.open(
        fileobj=target, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "n" * 3000}
    ) as archive:
        for _ in range(200):
            archive.addfile(tarfile.TarInfo(""))
    store("wide.tar", target.getvalue())
    plan, _ = on("wide.tar")
    assert 0 < len(plan.members) <= 34
    assert not plan.members.attrs["complete"]
    assert "members are kept" in json.dumps(plan.members.attrs["notes"])


def test_a_directory_that_claims_more_than_there_is_is_refused(store, on):
    """Its length and place are what a stranger wrote."""
    content = bytearray(zipped(count=2, size=10))
    end = content.rfind(b"PK\5\6")
    content[end + 12 : end + 16] = (1 << 31).to_bytes(4, "little")
    store("lies.zip", bytes(content))
    with pytest.raises(Unlistable):
        on("lies.zip")


def test_expired_while_it_is_read_is_asked_for_again(store, vault, session, later):
    """A whole output that the service has just dropped."""
    store("a.zip", zipped(count=2, size=10))
    batch = vault.restore("a.zip").run()
    session.tracker.stop()
    later(hours=40)
    session.tracker.__init__(session.engine)
    assert vault.peek("a.zip").asking
    with pytest.raises(JobExpired):
        batch.wait(PATIENCE)
