"""Streams of unknown length: every byte, in bounded memory, gone on with when sent again."""

import io
import os
import threading

import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import GlacierError, InputError, LocalError, NotFound
from glacier_magic.transfer.budget import Stopped
from tests.finishing import finish

MIB = 1 << 20
PATIENCE = 30.0


def all_memory_is_back(session):
    """Whether nothing of the session's memory for parts is lent any more."""
    stop, buffers = threading.Event(), session.engine.buffers
    stop.set()
    try:
        buffers.give_back(buffers.take(buffers.limit, stop))
    except Stopped:
        return False
    return True


# Sizes


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 17])
def test_a_stream_of_any_size_is_stored(session, vault, stored, small_parts, begun, size):
    """Below a part, exactly parts, and something over."""
    content = os.urandom(size)
    archive = vault.upload_stream(io.BytesIO(content), "backup.tar")
    assert stored(archive.id)[0] == content
    assert (archive.name, archive.size) == ("backup.tar", size)
    assert archive.tree_hash == tree_hash(content)
    assert vault.archives().iloc[0]["size"] == size
    assert begun() == []
    assert all_memory_is_back(session)


def test_an_empty_stream_is_refused(session, vault, small_parts, begun, counted, archives_in):
    """The service stores none, and nothing is begun."""
    with pytest.raises(InputError, match="empty"):
        vault.upload_stream(io.BytesIO(), "backup.tar")
    assert set(counted.values()) == {0}
    assert begun() == []
    assert len(vault.archives()) == 0
    assert all_memory_is_back(session)


@pytest.mark.parametrize("size", [1000, 2 * MIB, 2 * MIB + 333])
def test_a_pipe_that_gives_small_pieces_is_read_to_its_end(vault, stored, small_parts, size):
    """A short read is no end."""
    content = os.urandom(size)
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb") as pipe:  # buffered: a raw file may write less than it is given
            for start in range(0, size, 30_011):
                pipe.write(content[start : start + 30_011])
                pipe.flush()

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        archive = vault.upload_stream(pipe, "pipe")
    writer.join()
    assert stored(archive.id)[0] == content


def test_a_stream_that_has_nothing_yet_is_not_at_its_end(vault, stored, small_parts):
    """What does not block gives None; that is waited for or refused, never taken for the end."""

    class Hesitant(io.RawIOBase):
        def __init__(self):
            self.pieces = [b"first", None, None, b"second", b""]

        def readable(self):
            return True

        def read(self, size=-1):
            return self.pieces.pop(0) if self.pieces else b""

    try:
        archive = vault.upload_stream(Hesitant(), "hesitant")
    except GlacierError:
        assert len(vault.archives()) == 0
    else:
        assert stored(archive.id)[0] == b"firstsecond"


def test_a_stream_of_text_is_refused(vault, small_parts):
    """Bytes are stored, not characters."""
    with pytest.raises(InputError):
        vault.upload_stream(io.StringIO("text"), "text")


def test_the_part_size_can_be_chosen(vault, stored, small_parts, starts):
    """And must be one that the service takes."""
    content = os.urandom(5 * MIB)
    archive = vault.upload_stream(io.BytesIO(content), "x", part_size=2 * MIB)
    assert sorted(starts) == [0, 2 * MIB, 4 * MIB]
    assert stored(archive.id)[0] == content
    with pytest.raises(InputError):
        vault.upload_stream(io.BytesIO(content), "x", part_size=3 * MIB)


def test_a_description_takes_the_place_of_the_name(vault, stored, small_parts):
    """As with a file."""
    archive = vault.upload_stream(io.BytesIO(b"x"), "x", description="of another program")
    assert stored(archive.id) == (b"x", "of another program")


def test_memory_is_bounded_whatever_comes(session, vault, small_parts, calls):
    """A stream that is quicker than the line waits."""
    most, buffers = [], session.engine.buffers
    buffers.limit = 3 * MIB
    calls.watch("upload_part", lambda *_: most.append(buffers._lent))
    vault.upload_stream(io.BytesIO(os.urandom(10 * MIB)), "large")
    assert max(most) <= 3 * MIB


def test_a_stream_of_a_vault_that_does_not_exist_is_not_read(session, small_parts):
    """What was piped into it could not be read again."""
    stream = io.BytesIO(b"content")
    with pytest.raises(NotFound):
        session.vault("absent").upload_stream(stream, "x")
    assert stream.tell() == 0


# Streams that fail


class Broken(io.RawIOBase):
    """A stream that cannot be read any more after some bytes."""

    def __init__(self, content):
        self._content = io.BytesIO(content)

    def readable(self):
        return True

    def read(self, size=-1):
        data = self._content.read(size)
        if not data:
            raise OSError(5, "Input/output error")
        return data


@pytest.mark.parametrize("size", [1000, 3 * MIB + 1000])
def test_a_stream_that_breaks_is_not_stored(session, vault, small_parts, archives_in, size):
    """With an error of ours that says why; no half of it becomes an archive."""
    with pytest.raises(LocalError, match="Input/output error"):
        vault.upload_stream(Broken(os.urandom(size)), "broken")
    assert archives_in() == 0


@pytest.mark.parametrize("size", [1000, 3 * MIB + 1000])
def test_a_stream_that_breaks_uses_up_no_memory(session, vault, small_parts, size):
    """Else the third one of a session would wait for ever."""
    with pytest.raises(Exception, match="Input/output error"):
        vault.upload_stream(Broken(os.urandom(size)), "broken")
    assert all_memory_is_back(session)


@pytest.mark.parametrize("operation", ["start_upload", "upload_part", "complete_upload"])
def test_a_refused_stream_uses_up_no_memory(session, vault, small_parts, calls, operation):
    """Wherever the service says no."""

    def refuse(*_):
        raise NotFound("Vault not found")

    calls.replace(operation, refuse)
    with pytest.raises(GlacierError):
        vault.upload_stream(io.BytesIO(os.urandom(3 * MIB)), "x")
    finish("glacier-upload")
    assert all_memory_is_back(session)


def test_a_stream_that_another_process_sends_is_refused(session, vault, small_parts, client):
    """Its parts would be mixed with ours; no memory stays behind."""
    started = client.initiate_multipart_upload(vaultName="photos", partSize=str(MIB), archiveDescription="x")
    uploads = session.catalogue.uploads
    row = uploads.begin(
        vault="photos",
        path="stream:x",
        size=-1,
        mtime_ns=0,
        name="x",
        description="x",
        part_size=MIB,
        owner="another",
    )
    uploads.started(row.id, started["uploadId"])
    with pytest.raises(LocalError, match="another process"):
        vault.upload_stream(io.BytesIO(os.urandom(2 * MIB)), "x", description="x")
    assert all_memory_is_back(session)


# Going on

STREAMER = """
    from glacier_magic.service import Service
    folder, region, catalogue, point = sys.argv[1:]
    if point == "parts":
        stop_at("before", Service, "upload_part", 4)
    else:
        stop_at("before" if point == "all parts" else "after", Service, "complete_upload")
    session = connect(folder, region, catalogue, stream_part=1 << 20, workers=1)
    with open("stream", "rb") as stream:
        session.vault("photos").upload_stream(stream, "backup.tar")
"""


@pytest.fixture
def killed(emulator, region, session, vault, files, child, small_parts, session_place):
    """Send a stream of five parts and a bit from a process that is killed; return its bytes."""

    def killed(point):
        content = files("stream", 5 * MIB + 100).read_bytes()
        child(STREAMER, emulator.folder, region, session_place, point).kill_when_stopped()
        return content

    return killed


@pytest.mark.parametrize("point", ["parts", "all parts", "completed"])
def test_the_same_stream_again_after_a_kill_is_one_archive(
    vault, killed, starts, begun, stored, archives_in, point
):
    """It is sent whole, for a pipe may give something else; there is one archive in the end."""
    content = killed(point)
    archive = vault.upload_stream(io.BytesIO(content), "backup.tar")
    assert stored(archive.id)[0] == content
    assert begun() == []
    assert archives_in() == 1
    assert sorted(starts) == [n * MIB for n in range(6)]


@pytest.mark.parametrize("size", [MIB // 2, 2 * MIB, 5 * MIB + 100, 7 * MIB])
def test_another_stream_of_the_same_name_is_stored_as_it_is(vault, killed, stored, size):
    """Shorter, as long or longer: parts of the one before are no part of it."""
    killed("parts")
    content = os.urandom(size)
    archive = vault.upload_stream(io.BytesIO(content), "backup.tar")
    assert stored(archive.id)[0] == content


def test_a_stream_that_begins_like_the_one_before_may_be_shorter(vault, killed, starts, stored):
    """The service has parts beyond its end; they must not keep it from being stored."""
    content = killed("all parts")[: 2 * MIB]
    archive = vault.upload_stream(io.BytesIO(content), "backup.tar")
    assert stored(archive.id)[0] == content


def test_progress_counts_what_has_come(vault, small_parts):
    """The whole is not known before the end, and nothing falls over that."""
    reports = []
    vault.upload_stream(io.BytesIO(os.urandom(3 * MIB + 5)), "x", progress=reports.append)
    assert reports[-1].finished
    assert reports[-1].done == 3 * MIB + 5
    assert all(str(report) for report in reports)


class Slow(io.RawIOBase):
    """A non-blocking stream that cannot be waited for, as it has no descriptor."""

    def __init__(self, *pieces):
        self._pieces = [*pieces]

    def read(self, most=-1):
        return self._pieces.pop(0) if self._pieces else b""


class Bare:
    """Such a stream that is no file at all."""

    def __init__(self, *pieces):
        self.read = Slow(*pieces).read


@pytest.mark.parametrize("kind", [Slow, Bare])
def test_a_stream_without_a_descriptor_may_have_no_data_yet(vault, stored, kind):
    """It is asked again a little later."""
    archive = vault.upload_stream(kind(None, b"one", None, b"two"), "stream")
    assert stored(archive.id)[0] == b"onetwo"
