"""Our calls to S3 on two servers: the emulator, and ministack as a second opinion, where that is installed.

ministack needs an environment of its own (``pip install ministack``); GLACIER_MAGIC_MINISTACK names its
program. What it does otherwise than S3 is left out here: it has CRC-64/NVME of parts only, takes the SHA-256
of a completion only with the number of the parts (S3 without it, too), and its lists do not tell restores.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace

import pytest

from glacier_magic.base.bucket_names import ObjectId
from glacier_magic.base.crc import Crc64Nvme
from glacier_magic.errors import IntegrityError, Refused
from glacier_magic.service import Connection, open_service
from glacier_magic.service.bodies import MemoryBody
from glacier_magic.service.object_store import (
    CRC64NVME,
    EXISTS,
    NO_UPLOAD,
    ObjectStore,
    ObjectToWrite,
    SentPart,
)
from glacier_magic.transfer.migrate.part_checks import combined, composite

MIB = 1 << 20
BUCKET, OWNER = "second-opinion", "000000000000"
PROGRAM = os.environ.get("GLACIER_MAGIC_MINISTACK") or shutil.which("ministack")
PARTS = (b"a" * 5 * MIB, b"bc")


@pytest.fixture(scope="module")
def ministack(tmp_path_factory):
    """The address of a server that ends with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("ministack")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([PROGRAM], env=env, cwd=folder, stdout=log, stderr=log)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            with suppress(OSError), urllib.request.urlopen(url, timeout=5):
                break
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "ministack does not answer"
            time.sleep(0.1)
        yield url
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module", params=["emulator", *(["ministack"] if PROGRAM else [])])
def service(request):
    """The calls to a server that has a bucket with versions."""
    server = request.getfixturevalue(request.param)
    url = server if request.param == "ministack" else server.url
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "emulator")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setenv(name, value)
        service = open_service(Connection(endpoint_url=url, region="us-east-1"))
        store = ObjectStore(service, "us-east-1", attempts=5)
        store.create_bucket(BUCKET)
        versions = {"Bucket": BUCKET, "VersioningConfiguration": {"Status": "Enabled"}}
        store._client.put_bucket_versioning(**versions)
        service.owner = OWNER if request.param == "ministack" else server.account
        yield service


@pytest.fixture
def store(service):
    return ObjectStore(service, "us-east-1")


@pytest.fixture
def new(service, request):
    """An object of this test."""
    key = f"in/{request.node.originalname} é+%.tif"
    return ObjectToWrite(
        bucket=BUCKET, key=key, owner=service.owner, storage_class="GLACIER", metadata={"gm-vault": "photos"}
    )


def sent(store, new, *, crc):
    """Send the parts of an object; return the id of the upload, the parts, and the checksum of the whole."""
    upload, parts, checks = store.start(new), [], []
    for number, data in enumerate(PARTS, 1):
        check = Crc64Nvme()
        check.update(data)
        digest = check.digest() if crc else hashlib.sha256(data).digest()
        checks.append((len(data), b64encode(digest).decode()))
        etag = store.send(new, upload, number, MemoryBody(data), checks[-1][1])
        parts.append(SentPart(size=len(data), checksum=checks[-1][1], etag=etag))
    return upload, parts, combined(checks) if crc else composite([each for _, each in checks])


def test_an_object_of_one_request_is_written_once(store, new):
    """With its class, metadata and checksum, and never over another one."""
    assert (store.stored(new), store.head(new)) == (None, None)
    etag, version = store.put(new, MemoryBody(b"data"))
    found = store.stored(new)
    assert (found.size, found.etag, found.version, found.storage_class) == (4, etag, version, "GLACIER")
    assert found.checksum == b64encode(hashlib.sha256(b"data").digest()).decode()
    record, labels = store.head(new)
    assert (record.size, labels) == (4, {"gm-vault": "photos"})
    with pytest.raises(Refused) as refused:
        store.put(new, MemoryBody(b"other"))
    assert refused.value.code == EXISTS
    assert (new.key, 4) in list(store.keys(BUCKET, "in/", new.owner))
    assert store.settings(BUCKET, new.owner).versioning


def test_other_bytes_than_the_checksum_are_refused(store, new):
    """Nothing is stored."""
    other = b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(IntegrityError):
        store.put(new, MemoryBody(b"data"), other)
    assert store.stored(new) is None


@pytest.mark.parametrize("crc", [False, True])
def test_an_object_in_parts_is_completed_once(service, store, new, crc):
    """With the checksum of its parts, or of all bytes; an upload that is gone is named as such."""
    if crc and service.owner == OWNER:
        pytest.skip("ministack has no CRC-64/NVME of all bytes")
    new = replace(new, key=f"{new.key}-{crc}", **({"algorithm": CRC64NVME} if crc else {}))
    upload, parts, whole = sent(store, new, crc=crc)
    assert [upload_id for upload_id, _, _ in store.uploads(new)] == [upload]
    assert store.parts(new, upload) == {1: parts[0], 2: parts[1]}
    etag, version = store.complete(new, upload, parts, whole)
    found = store.stored(new)
    assert (found.size, found.checksum, found.etag) == (5 * MIB + 2, whole, etag)
    assert found.version == version
    second, parts, whole = sent(store, new, crc=crc)
    with pytest.raises(Refused) as refused:
        store.complete(new, second, parts, whole)
    assert refused.value.code == EXISTS
    store.abort(new, second)
    store.abort(new, second)
    with pytest.raises(Refused) as gone:
        store.parts(new, second)
    assert gone.value.code == NO_UPLOAD


def test_a_restored_object_is_read(service, store, new):
    """As from a bucket in the place of a vault: listed, asked for once, and read where that is possible."""
    etag, version = store.put(new, MemoryBody(b"0123456789"))
    place, plain = f"s3://{BUCKET}/in", replace(new, key=f"{new.key}-now", storage_class="STANDARD")
    tag, _ = store.put(plain, MemoryBody(b"0123456789"))
    ids = {entry.id.key: entry.id for entry in service.buckets.entries(place)}
    assert ids[new.key] == ObjectId("GLACIER", etag, new.key)
    rows = {row["name"]: row for row in service.buckets.versions(place)}
    name = new.key.removeprefix("in/")
    assert (rows[name]["version_id"], rows[name]["latest"], rows[name]["deleted"]) == (version, True, False)
    with service.buckets.open(place, ObjectId("STANDARD", tag, plain.key).text, 2, 3) as output:
        buffer = bytearray(3)
        assert (output.readinto(memoryview(buffer)), bytes(buffer)) == (3, b"234")
    archived = ids[new.key].text
    with pytest.raises(Exception, match="restored"):
        service.buckets.open(place, archived, 0, 1)
    assert service.buckets.restore(place, archived, "Standard", 2) == archived
    assert service.buckets.restore(place, archived, "Standard", 2) == archived  # runs already
    record = service.buckets.record(place, archived)
    assert (record.entry.size, record.algorithm, record.entry.restoring) == (10, "SHA256", True)
