"""Asking again, for parts too: what the plan shows is what reaches the service, each thing once."""

import os

import pytest

from glacier_magic.plans.peek.part_store import PartStore

MIB = 1 << 20
SIZE = 5 * MIB + 77
COVER = f"{4 * MIB}-{SIZE - 1}"
PATIENCE = 30.0

pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def data(vault, files):
    """The bytes of ``big.bin`` in the vault, whose local file is gone."""
    path = files("big.bin", os.urandom(SIZE))
    vault.upload("big.bin")
    found = path.read_bytes()
    path.unlink()
    return found


@pytest.fixture
def staged(session, vault, data, held, later, until, tmp_path):
    """Ask for a part or the whole into folders, and let the outputs be ready, but not fetched."""

    def staged(*folders, part="-1MB"):
        batches = [vault.restore("big.bin", byte_range=part, to=tmp_path / name).run() for name in folders]
        later(session, hours=4.1)
        for batch in batches:
            until(lambda batch=batch: batch.snapshot.count("ready") == 1)
        return batches

    return staged


@pytest.fixture
def expired(session, staged, later, until):
    """The same, and their outputs are gone."""

    def expired(*folders, part="-1MB"):
        batches = staged(*folders, part=part)
        later(session, hours=25)
        for batch in batches:
            until(lambda batch=batch: batch.snapshot.count("expired") == 1)
        return batches

    return expired


def bytes_in(ranges):
    return sum(int(last) - int(first) + 1 for first, last in (one.split("-") for one in ranges))


# Keeping outputs longer


def test_a_part_is_kept_longer_by_its_own_cover(
    session, vault, data, staged, held, later, until, ranges_of, tmp_path
):
    """Once; and the download goes on from the new job when the first one is gone."""
    (batch,) = staged("back")
    plan = session.extend("big.bin", vault="photos")
    promised = plan.promised()
    plan.run()
    assert ranges_of() == [COVER, COVER]
    assert (promised["requests"], promised["bytes"]) == (1, bytes_in([COVER]))
    assert session.extend("big.bin", vault="photos").empty
    later(session, hours=21)
    assert session.extend().empty
    later(session, hours=0.5)
    until(lambda: batch.snapshot.count("ready") == 1)
    held.clear()
    session.tracker.wake()
    batch.wait(PATIENCE)
    assert (tmp_path / "back" / f"big.bin.part-{SIZE - 1_000_000}-{SIZE - 1}").read_bytes() == data[
        -1_000_000:
    ]
    assert len(ranges_of()) <= 2


@pytest.mark.parametrize("part", ["-1MB", None])
def test_an_output_that_two_folders_wait_for_is_kept_longer_once(session, staged, ranges_of, part):
    """The plan says one request, and one is made."""
    staged("one", "two", part=part)
    before = len(ranges_of())
    plan = session.extend("big.bin", vault="photos")
    promised = plan.promised()
    plan.run()
    again = ranges_of()[before:]
    assert len(again) == 1
    assert (promised["requests"], promised["bytes"]) == (1, bytes_in(again))
    assert session.history().table.iloc[0]["done"] == 1
    assert session.extend("big.bin", vault="photos").empty


def test_a_part_beside_the_whole_is_kept_longer_by_the_whole(session, staged, ranges_of, vault):
    """One request serves both."""
    staged("one", part=None)
    staged("two")
    before = len(ranges_of())
    plan = session.extend("big.bin", vault="photos")
    assert plan.promised()["requests"] == 1
    plan.run()
    assert ranges_of()[before:] == [f"0-{SIZE - 1}"]


def test_what_another_process_keeps_longer_is_not_counted_here(session, staged, ranges_of):
    """Whoever holds the claim asks; this plan has asked for nothing."""
    staged("back")
    plan = session.extend("big.bin", vault="photos")
    (download,) = session.catalogue.downloads.open()
    assert session.catalogue.pacing.claim_renewal(download.id, "another's", 60.0)
    plan.run()
    assert len(ranges_of()) == 1
    assert session.history().table.iloc[0]["done"] == 0


# What has expired


def test_a_part_that_expired_is_planned_as_the_same_part(
    session, data, expired, held, later, ranges_of, tmp_path
):
    """With the price of its cover, into the same folder."""
    expired("back")
    held.clear()
    plan = session.restore_expired()
    assert plan.bytes == bytes_in([COVER])
    assert f"{SIZE - 1_000_000}-{SIZE - 1}" in repr(plan)
    batch = plan.run()
    assert ranges_of() == [COVER]  # the first is gone
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    (file,) = (tmp_path / "back").iterdir()
    assert file.read_bytes() == data[-1_000_000:]
    assert session.restore_expired().empty


@pytest.mark.parametrize("part", ["-1MB", None])
def test_what_expired_in_two_folders_is_asked_for_once(
    session, data, expired, held, later, ranges_of, tmp_path, part
):
    """The price of all is that of one request, and the plan says so."""
    expired("one", "two", part=part)
    held.clear()
    plan = session.restore_expired()
    promised = sum(one.promised()["requests"] for one in plan.plans)
    size = sum(one.bytes for one in plan.plans)
    batch = plan.run()
    assert len(ranges_of()) == promised == 1
    assert bytes_in(ranges_of()) == size
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    expected = data if part is None else data[-1_000_000:]
    for folder in ("one", "two"):
        (file,) = (tmp_path / folder).iterdir()
        assert file.read_bytes() == expected


def test_a_part_that_expired_beside_the_whole_is_cut_from_it(
    session, data, expired, held, later, ranges_of, tmp_path
):
    """Nothing is asked for that a request of the same plan brings."""
    expired("one")
    expired("two", part=None)
    held.clear()
    plan = session.restore_expired()
    assert sum(one.promised()["requests"] for one in plan.plans) == 1
    batch = plan.run()
    assert ranges_of() == [f"0-{SIZE - 1}"]
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert [len(file.read_bytes()) for file in (tmp_path / "one").iterdir()] == [1_000_000]


def test_parts_are_paced_as_archives_are(session, expired):
    """One folder and tier at a time."""
    expired("back")
    plan = session.restore_expired(spread="2d")
    assert plan.schedule["archives"].sum() == 1


def test_the_board_asks_again_for_a_part(session, expired, ranges_of, tmp_path):
    """As the part that it is."""
    (batch,) = expired("back")
    plan = session.tracker.actions.again(batch.snapshot.rows)
    assert (plan.to, plan.bytes) == (tmp_path / "back", bytes_in([COVER]))
    plan.run()
    assert ranges_of() == [COVER]


# What a look inside has fetched


def test_a_look_inside_is_neither_kept_longer_nor_restored(
    session, vault, data, held, later, until, ranges_of
):
    """It asks again by itself; its parts are no files of the user's."""
    (archive,) = session.catalogue.archives.named("photos", "big.bin")
    folder = PartStore(session.catalogue, archive).root
    batch = vault.restore("big.bin", byte_range="-1MB", to=folder).run()
    later(session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 1)
    later(session, hours=20)
    assert session.extend().empty
    assert session.extend("big.bin", vault="photos").empty
    later(session, hours=5)
    until(lambda: batch.snapshot.count("expired") == 1)
    assert session.restore_expired().empty
    assert "restore_expired()" not in batch.snapshot.note
    assert len(ranges_of()) == 0
