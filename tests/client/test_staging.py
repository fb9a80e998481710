"""Temporary folders that become backups."""

import pytest

from glacier_magic.errors import InputError, LocalError


def test_what_a_block_writes_is_stored_and_removed(backup, key):
    """Each time as one snapshot; an unchanged file is not sent again."""
    names = []
    for number in (1, 2):
        with backup.vault.staging("home", recipients=[key.recipient]) as folder:
            (folder / "db").mkdir()
            (folder / "db/dump.sql").write_bytes(b"x" * 50_000)
            (folder / "log").write_text(str(number))
            names.append(folder)
    assert not any(folder.exists() for folder in names)
    assert [backup.restore(number)["log"][1] for number in (1, 2)] == [b"1", b"2"]
    assert backup.members(backup.packs()[1]) == ["log"]
    backup.whole()


def test_a_block_that_fails_or_writes_nothing_stores_nothing(backup, key, calls):
    """What backup() would refuse is refused before the block."""
    sent = calls.noted("upload_archive", 1)
    folders = []

    def interrupted(error):
        with backup.vault.staging("home", plain=True) as folder:
            folders.append(folder)
            (folder / "a").write_text("half")
            raise error

    for error in (KeyError, KeyboardInterrupt):
        with pytest.raises(error):
            interrupted(error)
    with pytest.raises(LocalError, match="Nothing was written"), backup.vault.staging("home", plain=True):
        pass
    with pytest.raises(InputError, match="recipients or plain"), backup.vault.staging("home"):
        pytest.fail("the block has begun")
    assert sent == []
    assert not any(folder.exists() for folder in folders)
    assert backup.vault.snapshots().empty
