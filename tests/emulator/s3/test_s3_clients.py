"""How requests arrive: signatures, payload hashes, trailers over TLS, hosts, and the AWS CLI."""

import datetime
import hashlib
import http.client
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import threading

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from glacier_magic.emulator import ACCESS_KEY, SECRET_KEY
from glacier_magic.emulator.testing import running

MIB = 1 << 20


@pytest.fixture
def raw_s3(emulator):
    """Send a request of the test's own making; return the status, the body and the headers."""

    def raw_s3(method, path, body=b"", headers=None, *, signed=True, secret=SECRET_KEY, host=None):
        address = emulator.url.removeprefix("http://")
        request = AWSRequest(method=method, url=emulator.url + path, data=body, headers=headers or {})
        request.headers["Host"] = host or address
        if signed:
            signer = S3SigV4Auth(Credentials(ACCESS_KEY, secret), "s3", "us-east-1")
            digest = (headers or {}).get("X-Amz-Content-SHA256", hashlib.sha256(body).hexdigest())
            signer.payload = lambda _: digest
            signer.add_auth(request)
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            connection.request(method, path, body, dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    return raw_s3


def test_unsigned_and_wrongly_signed_requests_are_refused(raw_s3, bucket, s3):
    """Reading and writing alike."""
    path = f"/{bucket}/key"
    for method in ("GET", "PUT"):
        status, body, headers = raw_s3(method, path, b"", signed=False)
        assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)
        assert headers["Content-Type"] == "application/xml"
        status, body, _ = raw_s3(method, path, b"", secret="wrong")
        assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_the_body_is_compared_with_its_signed_hash(raw_s3, bucket, s3):
    """A body that was changed on the way stores nothing; an unsigned payload is taken as it is."""
    path, other = f"/{bucket}/key", hashlib.sha256(b"other").hexdigest()
    status, body, _ = raw_s3("PUT", path, b"data", {"X-Amz-Content-SHA256": other})
    assert (status, b"<Code>XAmzContentSHA256Mismatch</Code>" in body) == (400, True)
    assert raw_s3("PUT", path, b"data", {"X-Amz-Content-SHA256": "x"})[0] == 400
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert raw_s3("PUT", path, b"data", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})[0] == 200
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"data"


@pytest.mark.parametrize("host", ["{}.localhost:80", "{}.s3.us-east-1.amazonaws.com"])
def test_the_bucket_may_be_in_the_host(raw_s3, bucket, s3, host):
    """Virtual-host style."""
    assert raw_s3("PUT", "/a/key", b"data", host=host.format(bucket))[0] == 200
    assert s3.get_object(Bucket=bucket, Key="a/key")["Body"].read() == b"data"


def test_documents_are_read_with_care(raw_s3, bucket):
    """No entity is expanded, and what is no XML is refused."""
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><RestoreRequest><Days>&b;</Days></RestoreRequest>'
    for body in (bomb, b"<a>", b"", b"<Delete/>"):
        status, text, _ = raw_s3("PUT", f"/{bucket}?lifecycle", body)
        assert (status, b"<Code>MalformedXML</Code>" in text) == (400, True)


def chunked(data, trailer, size=7):
    """Return a body in chunks with a trailer, as SDKs send it."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    text = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return text + b"0\r\n" + trailer + b"\r\n\r\n"


@pytest.mark.parametrize(("checksum", "status"), [(b"NhCmhg==", 200), (b"AAAAAA==", 400), (b"x", 400)])
def test_a_checksum_may_follow_the_body(raw_s3, bucket, s3, checksum, status):
    """In ``aws-chunked`` with the length of the whole; the connection stays usable."""
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X-Amz-Decoded-Content-Length": "5",
        "X-Amz-Trailer": "x-amz-checksum-crc32",
        "Content-Encoding": "aws-chunked",
    }
    body = chunked(b"hello", b"x-amz-checksum-crc32:" + checksum, 2)
    assert raw_s3("PUT", f"/{bucket}/key", body, headers)[0] == status
    if status == 200:
        found = s3.get_object(Bucket=bucket, Key="key")
        assert (found["Body"].read(), found["ChecksumCRC32"]) == (b"hello", "NhCmhg==")
        assert "ContentEncoding" not in found
    else:
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.fixture
def tls(emulator, tmp_path):
    """Listen with TLS and pass on to the emulator; return the address and the certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    certificate = made.add_extension(address, False).sign(key, hashes.SHA256())
    pem, secret = tmp_path / "tls.pem", tmp_path / "tls.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    host, port = emulator.url.removeprefix("http://").split(":")

    def forward(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            target.close()

    def serve():
        while True:
            try:
                client, _ = listener.accept()
                near = context.wrap_socket(client, server_side=True)
            except OSError:
                return
            far = socket.create_connection((host, int(port)))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=forward, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", str(pem)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_a_client_over_tls_sends_trailers(tls, bucket, s3):
    """Which is what boto3 does by default there: chunks within chunks."""
    url, certificate = tls
    client = boto3.client(
        "s3",
        endpoint_url=url,
        verify=certificate,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )
    seen = []
    client.meta.events.register("before-send.s3.*", lambda request, **_: seen.append(request.headers))
    data = os.urandom(2 * MIB + 3)
    for _ in range(2):  # on one connection
        client.put_object(Bucket=bucket, Key="key", Body=data)
    assert seen[0]["X-Amz-Content-SHA256"] == b"STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    found = s3.get_object(Bucket=bucket, Key="key")
    assert found["Body"].read() == data
    assert "ChecksumCRC32" in found
    client.close()


def test_state_outlasts_the_server_and_no_file_is_left(tmp_path):
    """Objects, uploads, restores and buckets; the bytes of what was deleted or replaced are gone."""
    with running(tmp_path) as emulator:
        s3 = emulator.s3_client()
        s3.create_bucket(Bucket="kept")
        cold = {"Bucket": "kept", "Key": "cold"}
        for body in (b"replaced", b"cold"):
            s3.put_object(**cold, Body=body, StorageClass="GLACIER", Metadata={"a": "b"})
        s3.restore_object(**cold, RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Bulk"}})
        named = {"Bucket": "kept", "Key": "parts"}
        named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
        s3.upload_part(**named, PartNumber=1, Body=b"part")
        s3.put_object(Bucket="kept", Key="gone", Body=b"gone")
        s3.delete_object(Bucket="kept", Key="gone")
    with running(tmp_path) as emulator:
        s3 = emulator.s3_client()
        assert s3.head_object(**cold)["Restore"] == 'ongoing-request="true"'
        emulator.advance(hours=8)
        found = s3.get_object(**cold)
        assert (found["Body"].read(), found["Metadata"]) == (b"cold", {"a": "b"})
        (part,) = s3.list_parts(**named)["Parts"]
        s3.complete_multipart_upload(
            **named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        )
        files = [path.read_bytes() for path in tmp_path.glob("archives/*/*")]
        assert sorted(files) == [b"cold", b"part"]
        status = emulator.status()
        assert (status["buckets"], status["objects"]) == (1, 2)


def test_with_discard_hashes_stay_and_bytes_do_not(tmp_path, refused):
    """Everything but reading works."""
    with running(tmp_path, extra=["--discard"]) as emulator:
        s3 = emulator.s3_client()
        s3.create_bucket(Bucket="sink")
        named = {"Bucket": "sink", "Key": "key"}
        named["UploadId"] = s3.create_multipart_upload(**named, ChecksumAlgorithm="SHA256")["UploadId"]
        parts = []
        for number in (1, 2):
            done = s3.upload_part(**named, PartNumber=number, Body=bytes(5 * MIB), ChecksumAlgorithm="SHA256")
            parts.append({"PartNumber": number} | {k: done[k] for k in ("ETag", "ChecksumSHA256")})
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
        where = {"Bucket": "sink", "Key": "key"}
        head = s3.head_object(**where, ChecksumMode="ENABLED")
        assert (head["ContentLength"], head["ChecksumSHA256"][-2:]) == (10 * MIB, "-2")
        assert refused(s3.get_object, **where)[:2] == ("NotImplemented", 501)
    assert not list(tmp_path.glob("archives/*/*"))


@pytest.mark.skipif(
    shutil.which("aws") is None and not os.environ.get("CI"), reason="the AWS CLI is not installed"
)
def test_the_aws_cli(emulator, s3, bucket, tmp_path):
    """Copies up in parts, down again once restored, and lists."""
    given = {
        "AWS_ENDPOINT_URL_S3": emulator.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def aws(*words):
        done = subprocess.run(
            ["aws", *words], env=os.environ | given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(os.urandom(17 * MIB))
    named = {"Bucket": bucket, "Key": "a/b"}
    aws("s3", "cp", "--no-progress", "--storage-class", "GLACIER", str(source), f"s3://{bucket}/a/b")
    restore = {"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}}
    s3.restore_object(**named, RestoreRequest=restore)
    emulator.advance(180)
    aws("s3", "cp", "--no-progress", f"s3://{bucket}/a/b", str(copy))
    assert copy.read_bytes() == source.read_bytes()
    assert "17825792 a/b" in aws("s3", "ls", "--recursive", f"s3://{bucket}")
