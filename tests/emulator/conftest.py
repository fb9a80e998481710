"""One emulator for all these tests; each test has a vault of its own and moves the clock itself."""

import hashlib
import http.client
import itertools
import json

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from glacier_magic.base.treehash import tree_hash
from glacier_magic.emulator import ACCESS_KEY, SECRET_KEY
from glacier_magic.emulator.testing import glacier_emulator  # noqa: F401 - registers or tests for it

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def emulator(glacier_emulator):  # noqa: F811 - the fixture of the same name
    return glacier_emulator


@pytest.fixture(scope="session")
def client(emulator):
    return emulator.client()


@pytest.fixture
def vault(client):
    name = f"vault-{next(_numbers)}"
    client.create_vault(vaultName=name)
    return name


@pytest.fixture
def fault(emulator):
    """Set a fault; all are removed at the end."""
    yield emulator.fault
    emulator.clear_faults()


@pytest.fixture(scope="session")
def refused():
    """Call and return (code, status, message) of the error answer, which must come."""

    def refused(call, **parameters):
        with pytest.raises(ClientError) as caught:
            call(**parameters)
        answer = caught.value.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return answer["Error"]["Code"], status, answer["Error"]["Message"]

    return refused


class Answer:
    """An HTTP answer as it came over the wire."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


@pytest.fixture(scope="session")
def sign(emulator):
    """Return the signed headers of a request; one of None is left out."""

    def sign(method, path, headers=None, body=b"", region="us-east-1"):
        given = {"x-amz-glacier-version": "2012-06-01"} | (headers or {})
        given = {name: value for name, value in given.items() if value is not None}
        request = AWSRequest(method=method, url=emulator.url + path, data=body, headers=given)
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "glacier", region).add_auth(request)
        return dict(request.headers.items()) | {"Host": emulator.url.removeprefix("http://")}

    return sign


@pytest.fixture(scope="session")
def raw(emulator, sign):
    """Send a signed request of the test's own making."""

    def raw(method, path, headers=None, body=b""):
        connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=30)
        try:
            connection.request(method, path, body, sign(method, path, headers, body))
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return raw


@pytest.fixture(scope="session")
def hashes():
    """Return the two hash headers of a payload."""

    def hashes(data):
        return {
            "x-amz-content-sha256": hashlib.sha256(data).hexdigest(),
            "x-amz-sha256-tree-hash": tree_hash(data),
        }

    return hashes


@pytest.fixture(scope="session")
def retrieve(client, emulator):
    """Start a job, let its time pass and return its id."""

    def retrieve(vault, **parameters):
        parameters = {"Type": "archive-retrieval"} | parameters
        job = client.initiate_job(vaultName=vault, jobParameters=parameters)["jobId"]
        emulator.advance(hours=4)
        return job

    return retrieve


@pytest.fixture(scope="session")
def multipart(client):
    """Upload data in parts of 1 MiB and complete it; return the archive id."""

    def multipart(vault, data, part=1 << 20):
        started = client.initiate_multipart_upload(vaultName=vault, partSize=str(part))
        key = {"vaultName": vault, "uploadId": started["uploadId"]}
        for at in range(0, len(data), part):
            piece = data[at : at + part]
            where = f"bytes {at}-{at + len(piece) - 1}/*"
            client.upload_multipart_part(**key, range=where, body=piece)
        done = client.complete_multipart_upload(**key, archiveSize=str(len(data)), checksum=tree_hash(data))
        return done["archiveId"]

    return multipart
