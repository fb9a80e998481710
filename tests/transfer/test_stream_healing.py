"""Streams whose earlier upload lapsed, was aborted or was not completed: one archive, once told."""

import collections
import io
import os

import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import AccessDenied, GlacierError, IntegrityError, NotFound, Unavailable

MIB = 1 << 20
SIZE = 3 * MIB


@pytest.fixture
def sent(session):
    """Count the requests of the session by operation, each repetition by botocore included."""
    counts = collections.Counter()

    def count(request, event_name, **_):
        counts[event_name.rpartition(".")[2]] += 1

    for client in (session.service._patient, session.service._once):
        client.meta.events.register("before-send.glacier", count)
    return counts


class Watched(io.BytesIO):
    """Calls *hook* once when *at* bytes were read, or at the end of the stream."""

    def __init__(self, content, hook, at):
        super().__init__(content)
        self.hook, self.at = hook, at

    def read(self, size=-1):
        data = super().read(size)
        if self.hook is not None and (not data if self.at is None else self.tell() >= self.at):
            hook, self.hook = self.hook, None
            hook()
        return data


@pytest.fixture
def store(vault, small_parts, one_at_a_time):
    """Store bytes as a stream, in parts of 1 MiB that go one after the other."""

    def store(content, hook=None, at=None, **options):
        return vault.upload_stream(Watched(content, hook, at), "backup.tar", **options)

    return store


@pytest.fixture
def rows(session):
    """The states of the uploads in the catalogue, oldest first."""

    def rows():
        found = session.catalogue.database.rows("SELECT state, owner FROM uploads ORDER BY id")
        assert not any(row["owner"] for row in found)
        return [row["state"] for row in found]

    return rows


@pytest.fixture
def abort_all(client, begun):
    """Abort what the service has, as a second client does."""

    def abort_all():
        for upload_id in begun():
            client.abort_multipart_upload(vaultName="photos", uploadId=upload_id)

    return abort_all


@pytest.fixture
def fault(emulator, quick):
    """Let the emulator fail; forgotten at the end."""
    yield emulator.fault
    emulator.clear_faults()


def broken():
    raise OSError(5, "Input/output error")


# Cut off while it was sent


@pytest.mark.parametrize("end", ["lapsed", "aborted", "kept"])
def test_what_was_sent_before_does_not_matter(store, rows, sent, begun, abort_all, later, archives_in, end):
    """Stored once, reported as stored, whatever the service did with the parts of before."""
    content = os.urandom(SIZE)
    for _ in range(2):
        with pytest.raises(GlacierError, match="Input/output error"):
            store(content, broken, at=2 * MIB)
        if end == "aborted":
            abort_all()
    later(hours=25 if end == "lapsed" else 1)
    sent.clear()
    archive = store(content)
    assert archive.tree_hash == tree_hash(content)
    assert (sent["InitiateMultipartUpload"], sent["CompleteMultipartUpload"]) == (1, 1)
    assert sent["UploadArchive"] == 0
    assert rows()[-1] == "done"
    assert set(rows()[:-1]) == {"aborted" if end != "lapsed" else "failed"}
    assert begun() == []
    assert archives_in() == 1


@pytest.mark.parametrize("at", [2 * MIB, None])
def test_an_abort_by_a_second_client_fails_once_and_says_what_to_do(
    store, rows, sent, abort_all, archives_in, at
):
    """Between two parts, or before the completion; what was read cannot be read again."""
    content = os.urandom(SIZE)
    for _ in range(2):
        with pytest.raises(NotFound, match="sent again from its beginning") as raised:
            store(content, abort_all, at=at)
        assert raised.value.exit_code == 7
    assert rows() == ["failed", "failed"]
    assert store(content).tree_hash == tree_hash(content)
    assert rows() == ["failed", "failed", "done"]
    assert sent["InitiateMultipartUpload"] == 3
    assert archives_in() == 1


def test_a_cut_off_upload_that_cannot_be_dropped_is_no_failure(store, rows, sent, fault, archives_in):
    """The stream is stored; its parts of before are dropped by the next one."""
    content = os.urandom(SIZE)
    with pytest.raises(GlacierError, match="Input/output error"):
        store(content, broken, at=2 * MIB)
    fault("access-denied", "AbortMultipartUpload", times=1)
    assert store(content).tree_hash == tree_hash(content)
    assert rows() == ["sending", "done"]
    store(os.urandom(SIZE))
    assert rows() == ["aborted", "done", "done"]
    assert archives_in() == 2


def test_another_stream_of_the_name_that_is_still_sent_is_left_alone(store, begun, archives_in):
    """Under another description it is another archive."""
    inner = os.urandom(SIZE)
    store(os.urandom(SIZE), lambda: store(inner, description="y"), at=2 * MIB, description="x")
    assert begun() == []
    assert archives_in() == 2


# Not completed


def spoil(client, begun, start, content):
    """Send a part of our upload as a second client does."""
    [upload_id] = begun()
    client.upload_multipart_part(
        vaultName="photos",
        uploadId=upload_id,
        range=f"bytes {start}-{start + len(content) - 1}/*",
        body=content,
    )


@pytest.mark.parametrize("start", [0, 8 * MIB])
def test_a_refused_completion_does_not_block_the_name(store, rows, sent, begun, client, archives_in, start):
    """Parts that are not ours: refused for ever; the same stream is begun again."""
    content = os.urandom(SIZE)
    with pytest.raises(GlacierError, match="sent again from its beginning"):
        store(content, lambda: spoil(client, begun, start, bytes(MIB)))
    assert rows() == ["completing"]
    sent.clear()
    assert store(content).tree_hash == tree_hash(content)
    assert sent["InitiateMultipartUpload"] == 1
    assert rows() == ["aborted", "done"]
    assert begun() == []
    assert archives_in() == 1


def test_a_completion_that_is_not_permitted_goes_on_when_it_is(store, rows, sent, fault, begun, archives_in):
    """The parts of before are completed; the stream that is sent again is the same archive."""
    content = os.urandom(SIZE)
    for _ in range(2):
        fault("access-denied", "CompleteMultipartUpload", times=1)
        with pytest.raises(AccessDenied, match=r"policy. A stream has to be sent again"):
            store(content)
    assert rows()[0] == "completing"
    archive = store(content)
    assert archive.tree_hash == tree_hash(content)
    assert store(content).id == archive.id
    assert rows().count("done") == 1
    assert sent["CompleteMultipartUpload"] == 3
    assert begun() == []
    assert archives_in() == 1


# Completed, and the answer lost


@pytest.fixture
def lost(store, fault, emulator):
    """Store a stream whose completion takes place, but is never answered."""

    def lost(content):
        fault("reset-after", "CompleteMultipartUpload", times=10_000)
        with pytest.raises(Unavailable, match="sent again from its beginning"):
            store(content)
        emulator.clear_faults()

    return lost


@pytest.mark.parametrize("size", [SIZE, 1000])
def test_a_lost_answer_is_asked_for_again(store, fault, sent, begun, rows, archives_in, size):
    """Within a command: one archive, of a small stream, too."""
    content = os.urandom(size)
    fault("reset-after", "CompleteMultipartUpload", times=2)
    fault("reset-after", "UploadArchive", times=2)
    store(content)
    assert sent["CompleteMultipartUpload"] == 3
    assert sent["InitiateMultipartUpload"] == 1
    assert rows() == ["done"]
    assert archives_in() == 1


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_is_looked_up_by_the_next_command(store, lost, rows, sent, begun, archives_in, times):
    """The archive of before is found without a byte; the stream is compared with it."""
    content = os.urandom(SIZE)
    lost(content)
    sent.clear()
    found = {store(content).id for _ in range(times)}
    assert len(found) == 1
    assert sent["CompleteMultipartUpload"] == 1
    assert rows() == ["done"] + ["aborted"] * times
    assert begun() == []
    assert archives_in() == 1


def test_a_completion_that_nobody_remembers_is_not_repeated(
    session, vault, store, lost, rows, later, begun, listed, archives_in
):
    """After a day the inventory tells how it ended; until then the same bytes are not stored."""
    content = os.urandom(SIZE)
    lost(content)
    later(hours=25)
    for _ in range(2):
        with pytest.raises(IntegrityError, match=r"settles it; --again") as raised:
            store(content)
        assert raised.value.exit_code == 5
    assert rows() == ["unsettled", "aborted", "aborted"]
    assert begun() == []
    other = os.urandom(SIZE)
    assert store(other).tree_hash == tree_hash(other)
    assert archives_in() == 2
    listed(vault)
    assert store(content).tree_hash == tree_hash(content)
    assert rows()[0] == "done"
    assert archives_in() == 2


def test_again_stores_it_without_waiting_for_the_inventory(store, lost, rows, later, archives_in):
    """The user was told that there may be two."""
    content = os.urandom(SIZE)
    lost(content)
    later(hours=25)
    archive = store(content, again=True)
    assert store(content).id == archive.id
    assert rows() == ["unsettled", "done", "aborted"]
    assert archives_in() == 2


# Stored


def test_a_stream_that_is_stored_is_not_stored_again(session, vault, store, archives_in):
    """As a file that has not changed; --again does, and so does the deletion of the archive."""
    content = os.urandom(SIZE)
    archive = store(content)
    assert store(content).id == archive.id
    assert store(content, description="another").id != archive.id
    assert store(content, again=True).id != archive.id
    assert archives_in() == 3
    vault.delete("*").run(confirm="photos")
    assert store(content).tree_hash == tree_hash(content)
    assert archives_in() == 1
