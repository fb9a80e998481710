"""Signature Version 4 and who may ask."""

import io
import sys
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from glacier_magic import emulator as emulation
from glacier_magic.emulator import auth, dates
from glacier_magic.emulator.http import read_request
from glacier_magic.emulator.temporary_keys import TemporaryKeys
from glacier_magic.emulator.testing import running
from glacier_magic.emulator.virtual_clock import VirtualClock

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CREATE = """PUT /-/vaults/examplevault HTTP/1.1
Host: glacier.us-east-1.amazonaws.com
Date: Fri, 25 May 2012 00:24:53 GMT
x-amz-date: 20120525T002453Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20120525/us-east-1/glacier/\
aws4_request,SignedHeaders=host;x-amz-date;x-amz-glacier-version,\
Signature=3ce5b2f2fffac9262b4da9256f8d086b4aaf42eba5f111c21681a65a127b7c2a
x-amz-glacier-version: 2012-06-01

"""
# The path and the payload as the signature has them; the page misprints both.
UPLOAD = """POST /-/vaults/examplevault/archives HTTP/1.1
Host: glacier.us-east-1.amazonaws.com
x-amz-date: 20120507T000000Z
x-amz-content-sha256: 726e392cb4d09924dbad1cc0ba3b00c3643d03d14cb4b823e2f041cff612a628
Content-Length: 26
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20120507/us-east-1/glacier/\
aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-glacier-version, \
Signature=b092397439375d59119072764a1e9a144677c43d9906fd98a5742c57a2855de6
x-amz-glacier-version: 2012-06-01

Welcome to Amazon Glacier."""


def request(text):
    head, _, body = text.partition("\n\n")
    wire = (head + "\n\n").replace("\n", "\r\n") + body
    return read_request(io.BufferedReader(io.BytesIO(wire.encode("latin-1"))), lambda: None)


@pytest.fixture
def verifier(tmp_path):
    return auth.Verifier({KEY: SECRET}, TemporaryKeys("00", VirtualClock(tmp_path / "clock.json")))


@pytest.mark.parametrize(
    ("text", "moment"), [(CREATE, "2012-05-25T00:24:53Z"), (UPLOAD, "2012-05-07T00:00:00Z")]
)
def test_the_documented_requests_verify(verifier, text, moment):
    """And no longer when anything in them is changed."""
    now = dates.parse_iso(moment)
    verifier.verify(request(text), now)
    changes = [("examplevault", "other"), ("2012-06-01", "2012-06-02"), ("us-east", "us-west")]
    for old, new in changes:
        with pytest.raises(auth.service_errors.ServiceError, match="InvalidSignature"):
            verifier.verify(request(text.replace(old, new)), now)


EARLIER = "expired: 20120525T002453Z is now earlier than 20120525T002454Z (20120525T002954Z - 5 min.)"
LATER = "not yet current: 20120525T002453Z is still later than 20120525T002452Z (20120525T001952Z + 5 min.)"


@pytest.mark.parametrize(("seconds", "words"), [(301, EARLIER), (-301, LATER)])
def test_a_signature_is_good_for_five_minutes(verifier, seconds, words):
    """Of real time, in either direction; then the message shows both times."""
    now = dates.parse_iso("2012-05-25T00:24:53Z")
    verifier.verify(request(CREATE), now + seconds // 301 * 300_000)
    with pytest.raises(auth.service_errors.ServiceError) as caught:
        verifier.verify(request(CREATE), now + seconds * 1000)
    assert (caught.value.code, caught.value.status) == ("InvalidSignatureException", 403)
    assert caught.value.message == f"Signature {words}"


def client_of(emulator, key, secret, token=None):
    return boto3.client(
        "glacier",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


def test_a_wrong_secret_is_an_invalid_signature(emulator, refused):
    """In the service's words."""
    code, status, message = refused(client_of(emulator, "emulator", "wrong").list_vaults)
    assert (code, status) == ("InvalidSignatureException", 403)
    assert message.startswith("The request signature we calculated does not match")


@pytest.mark.parametrize("keys", [("somebody", "else"), ("emulator", "emulator", "token")])
def test_an_unknown_key_or_token_is_an_unrecognized_client_with_a_hint(emulator, keys):
    """The hint is in a header of the emulator's own."""
    with pytest.raises(ClientError) as caught:
        client_of(emulator, *keys).list_vaults()
    answer = caught.value.response
    assert answer["Error"]["Code"] == "UnrecognizedClientException"
    assert "--no-auth" in answer["ResponseMetadata"]["HTTPHeaders"]["x-emulator-hint"]


@pytest.fixture
def temporary(emulator):
    """Temporary keys for a quarter of an hour, by the names of the parameters of a client."""
    found = emulation.credentials(emulator.folder, 900)
    return [found[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]


def test_temporary_keys_expire_on_the_virtual_clock(emulator, refused, temporary):
    """Then with the service's error for logins; other keys are still good."""
    client = client_of(emulator, *temporary)
    client.list_vaults()
    emulator.advance(899)
    client.list_vaults()
    emulator.advance(1)
    expired = ("ExpiredTokenException", 403, "The security token included in the request is expired")
    assert refused(client.list_vaults) == expired
    client_of(emulator, "emulator", "emulator").list_vaults()


def test_a_token_that_was_never_issued_is_refused(emulator, refused, temporary):
    """Nor does one go with other keys, nor temporary keys without theirs."""
    key, secret, token = temporary
    later = f"{int(token.partition('.')[0]) + 10**9}.{token.partition('.')[2]}"
    wrong = [
        ("emulator", "emulator", "token"),
        ("emulator", "emulator", token),
        (key, secret, None),
        (key, secret, later),
        (key, secret, token + "ä"),
    ]
    for keys in wrong:
        answer = refused(client_of(emulator, *keys).list_vaults)
        assert answer[0] == "UnrecognizedClientException", keys
        assert answer[2] == "The security token included in the request is invalid."
    with pytest.raises(ClientError, match="InvalidSignature"):
        client_of(emulator, key, "wrong", token).list_vaults()


def test_temporary_keys_outlast_the_server_and_are_in_no_file(tmp_path):
    """Only what they are computed from is stored."""
    with running(tmp_path, extra=["--verbose"]) as emulator:
        keys = emulation.credentials(tmp_path)
    with running(tmp_path) as emulator:
        client_of(
            emulator, *(keys[n] for n in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        ).list_vaults()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"):
        assert keys[name].encode() not in stored


@pytest.mark.parametrize("seconds", [0, 36 * 3600 + 1, float("nan")])
def test_temporary_keys_have_a_sensible_life(emulator, seconds):
    with pytest.raises(emulation.EmulatorError, match="from 1 to 129600 seconds"):
        emulation.credentials(emulator.folder, seconds)


def test_a_credential_process_gives_temporary_keys(emulator, tmp_path, monkeypatch):
    """As any SDK reads it, with the expiry in real time."""
    words = f"{sys.executable} -m glacier_magic.cli emulator credentials --json --data {emulator.folder}"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {words}\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    session, asked = boto3.Session(), datetime.now(UTC).replace(microsecond=0)
    session.client("glacier", endpoint_url=emulator.url).list_vaults()
    assert session.get_credentials().method == "custom-process"
    expires = session.get_credentials()._expiry_time
    assert asked <= expires - timedelta(hours=1) <= datetime.now(UTC)


def test_an_unsigned_request_lacks_its_token(emulator):
    """With status 400, where other services have 403."""
    import http.client

    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/-/vaults", headers={"x-amz-glacier-version": "2012-06-01"})
    response = connection.getresponse()
    assert response.status == 400
    assert b"MissingAuthenticationTokenException" in response.read()
    connection.close()


def test_a_body_changed_on_the_way_is_an_invalid_signature(emulator, sign, vault):
    """The signature covers the JSON body too."""
    import http.client

    path = f"/-/vaults/{vault}/tags?operation=add"
    headers = sign("POST", path, {}, b'{"Tags":{"a":"1"}}')
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=5)
    connection.request("POST", path, b'{"Tags":{"a":"2"}}', headers)
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("name", ["a b", "ä+ö", "100%", "a/b", "x~y"])
def test_odd_paths_verify_before_they_are_refused(client, refused, name):
    """The answer is about the name, not about the signature."""
    assert refused(client.describe_vault, vaultName=name)[:2] == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    ("account", "expected"),
    [("abcmnoxyz", ("UnrecognizedClientException", 400)), ("123456789012", ("AccessDeniedException", 403))],
)
def test_another_account_is_refused(client, refused, account, expected):
    """Twelve digits of somebody else, or no account at all."""
    assert refused(client.list_vaults, accountId=account)[:2] == expected


def test_the_accounts_own_number_is_as_good_as_a_dash(client, emulator, vault):
    """In the path of any call."""
    found = client.describe_vault(accountId=emulator.account, vaultName=vault)
    assert emulator.account in found["VaultARN"]


def test_no_auth_and_credentials_open_the_door(tmp_path):
    """One for everybody, the other for one more key pair."""
    with running(tmp_path / "open", extra=["--no-auth"]) as emulator:
        client_of(emulator, "anybody", "at all").list_vaults()
    with running(tmp_path / "keys", extra=["--credentials", f"{KEY}:{SECRET}"]) as emulator:
        client_of(emulator, KEY, SECRET).list_vaults()


def test_dates_are_read_in_both_forms():
    """x-amz-date in the basic form, Date in either."""
    now = datetime(2012, 5, 25, 0, 24, 53, tzinfo=UTC)
    assert dates.parse_basic("20120525T002453Z") == int(now.timestamp() * 1000)
    assert dates.http_date(int(now.timestamp() * 1000)) == "Fri, 25 May 2012 00:24:53 GMT"
    zoned = (now + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S") + "+02:00"
    assert dates.parse_iso(zoned) == int(now.timestamp() * 1000)
