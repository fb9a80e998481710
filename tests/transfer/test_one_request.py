"""Small files in one request: what is in doubt is sent in parts, and copies are named and deleted."""

import pytest

from glacier_magic import cli
from glacier_magic.errors import AccessDenied, InputError, Unavailable

COUNTED = ("upload_archive", "start_upload", "complete_upload")


@pytest.fixture
def sent(counted):
    """How often each request that makes an archive was sent."""
    return lambda: tuple(counted[name] for name in COUNTED)


@pytest.fixture
def doubts(session):
    """The doubt and the state of each upload."""
    return lambda: [tuple(r) for r in session.catalogue.database.rows("SELECT doubt, state FROM uploads")]


def lost(calls, operation, code, times=1):
    """Let calls of an operation be carried out, and fail with an error of this code."""
    original, left = calls.of(operation), [None] * times

    def call(*arguments):
        result = original(*arguments)
        if not left:
            return result
        left.pop()
        raise Unavailable("The response was lost", code=code)

    calls.replace(operation, call)


@pytest.mark.parametrize(
    "code", ["", "ServiceUnavailableException", "RequestTimeoutException", "ThrottlingException"]
)
def test_no_failure_after_the_body_is_certain(
    vault, files, quick, calls, sent, doubts, listed, archives_in, code
):
    """Whatever the service says: it may have stored the file, which is sent once more, in parts."""
    files("small", 1000)
    lost(calls, "upload_archive", code, times=9)
    archive = vault.upload("small")
    assert sent() == (1, 1, 1)
    assert doubts() == [(1, "done")]
    assert vault.copies() == []  # nobody can know yet
    listed(vault)
    (copy,) = vault.copies()
    assert copy.archive_id != archive.id
    assert archives_in() == 2


def test_a_failure_before_the_last_byte_is_certain(vault, files, quick, calls, sent, doubts, archives_in):
    """Nothing was stored, so the one request is repeated."""
    files("small", 1000)
    original, left = calls.of("upload_archive"), [None] * 2

    def refuse(*arguments):
        if left:
            left.pop()
            raise Unavailable("connection refused")
        return original(*arguments)

    calls.replace("upload_archive", refuse)
    vault.upload("small")
    assert sent() == (1, 0, 0)
    assert doubts() == [(0, "done")]
    assert archives_in() == 1


def test_a_refusal_is_certain(vault, files, emulator, sent, doubts):
    """The service has read the body, and says that it stored nothing."""
    files("small", 1000)
    emulator.fault("access-denied", "UploadArchive", times=1)
    with pytest.raises(AccessDenied):
        vault.upload("small")
    assert doubts() == [(0, "failed")]
    vault.upload("small")
    assert sent() == (2, 0, 0)


def test_lost_answers_of_the_parts_make_no_further_copy(
    vault, files, quick, calls, small_parts, sent, archives_in
):
    """Each of their requests can be repeated."""
    files("small", 1000)
    for operation in (*COUNTED, "upload_part"):
        lost(calls, operation, "", times=2)
    vault.upload("small")
    assert sent() == (1, 3, 3)
    assert archives_in() == 2


@pytest.mark.limits(give_up=0)
def test_a_file_given_up_in_doubt_is_settled_by_the_inventory(
    vault, files, calls, sent, doubts, listed, archives_in
):
    """It is on record from before the request; no second command sends the one request again."""
    files("small", 1000)
    lost(calls, "upload_archive", "")
    with calls.replaced("start_upload", unreachable):
        for _ in range(2):
            with pytest.raises(Unavailable):
                vault.upload("small")
    assert doubts() == [(1, "sending")]
    (archive,) = listed(vault)["archive_id"]
    assert doubts() == [(1, "done")]
    assert vault.upload("small").id == archive
    assert sent() == (1, 0, 0)
    assert vault.copies() == []
    assert archives_in() == 1


def unreachable(*_):
    raise Unavailable("unreachable")


KILLED = """
    from glacier_magic.service import Service
    folder, region, catalogue, operation, when = sys.argv[1:]
    stop_at(when, Service, operation)
    session = connect(folder, region, catalogue)
    session.vault("photos").upload("small")
"""


@pytest.mark.each_backend
@pytest.mark.parametrize(
    ("kills", "copies"),
    [
        ([("upload_archive", "before")], 0),
        ([("upload_archive", "after"), ("upload_part", "after"), ("complete_upload", "after")], 1),
    ],
)
def test_a_file_is_stored_twice_at_most_however_often_its_process_is_killed(
    vault, files, child, emulator, region, session_place, sent, stored, listed, kills, copies
):
    """The first killed process may have stored it; later ones go on with its parts."""
    path = files("small", 1000)
    for operation, when in kills:
        child(KILLED, emulator.folder, region, session_place, operation, when).kill_when_stopped()
    archive = vault.upload("small")
    assert sent()[0] == 0
    assert stored(archive.id)[0] == path.read_bytes()
    found = listed(vault)
    assert len(found) == 1 + copies
    assert [copy.archive_id for copy in vault.copies()] == [i for i in found["archive_id"] if i != archive.id]


# The copies


@pytest.fixture
def twice(vault, files, calls, listed):
    """Two archives of each of two files, because both responses were lost."""
    for name in ("a", "b"):
        files(name, name.encode() * 1000)
        lost(calls, "upload_archive", "")
        vault.upload(name)
    listed(vault)
    return vault


def test_copies_are_deleted_and_what_is_known_stays(twice, archives_in):
    """With the fee for archives that are not 90 days old in the plan."""
    known = {row.archive_id for row in twice.archives().itertuples()}
    copies = {copy.archive_id for copy in twice.copies()}
    plan = twice.delete(twice.copies())
    assert len(copies) == 2
    assert "90 days" in repr(plan)
    plan.run(confirm="photos")
    assert twice.copies() == []
    assert set(twice.archives()["archive_id"]) == known - copies
    assert archives_in() == 2


def test_the_last_archive_of_some_bytes_is_no_copy(twice):
    """Once the known one is deleted, it is all that is left."""
    known = set(twice.archives()["archive_id"]) - {copy.archive_id for copy in twice.copies()}
    twice.delete(sorted(known)).run(confirm="photos")
    assert twice.copies() == []


def test_archives_stored_on_purpose_are_no_copies(vault, files, listed):
    """No response was lost: the user asked for the second one."""
    files("small", 1000)
    vault.upload("small")
    vault.upload("small", again=True)
    assert len(listed(vault)) == 2
    assert vault.copies() == []


def test_an_archive_that_another_computer_stored_later_is_no_copy(twice, put, listed):
    """Each computer would else delete what the other one keeps."""
    copies = {copy.archive_id for copy in twice.copies()}
    theirs = put(twice.copies()[0].description, b"a" * 1000)  # a day later, and no upload of this catalogue
    assert theirs in set(listed(twice)["archive_id"])
    assert {copy.archive_id for copy in twice.copies()} == copies


def test_an_archive_from_long_before_the_doubt_is_no_copy(twice):
    """It was stored by somebody else."""
    twice.session.catalogue.database.execute(
        "UPDATE archive_rows SET created=(SELECT MIN(started) FROM uploads)-30*86400000"
    )
    assert twice.copies() == []


def test_the_verbs_name_the_copies_and_delete_them(
    twice, emulator, region, session_place, monkeypatch, capsys, archives_in
):
    """``inventory`` and the status say how; without a yes nothing is deleted."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    assert cli.main(["connect", "--data", str(emulator.folder), "--region", region]) == 0
    assert (
        "2 from uploads whose response was lost: a, b; glacier-magic rm --copies" in capsys.readouterr().out
    )
    assert cli.main(["inventory", "photos"]) == 0
    said = capsys.readouterr().err
    assert "response of an upload was lost: 2 archives (1.95 KiB), 'a' and 1 other. glacier-magic rm" in said
    assert cli.main(["rm", "a", "--copies"]) == InputError.exit_code
    assert cli.main(["rm", "--copies"]) == InputError.exit_code
    assert archives_in() == 4
    capsys.readouterr()
    assert cli.main(["rm", "--copies", "--confirm", "photos"]) == 0
    assert archives_in() == 2
    assert cli.main(["rm", "--copies"]) == InputError.exit_code
    assert "No upload is known" in capsys.readouterr().err
