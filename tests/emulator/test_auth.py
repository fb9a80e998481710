"""Signature Version 4 and who may ask."""

import io
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from glacier_magic.emulator import auth, dates
from glacier_magic.emulator.http import read_request
from glacier_magic.emulator.testing import running

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


@pytest.mark.parametrize(
    ("text", "moment"), [(CREATE, "2012-05-25T00:24:53Z"), (UPLOAD, "2012-05-07T00:00:00Z")]
)
def test_the_documented_requests_verify(text, moment):
    """And no longer when anything in them is changed."""
    verifier, now = auth.Verifier({KEY: SECRET}), dates.parse_iso(moment)
    verifier.verify(request(text), now)
    changes = [("examplevault", "other"), ("2012-06-01", "2012-06-02"), ("us-east", "us-west")]
    for old, new in changes:
        with pytest.raises(auth.service_errors.ServiceError, match="InvalidSignature"):
            verifier.verify(request(text.replace(old, new)), now)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_is_good_for_a_quarter_of_an_hour(minutes):
    """Of real time, in either direction."""
    now = dates.parse_iso("2012-05-25T00:24:53Z") + minutes * 60_000
    with pytest.raises(auth.service_errors.ServiceError, match="Signature expired"):
        auth.Verifier({KEY: SECRET}).verify(request(CREATE), now)


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


def test_an_unknown_key_is_an_unrecognized_client_with_a_hint(emulator):
    """The hint is in a header of the emulator's own."""
    with pytest.raises(ClientError) as caught:
        client_of(emulator, "somebody", "else").list_vaults()
    answer = caught.value.response
    assert answer["Error"]["Code"] == "UnrecognizedClientException"
    assert "--no-auth" in answer["ResponseMetadata"]["HTTPHeaders"]["x-emulator-hint"]


def test_temporary_credentials_are_fine(emulator):
    """The token is signed and otherwise not looked at."""
    client_of(emulator, "emulator", "emulator", "token").list_vaults()


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
