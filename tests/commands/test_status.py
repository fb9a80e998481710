"""The status: where I am, what runs, and what to do next."""

import io

import pytest

from glacier_magic.errors import Unavailable
from tests.counting import counting


@pytest.fixture
def filled(main, files):
    """The command line, with two archives in a vault in use, and nobody at a terminal."""
    main.type(io.StringIO())
    main.ok("create", "photos")
    main.ok("upload", *(str(files(name, name.encode())) for name in ("a", "bb")))
    return main


def last(main):
    """Return the last line of the status, and all of it."""
    lines = main.ok().splitlines()
    assert len(lines) <= 9, lines
    return lines[-1].strip(), "\n".join(lines)


def test_the_next_step_follows_the_work(main, files, later):
    """From nothing to archives; an inventory is not the next step once the catalogue knows archives."""
    assert last(main)[0] == "next: glacier-magic create NAME"
    main.ok("create", "photos")
    assert last(main)[0] == "next: glacier-magic upload PATH"
    main.ok("upload", str(files("a", b"a")))
    step, text = last(main)
    assert step == "next: glacier-magic ls, then glacier-magic restore NAME"
    assert "photos: 1 archive stored, no inventory yet" in text
    later(days=1.2)
    assert "photos: 1 archive, 32 KiB, inventory of" in last(main)[1]
    main.ok("create", "music")
    assert "music: 0 archives stored, no inventory yet; 1 other: photos" in last(main)[1]


def test_an_inventory_is_next_where_the_catalogue_knows_nothing(main, client, put, later):
    """Another program stored the archives."""
    client.create_vault(vaultName="photos")
    put("strange")
    later(days=1.2)
    assert last(main)[0] == "next: glacier-magic inventory"


def test_running_and_ready_jobs_are_named_with_their_times(filled, later):
    """When they are expected, and how long an output is kept."""
    filled.ok("restore", "a", "bb", "--yes")
    step, text = last(filled)
    assert step == "next: glacier-magic wait"
    assert "running: 2 in progress: a, bb; expected" in text
    assert ", in 3 h" in text or ", in 4 h" in text


def test_an_output_of_another_program_is_shown_as_ready(filled, client, put, later):
    """With the time for which it is kept."""
    parameters = {"Type": "archive-retrieval", "ArchiveId": put("other")}
    client.initiate_job(vaultName="photos", jobParameters=parameters)
    later(hours=4.1)
    assert "kept 23 h" in last(filled)[1]


@pytest.mark.limits(single_request=1 << 20)
def test_an_unfinished_upload_is_the_next_step(filled, files, calls, quick):
    """By its name and its vault; and no request for each of its parts."""

    def broken(*_):
        raise Unavailable("no network")

    path = files("film.mov", 3 << 20)
    with calls.replaced("complete_upload", broken):
        assert filled("upload", str(path), "--part-size", "1MiB") == Unavailable.exit_code
    step, text = last(filled)
    assert step == "next: glacier-magic uploads --resume --vault photos"
    assert "uploads: 1 unfinished in photos: film.mov" in text


def test_the_status_lists_no_uploads_at_the_service(filled, emulator):
    """Which takes a request for each vault: the catalogue knows those of this computer."""
    with counting(emulator, "ListMultipartUploads") as uploads:
        filled.ok()
        assert uploads() == 0
