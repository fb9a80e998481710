"""The upload desk: chosen, sent in the background, paused, gone on with, nothing sent twice."""

import time

import pytest

from glacier_magic.base.units import parse_rate
from glacier_magic.errors import InputError

MIB = 1 << 20


def until(condition, seconds=30.0):
    """Wait for something that another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def states(desk):
    return {file.name: file.state for file in desk.files}


def test_chosen_files_are_sent_in_the_background(vault, files, stored):
    """Each ends as stored, with all its bytes, and is on record."""
    files("a.bin", b"a" * 1000)
    files("below/b.bin", b"b" * 2000)
    desk = vault.desk()
    assert desk.add(["a.bin"]) == 1
    assert desk.add(["a.bin", "below"], recursive=True) == 1
    assert states(desk) == {"a.bin": "waiting", "below/b.bin": "waiting"}
    told = []
    desk.watch(lambda: told.append(desk.state))
    desk.start()
    assert desk.wait(30)
    assert (desk.state, desk.error) == ("done", "")
    assert states(desk) == {"a.bin": "stored", "below/b.bin": "stored"}
    assert [f.done for f in desk.files] == [1000, 2000]
    assert told[0] == "sending"
    assert told[-1] == "done"
    table = vault.archives()
    assert list(table["name"]) == ["a.bin", "below/b.bin"]
    assert stored(table["archive_id"][1])[0] == b"b" * 2000


def test_a_pause_ends_the_requests_and_nothing_is_sent_twice(vault, files, counted):
    """Files stored before the pause stay stored; the rest goes on."""
    for number in range(6):
        files(f"{number}.bin", 200_000)
    desk = vault.desk()
    desk.max_rate = parse_rate("300kB/s")
    desk.add(["*.bin"])
    desk.start()
    until(lambda: any(f.done for f in desk.files))
    desk.pause()
    assert desk.wait(30)
    assert desk.state == "paused"
    assert "waiting" in states(desk).values() or "paused" in states(desk).values()
    desk.max_rate = None
    desk.start()
    assert desk.wait(30)
    assert set(states(desk).values()) <= {"stored", "already stored"}
    assert len(vault.archives()) == 6


@pytest.mark.limits(single_request=MIB, smallest_part=MIB)
def test_parts_sent_before_a_pause_are_not_sent_again(vault, files, counted):
    """A large file goes on with the parts that the service does not have."""

    files("large.bin", 12 * MIB)
    desk = vault.desk()
    desk.max_rate = float(6 * MIB)
    desk.add(["large.bin"])
    desk.start()
    until(lambda: desk.files[0].done > 5 * MIB)
    desk.pause()
    assert desk.wait(30)
    sent = counted["upload_part"]
    assert desk.files[0].state == "paused"
    desk.max_rate = None
    another = vault.desk()  # as after a restart
    another.add(["large.bin"])
    another.start()
    assert another.wait(60)
    assert another.files[0].state == "stored"
    assert counted["upload_part"] < 12 + sent
    assert counted["start_upload"] == 1


def test_one_file_that_fails_does_not_hide_the_others(vault, files):
    """It says why, the rest is stored, and a second start sends it alone."""
    for name in ("a.bin", "b.bin", "c.bin"):
        files(name, name.encode())
    desk = vault.desk()
    desk.add(["*.bin"])
    (files.folder / "b.bin").unlink()
    desk.start()
    assert desk.wait(30)
    assert states(desk) == {"a.bin": "stored", "b.bin": "failed", "c.bin": "stored"}
    assert "cannot be read" in next(f.note for f in desk.files if f.name == "b.bin")
    assert "1 file of 3" in desk.error
    assert "cannot be read" in repr(desk)


def test_what_was_stored_before_is_not_sent(vault, files, counted):
    """A desk knows the catalogue."""
    files("a.bin", b"a")
    vault.upload("a.bin")
    desk = vault.desk()
    desk.add(["a.bin"])
    desk.start()
    assert desk.wait(30)
    assert states(desk) == {"a.bin": "already stored"}
    assert counted["upload_archive"] == 1


def test_a_vault_that_is_not_there_is_an_error_in_words(session, files):
    """Nothing is raised in the thread; the desk says it."""
    files("a.bin", b"a")
    desk = session.vault("nosuch").desk()
    desk.add(["a.bin"])
    desk.start()
    assert desk.wait(30)
    assert "NotFound: Vault not found" in desk.error
    assert states(desk) == {"a.bin": "waiting"}


def test_what_cannot_be_chosen(vault, files):
    """Nothing, what does not exist, two of one name, and anything while it is being sent."""
    desk = vault.desk()
    with pytest.raises(InputError, match="No files are chosen"):
        desk.start()
    with pytest.raises(InputError, match="No file matches"):
        desk.add(["nosuch*"])
    first, second = files("one/a.bin", b"1"), files("two/a.bin", b"2")
    desk.add([str(first)])
    with pytest.raises(InputError, match="Two files would be stored as"):
        desk.add([str(second)])
    desk.max_rate = 0.05
    desk.start()
    with pytest.raises(InputError, match="being sent"):
        desk.add([str(second)])
    desk.pause()
    assert desk.wait(30)
    desk.remove(desk.files[0].key)
    assert desk.files == ()
    assert "Nothing is chosen" in repr(desk)


def test_bytes_from_a_browser_are_stored_under_their_name(vault, stored):
    """A name is only a name, whatever it looks like; nothing is no archive."""
    desk = vault.desk()
    archive_id = desk.send_content("../<b>.txt", b"x" * 10)
    assert stored(archive_id)[0] == b"x" * 10
    assert list(vault.archives()["name"]) == ["../<b>.txt"]
    with pytest.raises(InputError, match="empty"):
        desk.send_content("e.txt", b"")


def test_a_broken_view_does_not_end_an_upload(vault, files):
    """Whoever watches may raise."""
    files("a.bin", b"a")
    desk = vault.desk()
    desk.add(["a.bin"])
    leave = desk.watch(lambda: 1 / 0)
    desk.start()
    assert desk.wait(30)
    leave()
    leave()
    assert states(desk) == {"a.bin": "stored"}


def test_names_of_strangers_are_inert(vault, files):
    """Markup in a file's name is text."""
    files("<img src=x onerror=1>.bin", b"a")
    desk = vault.desk()
    desk.add(["*.bin"])
    shown = desk._repr_mimebundle_()
    assert "<img" not in shown["text/html"]
    assert "&lt;img" in shown["text/html"]
