"""What is sent to the service and fetched from it, and archives of several pieces."""

import pytest

MIB = 1 << 20


@pytest.fixture
def begun(client):
    """The ids of the multipart uploads that the service has of the vault."""

    def begun():
        found = client.list_multipart_uploads(vaultName="photos")["UploadsList"]
        return [upload["MultipartUploadId"] for upload in found]

    return begun


@pytest.fixture
def starts(calls):
    """The first bytes of the parts that were sent from here."""
    return calls.noted("upload_part", 2)


@pytest.fixture
def fetched(calls):
    """The first bytes of all ranges of output that were fetched from here."""
    return calls.noted("open_output", 2)


@pytest.fixture
def large(vault, files, small_parts):
    """A vault with an archive of five pieces and a bit; the file itself is ``original``."""
    path = files("large", 5 * MIB + 100)
    vault.upload("large")
    path.rename(path.with_name("original"))
    return vault
