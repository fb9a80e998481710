"""``... | glacier-magic upload --stdin``: exit codes and words when an earlier one was cut off."""

import io
import os
from types import SimpleNamespace

import pytest

from glacier_magic.errors import InputError

MIB = 1 << 20

pytestmark = pytest.mark.limits(stream_part=MIB)


class Pipe(io.BytesIO):
    """Calls *hook* when half was read."""

    def __init__(self, content, hook):
        super().__init__(content)
        self.hook = hook

    def read(self, size=-1):
        data = super().read(size)
        if self.hook is not None and self.tell() >= len(self.getvalue()) // 2:
            hook, self.hook = self.hook, None
            hook()
        return data


@pytest.fixture
def pipe(main):
    """Pipe bytes into the command; return its exit code."""
    main.ok("create", "photos")
    main.ok("use", "photos")

    def pipe(content, *words, hook=None):
        main.type(SimpleNamespace(buffer=Pipe(content, hook)))
        return main("upload", "--stdin", "--name", "backup.tar", *words)

    return pipe


def test_a_lapsed_upload_is_no_failure_of_the_next(main, pipe, later, archives_in):
    """Code 9 and what to do, then 0, and 0 again with a note that nothing was stored twice."""

    def broken():
        raise OSError(5, "Input/output error")

    content = os.urandom(4 * MIB)
    assert pipe(content, hook=broken) == 9
    assert "A stream has to be sent again from its beginning" in main.err
    later(hours=25)
    assert pipe(content) == 0
    assert "stored before" not in main.err
    assert pipe(content) == 0
    assert "--again stores them once more" in main.err
    assert archives_in() == 1
    assert pipe(content, "--again") == 0
    assert "stored before" not in main.err
    assert archives_in() == 2


def test_an_upload_that_was_aborted_elsewhere_is_to_be_sent_again(main, pipe, client, archives_in):
    """Code 7: what was read from the pipe is gone."""

    def abort():
        [upload] = client.list_multipart_uploads(vaultName="photos")["UploadsList"]
        client.abort_multipart_upload(vaultName="photos", uploadId=upload["MultipartUploadId"])

    content = os.urandom(4 * MIB)
    assert pipe(content, hook=abort) == 7
    assert "aborted, or no part arrived for 24 hours" in main.err
    assert "A stream has to be sent again from its beginning" in main.err
    assert pipe(content) == 0
    assert archives_in() == 1


def test_a_file_has_a_name_of_its_own(main, pipe, tmp_path):
    """Storing it under that one would be a surprise for 90 days."""
    (tmp_path / "scan.tif").write_bytes(b"scan")
    assert main("upload", str(tmp_path / "scan.tif"), "--name", "other.tif") == InputError.exit_code
    assert "names standard input" in main.err
    assert main.ok("ls", "-q") == ""
