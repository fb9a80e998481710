"""Parts of archives: exactly the bytes asked for, retrieved and paid for once, and verified."""

import os
import random
import shutil
from pathlib import Path

import pytest

from glacier_magic.base import ranges
from glacier_magic.base.paths import data_folder
from glacier_magic.catalogue.records.job_records import JobRecord
from glacier_magic.errors import (
    InputError,
    IntegrityError,
    JobExpired,
    JobFailed,
    LocalError,
    NameNotKnown,
    NotFound,
    OverBudget,
    PriceUnknown,
)
from glacier_magic.plans.past_plans import came_to

MIB = 1 << 20
SIZE = 21 * MIB + 123
PATIENCE = 30.0


@pytest.fixture
def data(files, vault):
    """The bytes of ``big.bin`` in the vault, whose local file is gone."""
    path = files("big.bin", SIZE)
    content = path.read_bytes()
    vault.upload("big.bin")
    path.unlink()
    return content


@pytest.fixture
def get(vault, ready, tmp_path):
    """Restore a part, hours later; return the batch."""

    def get(part, name="big.bin", hours=4.1):
        return ready(vault.restore(name, byte_range=part, to=tmp_path / "back").run(), hours)

    return get


@pytest.fixture
def doubtful():
    """Let no cover grow, so that some have no hash; return what ends that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "EXTRA", 0)
        patch.setattr(ranges, "EXTRA_SHARE", 1 << 60)
        yield patch.undo


def content(path):
    return Path(path).read_bytes()


# Bytes


@pytest.mark.each_backend
def test_any_part_comes_back_as_the_bytes_it_is(data, get, small_parts, tmp_path):
    """At borders of MiB and off them, from a job of its own or one that is ready."""
    dice = random.Random(7)
    parts = [(0, 0), (SIZE - 1, SIZE - 1), (MIB - 1, MIB), (MIB, 2 * MIB - 1), (0, SIZE - 1)]
    parts += [tuple(sorted((dice.randrange(SIZE), dice.randrange(SIZE)))) for _ in range(4)]
    for first, last in parts:
        (file,) = get((first, last)).files
        assert content(file) == data[first : last + 1]
        assert file == str(tmp_path / "back" / f"big.bin.part-{first}-{last}")


def test_the_plan_tells_what_is_charged_and_what_is_written(vault, data, ranges_of, tmp_path):
    """The cover, and exactly what was asked for; nothing happens before it is run."""
    plan = vault.restore("big.bin", byte_range="-1MB", to=tmp_path / "back")
    text = repr(plan)
    for words in ("1 MiB in 1 request", "1,000,000 bytes", "whole MiB", "tree hashes", ".run()"):
        assert words in text
    assert plan.table.loc[0, "cover"] == f"{20 * MIB}-{SIZE - 1}"
    assert plan.table.loc[0, "part"] == f"{SIZE - 1_000_000}-{SIZE - 1}"
    assert plan.bytes == MIB + 123
    assert ranges_of() == []
    assert not (tmp_path / "back").exists()
    plan.run()
    assert ranges_of() == [f"{20 * MIB}-{SIZE - 1}"]


@pytest.mark.parametrize("part", [(5, 14), (MIB - 1, MIB), ("9MiB-"), (3 * MIB + 1, 11 * MIB), None])
def test_the_bytes_to_download_are_those_that_the_service_sends(
    vault, data, get, small_parts, changed_stream, calls, part, tmp_path
):
    """Of a job's output no more is fetched than the MiB of the part, whatever is retrieved."""
    sent, original = [], calls.of("open_output")

    def open_output(*arguments):
        return changed_stream(original(*arguments), lambda _, piece: sent.append(len(piece)) or piece)

    calls.replace("open_output", open_output)
    (item,) = vault.restore("big.bin", byte_range=part, to=tmp_path / "back").items
    get(part)
    assert sum(sent) == item.fetched
    assert sum(sent) <= item.retrieved
    (again,) = vault.restore("big.bin", byte_range=part, to=tmp_path / "back").items
    assert again.fetched == 0


@pytest.mark.parametrize("part", [None, (MIB, 9 * MIB - 1)])
def test_of_an_interrupted_download_the_verified_pieces_are_not_fetched(
    session, vault, data, ready, later, small_parts, one_at_a_time, calls, tmp_path, part
):
    """The bytes to download are the others, of the same output or of a new one."""
    sent = []

    def drop_the_third(vault, job, start, length):
        sent.append(length)
        if len(sent) == 3:
            raise NotFound("The job ID was not found")

    calls.watch("open_output", drop_the_third)
    with pytest.raises(JobExpired):
        ready(vault.restore("big.bin", byte_range=part, to=tmp_path / "back").run())
    later(session, hours=40)
    plan = vault.restore("big.bin", byte_range=part, to=tmp_path / "back")
    left = (8 * MIB if part else SIZE) - 2 * MIB
    assert plan.items[0].fetched == plan.needed == left
    sent.clear()
    sent += [0] * 3
    ready(plan.run())
    assert sum(sent) == left


def test_a_part_without_a_hash_is_named_so_and_never_called_verified(vault, data, get, doubtful, tmp_path):
    """In the plan, in the file's name, on the board."""
    plan = vault.restore("big.bin", byte_range="1MiB-3MiB", to=tmp_path / "back")
    assert "not verifiable: the range is not tree-hash aligned" in repr(plan)
    batch = get("1MiB-3MiB")
    (file,) = batch.files
    assert file.endswith(f"big.bin.part-{MIB}-{3 * MIB - 1}.unverified")
    assert content(file) == data[MIB : 3 * MIB]
    assert [row.state for row in batch.snapshot.rows] == ["unverified"]
    assert "not verifiable" in batch.snapshot.rows[0].error
    assert vault.restore("big.bin", byte_range="1MiB-3MiB", to=tmp_path / "back").empty


def test_damaged_bytes_never_get_a_name(
    session, vault, data, later, changed_stream, patient, calls, tmp_path
):
    """The hash of each piece is compared, and the piece fetched again until that ends."""
    original = calls.of("open_output")

    def open_output(*arguments):
        return changed_stream(original(*arguments), lambda _, piece: b"x" * len(piece))

    calls.replace("open_output", open_output)
    batch = vault.restore("big.bin", byte_range=(5, 3 * MIB), to=tmp_path / "back").run()
    later(session, hours=4.1)
    with pytest.raises(IntegrityError):
        batch.wait(PATIENCE)
    assert [p for p in (tmp_path / "back").iterdir() if not p.name.startswith(".")] == []


def test_a_hash_that_does_not_come_where_it_must_is_an_error(
    session, vault, data, later, changed_stream, patient, calls, tmp_path
):
    """What cannot be verified is not taken for verified."""
    original = calls.of("open_output")

    def open_output(*arguments):
        return changed_stream(original(*arguments), lambda _, piece: piece, told=False)

    calls.replace("open_output", open_output)
    batch = vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back").run()
    later(session, hours=4.1)
    with pytest.raises(IntegrityError, match="without"):
        batch.wait(PATIENCE)


def test_a_name_from_a_stranger_stays_below_the_folder(vault, files, tmp_path, ready):
    """With two archives of one name, and names too long for a file."""
    names = ("../../evil", "same", "same", "ä" * 300, "<script>'\"😀")
    for number, name in enumerate(names):
        with files(f"source-{number}", 100).open("rb") as file:
            vault.upload_stream(file, name)
    batch = ready(vault.restore("*", byte_range="10-19", to=tmp_path / "back").run())
    assert len(set(batch.files)) == len(names)
    for file in batch.files:
        assert file.startswith(str(tmp_path / "back"))
        assert Path(file).stat().st_size == 10
        assert ".part-10-19" in file
    assert "<script>" not in batch._repr_mimebundle_()["text/html"]


# Asked for once


def test_a_part_is_never_taken_for_the_whole(vault, data, get, ranges_of, tmp_path):
    """Nor is it while it is asked for."""
    vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back").run()
    assert vault.restore("big.bin", to=tmp_path / "back").bytes == SIZE
    get("0-1MiB", hours=5)
    whole = vault.restore("big.bin", to=tmp_path / "back")
    assert whole.bytes == SIZE
    whole.run()
    assert ranges_of() == [f"0-{MIB - 1}", f"0-{SIZE - 1}"]


def test_a_part_is_cut_from_a_whole_output_at_no_cost(session, vault, data, get, later, ranges_of, tmp_path):
    """Whoever asked for it; and it is verified."""
    vault.restore("big.bin", to=tmp_path / "whole").run()
    later(session, hours=4.1)
    plan = vault.restore("big.bin", byte_range="5MiB-12MiB", to=tmp_path / "back", destination="here")
    assert plan.bytes == 0
    assert plan.quote.total == 0
    batch = get("5MiB-12MiB", hours=0)
    assert content(batch.files[0]) == data[5 * MIB : 12 * MIB]
    assert len(ranges_of()) == 1


def test_parts_that_others_asked_for_serve_what_lies_within(
    client, session, vault, data, get, later, ranges_of, tmp_path
):
    """And nothing that reaches beyond."""
    (archive,) = vault.archives()["archive_id"]
    asked = {
        "Type": "archive-retrieval",
        "ArchiveId": archive,
        "RetrievalByteRange": f"{3 * MIB}-{10 * MIB - 1}",
    }
    client.initiate_job(vaultName="photos", jobParameters=asked)
    inside = vault.restore("big.bin", byte_range="4MiB-5MiB", to=tmp_path / "back")
    assert "already requested" in repr(inside)
    assert "not verifiable" in repr(inside)  # by the alignment that the other one chose
    batch = get("4MiB-5MiB")
    assert content(batch.files[0]) == data[4 * MIB : 5 * MIB]
    assert batch.files[0].endswith(".unverified")
    assert vault.restore("big.bin", byte_range="9MiB-11MiB").bytes > 0
    assert vault.restore("big.bin").bytes == SIZE
    assert len(ranges_of()) == 1


def test_a_job_whose_archive_has_no_known_size_is_not_the_whole():
    """Its range says that it is a part of something."""
    job = JobRecord(vault="v", job_id="j", action="ArchiveRetrieval", byte_range="0-1048575")
    assert not job.whole_archive
    assert job.serves(ranges.ByteRange(5, 6))


def test_the_same_part_twice_is_asked_for_once(vault, data, get, ranges_of, tmp_path):
    """Under way, and when it is there."""
    for _ in range(2):
        vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back").run()
    (file,) = get("0-1MiB").files
    again = vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back")
    assert again.empty
    os.truncate(file, 5)
    assert not vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back").empty
    Path(file).unlink()
    assert content(get("0-1MiB").files[0]) == data[:MIB]
    assert ranges_of() == [f"0-{MIB - 1}"]


@pytest.mark.each_backend
def test_several_parts_of_one_archive_at_once_are_several_jobs(
    session, vault, data, ranges_of, tmp_path, ready
):
    """Each with its own bytes."""
    parts = ["0-1MiB", "4MiB-5MiB", "-1KiB"]
    batches = [vault.restore("big.bin", byte_range=p, to=tmp_path / "back").run() for p in parts]
    found = {content(ready(batch).files[0]) for batch in batches}
    assert found == {data[:MIB], data[4 * MIB : 5 * MIB], data[-1024:]}
    assert len(ranges_of()) == 3


# Killed, expired, refused

RUNNER = """
    from glacier_magic.service import Service
    from glacier_magic.transfer import download
    folder, region, catalogue, back, name, number = sys.argv[1:]
    owner = Service if name == "start_retrieval" else download._PieceFetcher
    stop_at("after", owner, name, int(number))
    session = connect(folder, region, catalogue, tick=0.05, emulator_idle=0.05, piece=1 << 20, workers=1)
    session.vault("photos").restore("big.bin", byte_range="5-9MiB", to=back).run().wait(60)
"""


@pytest.mark.limits(lost_request=0.0)
def test_killed_again_and_again_a_part_is_asked_for_and_fetched_once(
    vault,
    data,
    child,
    later,
    session,
    emulator,
    region,
    ranges_of,
    small_parts,
    calls,
    tmp_path,
    session_place,
):
    """After the service took the request, and between pieces; verified ones are not fetched."""

    where = (emulator.folder, region, session_place, tmp_path / "back")
    child(RUNNER, *where, "start_retrieval", 1).kill_when_stopped()
    assert len(ranges_of()) == 1
    emulator.advance(hours=4.1)
    for piece in (2, 3):
        child(RUNNER, *where, "run", piece).kill_when_stopped()
    fetched = []
    calls.watch("open_output", lambda *given: fetched.append(given))
    batch = vault.restore("big.bin", byte_range="5-9MiB", to=tmp_path / "back").run()
    batch.wait(PATIENCE)
    assert content(batch.files[0]) == data[5 : 9 * MIB]
    assert len(fetched) <= 9 - 3
    assert len(ranges_of()) == 1
    assert [p.name for p in (tmp_path / "back").iterdir()] == [f"big.bin.part-5-{9 * MIB - 1}"]


def test_pieces_that_were_not_verified_are_fetched_again_once_they_can_be(
    session, vault, data, get, later, small_parts, one_at_a_time, doubtful, calls, tmp_path
):
    """From a job with hashes, after one without whose output was dropped half-way."""
    fetched = []

    def drop_the_third(vault, job, start, length):
        fetched.append(start)
        if len(fetched) == 3:
            raise NotFound("The job ID was not found")

    calls.watch("open_output", drop_the_third)
    with pytest.raises(JobExpired):
        get("1MiB-5MiB")
    doubtful()
    later(session, hours=40)
    (item,) = vault.restore("big.bin", byte_range="1MiB-5MiB", to=tmp_path / "back").items
    assert item.fetched == 4 * MIB
    (file,) = get("1MiB-5MiB").files
    assert file.endswith(f".part-{MIB}-{5 * MIB - 1}")
    assert content(file) == data[MIB : 5 * MIB]
    assert len(fetched) == 3 + 4


def test_an_expired_part_is_offered_again(session, vault, data, later, get, ranges_of, tmp_path):
    """As a new request."""
    batch = vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back").run()
    session.tracker.stop()
    later(hours=40)
    session.tracker.__init__(session.engine)
    with pytest.raises(JobExpired):
        batch.wait(PATIENCE)
    assert content(get("0-1MiB").files[0]) == data[:MIB]


@pytest.mark.parametrize(
    ("part", "error"),
    [(f"{SIZE}-", InputError), (f"0-{SIZE}", InputError), ("x", InputError), ("3-2", InputError)],
)
def test_what_is_not_there_is_refused_before_anything_is_asked(vault, data, ranges_of, tmp_path, part, error):
    """With the size that there is."""
    with pytest.raises(error):
        vault.restore("big.bin", byte_range=part, to=tmp_path / "back")
    assert ranges_of() == []


def test_archives_of_unknown_size_have_no_parts(vault, data):
    """An id that the catalogue has never seen."""
    with pytest.raises(NameNotKnown):
        vault.restore(f"id:{'a' * 138}", byte_range="0-5")


def test_a_folder_that_cannot_be_written_is_found_before_paying(vault, data, ranges_of, files):
    """A file stands where the folder should be."""
    plan = vault.restore("big.bin", byte_range="0-5", to=files("taken"))
    with pytest.raises(LocalError):
        plan.run()
    assert ranges_of() == []


def test_a_limit_of_cost_is_kept(vault, data, ranges_of, tmp_path):
    """What is not known is refused; what costs nothing is not."""
    from decimal import Decimal

    plan = vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back")
    with pytest.raises(PriceUnknown):
        plan.limit_to(Decimal(5)).run()
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "[all]\nretrieval-standard = 0.01\nretrieval-standard-requests = 1000\ntransfer-out-internet = 0.09\n"
    )
    plan = vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back")
    with pytest.raises(OverBudget):
        plan.limit_to(Decimal("0.5")).run()
    assert dict(plan.facts)["written"].endswith(" bytes, exactly the part")
    assert "REFUSED" in repr(plan)
    assert ranges_of() == []
    plan.limit_to(Decimal(2)).run()
    assert len(ranges_of()) == 1


@pytest.mark.parametrize(
    ("option", "setting", "gb"),
    [(None, "", "0.09"), ("region", "", "0.02"), (None, "here", "0"), ("internet", "here", "0.09")],
)
def test_the_way_out_is_part_of_the_price_of_a_part(vault, data, tmp_path, monkeypatch, option, setting, gb):
    """By the option, or the setting, as for whole archives; a limit counts it."""
    from decimal import Decimal

    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "[all]\nretrieval-standard = 0.01\nretrieval-standard-requests = 0\n"
        "transfer-out-internet = 0.09\ntransfer-out-region = 0.02\n"
    )
    monkeypatch.setenv("GLACIER_MAGIC_DESTINATION", setting)
    plan = vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "b", destination=option)
    assert plan.quote.total == (Decimal("0.01") + Decimal(gb)) * MIB / (1 << 30)
    assert "destination" in dict(plan.facts)
    peek = vault.peek("big.bin", kind="tar", destination=option)
    whole = SIZE  # at worst
    assert peek.quote.total <= (Decimal("0.01") + Decimal(gb)) * whole / (1 << 30)
    assert peek.quote.total > (Decimal("0.01") + Decimal(gb)) * 8 * MIB / (1 << 30)
    if gb != "0":
        with pytest.raises(OverBudget):
            plan.run(max_cost=Decimal("0.01") * MIB / (1 << 30))


def test_a_job_that_fails_is_told(vault, data, client, session, later, tmp_path):
    """Of an archive that was deleted shortly before the service accepts one."""
    (archive,) = vault.archives()["archive_id"]
    client.delete_archive(vaultName="photos", archiveId=archive)
    batch = vault.restore("big.bin", byte_range="0-1MiB", to=tmp_path / "back").run()
    later(session, hours=4.1)
    with pytest.raises(JobFailed):
        batch.wait(PATIENCE)


# What they share with whole archives


def test_parts_are_spread_over_days_by_what_is_retrieved(vault, files, ranges_of, later, session, tmp_path):
    """Three parts over three days: one request now, the others when they are due."""
    for name in ("a.bin", "b.bin", "c.bin"):
        files(name, 3 * MIB)
        vault.upload(name)
    plan = vault.restore("*.bin", byte_range="0-9", to=tmp_path / "back", spread="3d")
    assert plan.schedule["size"].tolist() == [MIB] * 3
    assert plan.schedule["archives"].tolist() == [1] * 3
    plan.run()
    assert ranges_of() == [f"0-{MIB - 1}"]
    again = vault.restore("*.bin", byte_range="0-9", to=tmp_path / "back")
    assert again.bytes == 0
    assert "scheduled already: 2 archives, 20 B, not requested yet" in repr(again)
    whole = vault.restore("*.bin", to=tmp_path / "back")
    assert whole.bytes == 9 * MIB
    assert "scheduled already" not in repr(whole)


def test_a_plan_for_parts_can_be_revised(vault, data, tmp_path):
    """Another tier keeps the parts; its prices stand side by side."""
    plan = vault.restore("big.bin", byte_range="0-9", to=tmp_path / "back").revised(tier="bulk")
    assert plan.bytes == MIB
    assert plan.items[0].part == ranges.ByteRange(0, 9)
    assert "Bulk (this plan)" in repr(plan)


def test_a_plan_for_parts_is_no_plan_file(vault, data, tmp_path):
    """A file has whole archives; nothing is written."""
    with pytest.raises(InputError, match="no parts"):
        vault.restore("big.bin", byte_range="0-9").save(tmp_path / "plan.json")
    assert not (tmp_path / "plan.json").exists()


def test_the_pace_of_parts_counts_what_is_retrieved(session, vault, data, tmp_path):
    """Also where a batch is held to its limits: a file of one byte stands for a MiB."""
    batch = vault.restore("big.bin", byte_range=(5, 5), to=tmp_path / "back", spread="2d").run()
    (download,) = session.catalogue.downloads.open()
    assert download.size == 1
    assert session.catalogue.pacing.released(download.batch, 0) == [(download.due, MIB)]
    assert len(batch) == 1


def test_the_history_of_a_part_counts_what_is_retrieved(session, vault, data, get):
    """On both sides: the promise, and what came of it."""
    get((5, 14))
    past = session.history().table.iloc[0]
    assert (past["size"], past["size_done"]) == (MIB, MIB)


def test_a_part_is_priced_and_accounted_for_by_what_is_requested_and_downloaded(session, vault, data, get):
    """Across the middle of the tree 16 MiB are retrieved, and 2 MiB downloaded."""
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    prices = "retrieval-standard = 1024\nretrieval-standard-requests = 1000\ntransfer-out-internet = 1024\n"
    file.write_text(f"[all]\n{prices}")
    part = (8 * MIB - 1, 8 * MIB)
    plan = vault.restore("big.bin", byte_range=part)
    assert plan.quote.total == 16 + 1 + 2
    assert "16 MiB in 1 request" in dict(plan.facts)["requested"]
    assert "2 MiB of it is downloaded" in dict(plan.facts)["requested"]
    get(part)
    assert came_to(session.past_plan(1).record) == 16 + 1 + 2


def paced(vault, files, folder):
    """Restore a part of two archives over two days: one is requested, the other scheduled."""
    for name in ("a.bin", "b.bin"):
        files(name, 3 * MIB)
        vault.upload(name)
    vault.restore("*.bin", byte_range="0-9", to=folder, spread="2d").run()


def test_a_scheduled_part_in_another_tier_is_requested_once(
    session, vault, files, calls, later, until, tmp_path
):
    """By the new plan; the old schedule sends nothing when its day comes."""
    sent = calls.noted("start_retrieval", 2)
    paced(vault, files, tmp_path / "back")
    plan = vault.restore("*.bin", byte_range="0-9", to=tmp_path / "back", tier="bulk")
    assert plan.requests == 1
    plan.run()
    later(session, days=3)
    until(lambda: not session.catalogue.pacing.scheduled())
    assert sent == ["Standard", "Bulk"]


def test_a_part_on_hold_is_requested_once(session, connect, vault, files, calls, until, tmp_path):
    """By a plan of the copied catalogue, not once more when what is on hold is resumed."""
    sent = calls.noted("start_retrieval", 1)
    paced(vault, files, tmp_path / "back")
    session.close()
    shutil.copy(session.catalogue.path, tmp_path / "copy.sqlite")
    other = connect(catalogue=tmp_path / "copy.sqlite")
    plan = other.vault("photos").restore("*.bin", byte_range="0-9", to=tmp_path / "back")
    assert plan.requests == 1
    plan.run()
    other.held.resume()
    other.tracker.start()
    until(lambda: not other.catalogue.pacing.scheduled())
    assert len(sent) == len(set(sent)) == 2
