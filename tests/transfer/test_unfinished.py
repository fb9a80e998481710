"""Unfinished uploads: listed, gone on with, dropped, and settled where nobody knows the end."""

import os

import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import GlacierError, InputError, IntegrityError, LocalError, NotFound, OverBudget
from glacier_magic.prices import configuration_file

MIB = 1 << 20

UPLOADER = """
    from glacier_magic.service import Service
    folder, region, catalogue, name, point = sys.argv[1:]
    if point == "parts":
        stop_at("before", Service, "upload_part", 3)
    else:
        stop_at("before" if point == "completing" else "after", Service, "complete_upload")
    sizes = dict.fromkeys(("single_request", "smallest_part", "stream_part"), 1 << 20)
    vault = connect(folder, region, catalogue, workers=1, **sizes).vault("photos")
    if name.startswith("stream:"):
        vault.upload_stream(open(name[7:], "rb"), name[7:])
    else:
        vault.upload(name)
"""


@pytest.fixture
def cut_off(emulator, region, session, vault, files, child, small_parts, session_place):
    """Upload a file of three parts and a bit from a process that is killed; return its path."""

    def cut_off(name="large", point="parts"):
        path = files(name.removeprefix("stream:"), 3 * MIB + 100)
        child(UPLOADER, emulator.folder, region, session_place, name, point).kill_when_stopped()
        return path

    return cut_off


@pytest.fixture
def elsewhere(client, vault):
    """Begin an upload as another program does, with one part sent; return its id."""

    def elsewhere(description="of another program"):
        upload = client.initiate_multipart_upload(
            vaultName="photos", partSize=str(MIB), archiveDescription=description
        )["uploadId"]
        client.upload_multipart_part(
            vaultName="photos", uploadId=upload, range=f"bytes 0-{MIB - 1}/*", body=bytes(MIB)
        )
        return upload

    return elsewhere


def ids_at(client):
    found = client.list_multipart_uploads(vaultName="photos")["UploadsList"]
    return sorted(upload["MultipartUploadId"] for upload in found)


# Listed


def test_nothing_left_over_is_said(vault):
    """With an empty table of the same columns and types."""
    found = vault.uploads()
    assert found.rows == []
    assert repr(found) == "No unfinished uploads in photos."
    assert found.table["size"].dtype == "Int64"
    assert str(found.table["created"].dtype).endswith("UTC]")


def test_ours_and_others_are_listed(vault, cut_off, elsewhere, client):
    """With name, state, bytes, age and file; ids are whole in the table and short in the text."""
    path = cut_off()
    other = elsewhere()
    found = vault.uploads()
    table = found.table.set_index("name")
    assert sorted(table["upload_id"]) == ids_at(client)
    ours, theirs = table.loc["large"], table.loc["of another program"]
    assert (ours["state"], ours["path"]) == ("resumable", str(path))
    assert (ours["sent"], ours["size"], ours["part_size"]) == (2 * MIB, 3 * MIB + 100, MIB)
    assert (theirs["state"], theirs["path"]) == ("started elsewhere", "")
    assert (theirs["sent"], theirs["upload_id"]) == (MIB, other)
    assert table["size"].isna()["of another program"]
    text = repr(found)
    assert "2 unfinished uploads, 3 MiB sent" in text
    assert "2 MiB of 3 MiB" in text
    assert other not in text
    assert other[:6] in text
    html = found._repr_mimebundle_()["text/html"]
    assert "of another program" in html


def test_many_pages_are_listed(vault, client):
    """The service tells 50 at a time."""
    for _ in range(55):
        client.initiate_multipart_upload(vaultName="photos", partSize=str(MIB))
    assert len(vault.uploads().rows) == 55


def test_hostile_descriptions_are_shown_as_text(vault, elsewhere):
    """Another program may have written anything there."""
    elsewhere("<script>alert(1)</script>")
    assert "<script>" not in vault.uploads()._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("remove", "its file is gone"),
        ("rewrite", "its file has changed"),
        ("touch", "its file has changed"),
        ("grow", "its file has changed"),
    ],
)
def test_a_file_that_is_not_what_it_was_cannot_go_on(vault, cut_off, client, change, state):
    """The list says why, and going on sends nothing."""
    path = cut_off()
    if change == "remove":
        path.unlink()
    elif change == "touch":
        os.utime(path, (1, 1))
    else:
        path.write_bytes(os.urandom(3 * MIB + 100 + (change == "grow")))
    found = vault.uploads()
    assert [row.state for row in found.rows] == [state]
    with pytest.raises(InputError, match="None of these uploads can be resumed") as caught:
        found.resume()
    assert "abort" in caught.value.cure
    assert len(ids_at(client)) == 1
    assert len(vault.archives()) == 0


def test_a_stream_has_to_be_sent_again_and_the_list_says_so(vault, cut_off):
    """Nobody can read it a second time from here."""
    cut_off("stream:backup.tar")
    found = vault.uploads()
    assert [row.state for row in found.rows] == ["a stream: send it again"]
    assert found.rows[0].name == "backup.tar"
    with pytest.raises(InputError):
        found.resume()


def test_one_that_is_under_way_is_said_to_be(session, vault, elsewhere):
    """And is neither gone on with nor dropped."""
    upload = elsewhere()
    uploads = session.catalogue.uploads
    row = uploads.begin(
        vault="photos",
        path="/x",
        size=3 * MIB,
        mtime_ns=0,
        name="x",
        description="x",
        part_size=MIB,
        owner="another",
    )
    uploads.started(row.id, upload)
    found = vault.uploads()
    assert [row.state for row in found.rows] == ["in progress"]
    with pytest.raises(InputError, match="being uploaded"):
        found.abort([upload])
    with pytest.raises(InputError):
        found.resume()


def test_one_that_ends_while_they_are_listed_is_no_failure(vault, elsewhere, client, calls):
    """Another program completes it between two of our requests."""
    stays, goes = elsewhere(), elsewhere()
    original = calls.of("parts")

    def parts(service, name, upload):
        if upload == goes:
            client.abort_multipart_upload(vaultName=name, uploadId=upload)
        return original(service, name, upload)

    calls.replace("parts", parts)
    assert stays in {row.upload_id for row in vault.uploads().rows}


# Going on


def test_resume_sends_what_is_missing(vault, cut_off, elsewhere, counted, stored, client):
    """All of ours; those of others stay."""
    paths = {name: cut_off(name) for name in ("one", "other")}
    theirs = elsewhere()
    done = vault.uploads().resume()
    assert sorted(done["name"]) == ["one", "other"]
    assert counted["start_upload"] == 0
    assert counted["upload_part"] == 4
    for name, archive in zip(done["name"], done["archive_id"], strict=True):
        assert stored(archive)[0] == paths[name].read_bytes()
    assert ids_at(client) == [theirs]


def test_resume_keeps_to_the_limit_of_the_session(vault, cut_off, counted, monkeypatch):
    """Of four parts two are left, and the completion: three requests of a dollar."""
    configuration_file().parent.mkdir(parents=True, exist_ok=True)
    configuration_file().write_text("[all]\nupload-requests = 1000\n")
    cut_off()
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "2.99")
    for found in (vault.uploads(), vault.desk().leftovers()):
        with pytest.raises(OverBudget, match=r"\$3\.00, over the limit of \$2\.99"):
            found.resume()
    assert (counted["upload_part"], counted["complete_upload"]) == (0, 0)
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "3")
    vault.desk().leftovers().resume()
    assert (counted["upload_part"], counted["complete_upload"]) == (2, 1)


def test_resume_takes_the_beginning_of_an_id(vault, cut_off, client):
    """As the list shows it, with the dots."""
    cut_off("one")
    cut_off("other")
    found = vault.uploads()
    chosen = next(row for row in found.rows if row.name == "other")
    done = found.resume([f"{chosen.upload_id[:12]}…"])
    assert list(done["name"]) == ["other"]
    assert [row.name for row in vault.uploads().rows] == ["one"]


def test_resume_tells_its_progress(vault, cut_off):
    """What was sent before counts from the start."""
    cut_off()
    reports = []
    vault.uploads().resume(progress=reports.append)
    assert reports[-1].finished
    assert reports[-1].done == reports[-1].total == 3 * MIB + 100


# Dropped


def test_abort_drops_only_what_is_named(vault, cut_off, elsewhere, client):
    """By the beginning of its id, ours or another's; the rest is untouched."""
    cut_off()
    theirs = elsewhere()
    done = vault.uploads().abort([theirs[:20]])
    assert list(done["upload_id"]) == [theirs]
    assert list(done["state"]) == ["aborted"]
    (ours,) = ids_at(client)
    vault.uploads().abort([f"id:{ours}"])
    assert ids_at(client) == []


def test_what_was_dropped_begins_anew(vault, cut_off, stored, client, counted):
    """The record of it is worth nothing any more."""
    path = cut_off()
    vault.uploads().abort(ids_at(client))
    archive = vault.upload("large")
    assert counted["upload_part"] == 4
    assert stored(archive.id)[0] == path.read_bytes()


def test_an_id_may_begin_with_a_hyphen(vault, client):
    """One in 64 does."""
    started = []
    while not (started and started[-1].startswith("-")):
        answer = client.initiate_multipart_upload(vaultName="photos", partSize=str(MIB))
        started.append(answer["uploadId"])
        assert len(started) < 3000
    dashed = started.pop()
    assert list(vault.uploads().abort([dashed])["upload_id"]) == [dashed]
    assert dashed not in {row.upload_id for row in vault.uploads().rows}


@pytest.mark.parametrize("words", [[], [""], ["id:"], ["…"]])
def test_abort_without_an_id_drops_nothing(vault, elsewhere, client, words):
    """A slip is not everything."""
    upload = elsewhere()
    with pytest.raises(GlacierError):
        vault.uploads().abort(words)
    assert ids_at(client) == [upload]


def test_an_unknown_id_drops_nothing(vault, elsewhere, client):
    """Not even those that are named beside it."""
    upload = elsewhere()
    with pytest.raises(InputError, match="nowhere"):
        vault.uploads().abort([upload, "nowhere"])
    assert ids_at(client) == [upload]


def test_dropping_what_is_gone_already_is_no_failure(vault, elsewhere, client):
    """Two people clean up at once."""
    upload = elsewhere()
    found = vault.uploads()
    client.abort_multipart_upload(vaultName="photos", uploadId=upload)
    found.abort([upload])
    assert ids_at(client) == []


# Settled


def rows_of(session):
    return session.catalogue.database.rows("SELECT state, archive_id FROM uploads ORDER BY id")


@pytest.mark.each_backend
def test_a_kill_between_acceptance_and_record_leaves_one_archive(
    session, vault, cut_off, counted, stored, archives_in
):
    """The same command repeats Complete, which the service answers with the same archive."""
    path = cut_off(point="completed")
    assert len(vault.archives()) == 0
    archive = vault.upload("large")
    assert counted == {"upload_archive": 0, "upload_part": 0, "complete_upload": 1, "start_upload": 0}
    assert stored(archive.id)[0] == path.read_bytes()
    assert archives_in() == 1


@pytest.mark.each_backend
def test_an_inventory_settles_what_the_service_has_forgotten(
    session, vault, cut_off, later, listed, counted, archives_in
):
    """Nobody answers how it ended, until an inventory lists the archive: then it is done."""
    path = cut_off(point="completed")
    later(days=2)  # the service forgets the upload
    with pytest.raises(IntegrityError, match="interrupted during its completion") as caught:
        vault.upload("large")
    assert "inventory" in caught.value.cure
    assert [row["state"] for row in rows_of(session)] == ["unsettled"]
    with pytest.raises(IntegrityError):
        vault.upload("large")  # still: not sent again on a guess
    table = listed(vault)
    (row,) = rows_of(session)
    assert (row["state"], [row["archive_id"]]) == ("done", list(table["archive_id"]))
    archive = vault.upload("large")
    assert archive.id == row["archive_id"]
    assert archive.tree_hash == tree_hash(path)
    assert counted["upload_part"] == counted["start_upload"] == 0
    assert archives_in() == 1


@pytest.mark.each_backend
def test_an_inventory_settles_what_never_reached_the_vault(
    session, vault, cut_off, later, listed, stored, archives_in, put
):
    """Listed by now if it existed: it failed, and the same command sends it."""
    path = cut_off(point="completing")
    put("another")  # else there would be no inventory
    later(days=5)
    with pytest.raises(IntegrityError):
        vault.upload("large")
    put("yet another")  # so that another inventory is made
    listed(vault)
    assert [row["state"] for row in rows_of(session)] == ["failed"]
    archive = vault.upload("large")
    assert stored(archive.id)[0] == path.read_bytes()
    assert archives_in() == 3


def test_who_does_not_want_to_wait_sends_it_again(session, vault, cut_off, later, stored):
    """With ``again``, at the price of perhaps a second archive."""
    path = cut_off(point="completed")
    later(days=2)
    with pytest.raises(IntegrityError) as caught:
        vault.upload("large")
    assert "--again" in caught.value.cure
    archive = vault.upload("large", again=True)
    assert stored(archive.id)[0] == path.read_bytes()


def test_an_upload_that_the_service_dropped_begins_anew(session, vault, cut_off, later, stored, archives_in):
    """After a day without a part; nothing else than the sending was lost."""
    path = cut_off()
    later(days=2)
    assert vault.uploads().rows == []
    archive = vault.upload("large")
    assert stored(archive.id)[0] == path.read_bytes()
    assert archives_in() == 1


def test_a_vault_that_is_gone_is_said(session, small_parts):
    """Like with any other verb."""
    with pytest.raises(NotFound):
        session.vault("absent").uploads()


@pytest.mark.limits(workers=1)
def test_two_commands_at_once_do_not_mix_their_parts(session, connect, vault, cut_off, calls):
    """While one process resumes it, the other is refused."""
    cut_off()
    original, refusals = calls.of("upload_part"), []

    def upload_part(*arguments):
        if not refusals:
            with pytest.raises(LocalError, match="another process") as caught:
                connect().vault("photos").upload("large")
            refusals.append(caught.value)
        return original(*arguments)

    calls.replace("upload_part", upload_part)
    vault.upload("large")
    assert len(refusals) == 1
    assert "half a minute" in refusals[0].cure
