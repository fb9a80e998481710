"""The plan of a backup: its requests are those that the emulator receives, and its set is of one computer."""

import os

import pytest

from glacier_magic.backup.run_options import PACK
from glacier_magic.backup.set_scan import spools
from glacier_magic.base.session_limits import USUAL
from glacier_magic.errors import InputError
from tests.counting import counting, counting_uploads
from tests.packed import MIB, place


@pytest.mark.limits(pack_part=MIB)
def test_the_requests_shown_are_those_sent(backup, emulator):
    """Three packs of 300 files, two of them in two parts, and the manifest; nothing, the second time."""
    for number in range(300):
        place(backup.root / f"{number:03}", 10_240)
    plan = backup.plan(pack_size=1_200_000)
    assert plan.requests == 4 + 4 + 3 + 3
    with counting_uploads(emulator) as count:
        plan.run()
        assert count() == plan.requests
    with counting(emulator, "*") as count:
        assert backup.run().snapshot is None
        assert count() <= 1
    backup.whole()


@pytest.mark.limits(pack_part=MIB)
def test_a_hundred_thousand_small_files_are_at_most_forty_requests(backup, emulator):
    """All of it 64 times as small: the files, packs of 1 GiB, and their parts of 64 MiB."""
    assert (USUAL.pack_part, PACK) == (64 * MIB, 1024 * MIB)
    for number in range(100_000 // 64):
        file = place(backup.root / f"{number:05}", 10_240)
        os.utime(file, ns=(1_600_000_000_000_000_000 + number * 1_234_567_891,) * 2)
    plan = backup.plan(pack_size=16 * MIB)
    with counting_uploads(emulator) as count:
        plan.run()
        assert count() == plan.requests <= 40
    assert len(backup.packs()) == 2


def test_two_computers_share_a_catalogue_and_no_spool(connect, database_url, tmp_path, monkeypatch):
    """Each has sets and packs of its own, and sees the snapshots of the other."""
    vaults, folders = [], set()
    for name in ("one", "two"):
        monkeypatch.setenv("GLACIER_MAGIC_HOME", str(tmp_path / name))
        session = connect(catalogue=database_url)
        vaults.append(session.vault("photos") if vaults else session.create_vault("photos"))
        place(tmp_path / f"disk {name}" / "a", name.encode())
        vaults[-1].backup(name, tmp_path / f"disk {name}", plain=True).run()
        folders.add(spools(session.catalogue))
    two = vaults[1]
    assert len(folders) == 2
    assert two.snapshots()["set"].tolist() == ["one", "two"]
    with pytest.raises(InputError, match="belongs to another computer"):
        two.backup("one")
