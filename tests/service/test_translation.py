"""Every failure of the service is an error of ours: typed, with a cure, without a secret."""

import http.server
import json
import os
import pickle
import sys
import threading
from dataclasses import dataclass, field, replace

import pytest

import glacier_magic as gm
from glacier_magic import emulator as emulation
from glacier_magic.errors import (
    AccessDenied,
    CredentialsError,
    GlacierError,
    InputError,
    IntegrityError,
    JobFailed,
    LocalError,
    NotFound,
    NotReady,
    Refused,
    RegionError,
    ServiceClosed,
    Unavailable,
    VaultNotEmpty,
)
from glacier_magic.errors.scrubbing import mask_account
from glacier_magic.service import Connection, open_service
from glacier_magic.service.translation import from_answer

ACCOUNT = "123456789012"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDExample"
PLAIN = "a-session-token-of-no-shape-at-all"
ARN = f"arn:aws:glacier:us-west-2:{ACCOUNT}:vaults/photos"


@dataclass
class Server:
    """An HTTP server that gives one answer to everything and counts the requests."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"
    headers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def error(self, status, code, message, kind="Client"):
        self.status = status
        self.body = json.dumps({"code": code, "message": message, "type": kind}).encode()


@pytest.fixture
def server():
    told = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            told.asked.append((self.command, self.path))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(told.status)
            self.send_header("Content-Type", told.kind)
            self.send_header("Content-Length", str(len(told.body)))
            self.send_header("x-amzn-RequestId", "r" * 47)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        told.url = f"http://127.0.0.1:{served.server_port}"
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield told
        served.shutdown()
        thread.join()


@pytest.fixture
def keys(monkeypatch):
    """Temporary credentials in the environment, as a user has them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@pytest.fixture
def connecting(server, keys, quick, home, monkeypatch):
    """Connect to the server; return the error, in which no secret and no account may be."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")  # nothing leaves this machine

    def connecting(**options):
        with pytest.raises(GlacierError) as caught:
            gm.connect(endpoint_url=server.url, region="us-west-2", **options)
        error = caught.value
        for text in (str(error), repr(error), error.cure, error.message):
            assert SECRET not in text
            assert TOKEN not in text
            assert ACCOUNT not in text
        for file in home.rglob("*"):
            if file.is_file():
                assert SECRET.encode() not in file.read_bytes()
                assert TOKEN.encode() not in file.read_bytes()
        return error

    return connecting


# Before the service is asked


def test_no_credentials_is_said_with_how_to_log_in():
    """An empty machine: the way to credentials, and the emulator as the way without."""
    with pytest.raises(CredentialsError, match="credentials") as caught:
        gm.connect(region="eu-west-1")
    assert "aws configure" in caught.value.cure
    assert "emulator=True" in caught.value.cure


def test_a_missing_profile_is_named_with_those_there_are(home, monkeypatch):
    """A typo is seen at once."""
    file = home / "config"
    file.write_text("[profile archive]\nregion=eu-west-1\n[profile work]\nregion=eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    with pytest.raises(InputError, match="archve") as caught:
        gm.connect(profile="archve")
    assert "archive" in caught.value.cure
    assert "work" in caught.value.cure


def test_a_damaged_configuration_file_is_an_error_of_ours(home, monkeypatch):
    """The user gets a sentence, not botocore's traceback."""
    file = home / "config"
    file.write_text("this is not [an ini file\n= at all")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    with pytest.raises(GlacierError, match="config"):
        gm.connect(region="eu-west-1")


def test_a_profile_in_the_environment_that_does_not_exist_is_an_error_of_ours(monkeypatch):
    """``AWS_PROFILE`` is a choice like ``--profile``."""
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(GlacierError, match="nowhere"):
        gm.connect(region="eu-west-1")


def test_half_a_key_pair_is_a_credentials_error(monkeypatch):
    """The variable that is missing is named."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    with pytest.raises(CredentialsError):
        gm.connect(region="eu-west-1")


def test_no_region_is_said_with_how_to_name_one(keys):
    """boto3 has no default region, and a vault lives in one."""
    with pytest.raises(RegionError) as caught:
        gm.connect()
    assert "region=" in caught.value.cure


def test_the_region_of_the_environment_counts(keys, home, monkeypatch):
    """``AWS_REGION`` before ``AWS_DEFAULT_REGION``, as in the AWS command line, and an option before both."""
    connection = Connection(endpoint_url="http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert open_service(connection).region == "eu-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert open_service(connection).region == "eu-west-3"
    assert open_service(replace(connection, region="eu-west-1")).region == "eu-west-1"


@pytest.mark.parametrize("region", ["eu-nowhere-7", "EU-WEST-1", "us-east-1 ", "me-central-1"])
def test_a_region_without_the_service_is_refused_before_anything_is_sent(keys, region):
    """The cure lists the regions that have it."""
    with pytest.raises(RegionError) as caught:
        gm.connect(region=region)
    assert "eu-west-1" in caught.value.cure


@pytest.mark.parametrize("url", ["nonsense", "http://", "localhost:8080"])
def test_an_endpoint_that_is_no_url_is_an_error_of_ours(keys, quick, url):
    """A slip in ``--endpoint-url``."""
    with pytest.raises(GlacierError):
        gm.connect(endpoint_url=url, region="us-west-2")


def test_an_unreachable_endpoint_can_be_tried_again(keys, quick):
    """Nothing listens there: not the credentials' fault."""
    with pytest.raises(Unavailable) as caught:
        gm.connect(endpoint_url="http://127.0.0.1:9", region="us-west-2")
    assert caught.value.exit_code == 69
    assert caught.value.cure


# What the service refuses


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "word"),
    [
        (
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            CredentialsError,
            "aws sso login",
        ),
        (
            400,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            CredentialsError,
            "profile=",
        ),
        (400, "MissingAuthenticationTokenException", "Missing Authentication Token", CredentialsError, ""),
        (
            403,
            "InvalidSignatureException",
            "The request signature we calculated does not match",
            CredentialsError,
            "clock",
        ),
        (
            400,
            "NoLongerSupportedException",
            "This API is no longer supported for new accounts. Use the S3 Glacier storage classes.",
            ServiceClosed,
            "15 December 2025",
        ),
        (
            403,
            "SubscriptionRequiredException",
            "The AWS Access Key Id needs a subscription",
            ServiceClosed,
            "",
        ),
        (
            403,
            "AccessDeniedException",
            f"User: arn:aws:iam::{ACCOUNT}:user/joe is not authorized to perform: glacier:ListVaults "
            f"on resource: {ARN}",
            AccessDenied,
            "glacier:",
        ),
        (400, "ThrottlingException", "Rate exceeded", Unavailable, ""),
        (500, "ServiceUnavailableException", "Internal failure", Unavailable, ""),
        (503, "", "", Unavailable, ""),
        (400, "BadRequest", "Bad request", Refused, ""),
    ],
)
def test_connecting_tells_each_refusal_apart(connecting, server, status, code, message, kind, word):
    """Each has a type, the service's code and the next step."""
    server.error(status, code, message)
    error = connecting()
    assert type(error) is kind
    assert word in error.cure
    assert error.cure or kind is Refused
    if code:
        assert error.code == code


@pytest.mark.parametrize(
    ("code", "status", "message", "kind"),
    [
        ("ResourceNotFoundException", 404, f"Vault not found for ARN: {ARN}", NotFound),
        ("ResourceNotFoundException", 404, "The job ID was not found: abc", NotFound),
        ("ResourceNotFoundException", 404, "The upload ID was not found: abc", NotFound),
        (
            "InvalidParameterValueException",
            400,
            f"Vault not empty or recently written to: {ARN}",
            VaultNotEmpty,
        ),
        (
            "InvalidParameterValueException",
            400,
            "The job is not currently available for download: abc",
            NotReady,
        ),
        (
            "InvalidParameterValueException",
            400,
            f"Checksum mismatch: expected {'0' * 64} computed {'1' * 64}",
            IntegrityError,
        ),
        ("InvalidParameterValueException", 400, f"Invalid vault name: {ARN}", InputError),
        (
            "PolicyEnforcedException",
            400,
            "InitiateJob request denied by current data retrieval policy.",
            Refused,
        ),
        ("InsufficientCapacityException", 503, "Insufficient capacity", Refused),
        ("LimitExceededException", 400, "Too many vaults", Refused),
        ("RequestTimeoutException", 408, "Timeout", Unavailable),
        ("InternalServerError", 500, "", Unavailable),
        ("SomethingNew", 418, "I am a teapot", Refused),
    ],
)
def test_each_answer_of_the_service_has_its_error(code, status, message, kind):
    """By text where the code is too wide, else by code, else by status."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = from_answer(answer)
    assert type(error) is kind
    assert error.code == code
    assert ACCOUNT not in str(error)


def test_a_payload_that_changed_on_its_way_is_not_blamed_on_the_credentials():
    """The service answers a wrong payload hash with the code of a wrong signature."""
    message = (
        "The value passed in as x-amz-content-sha256 does not match the computed payload hash. "
        f"Computed digest: {'0' * 64} expected hash: {'1' * 64}"
    )
    error = from_answer({"Error": {"Code": "InvalidSignatureException", "Message": message}})
    assert not isinstance(error, CredentialsError)
    assert "secret key" not in str(error)


def test_the_dump_of_a_refused_signature_is_not_shown(connecting, server):
    """The service has echoed all signed headers, the session token among them."""
    server.error(
        403,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.\n\nThe "
        f"Canonical String for this request should have been\n'GET\n/-/vaults\n\nhost:x\n"
        f"x-amz-security-token:{TOKEN}\n'",
    )
    connecting()


@pytest.mark.parametrize("name", ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"])
@pytest.mark.parametrize("end", ["\n", "\r", "é"])
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(connecting, server, monkeypatch, name, end):
    """A line end from an environment file: no network failure, and nothing is sent."""
    monkeypatch.setenv(f"AWS_{name}", os.environ[f"AWS_{name}"] + end)
    error = connecting()
    assert isinstance(error, CredentialsError)
    assert name.split("_")[-1].lower() in error.message or "key id" in error.message
    assert server.asked == []


@pytest.fixture
def renewed(home, monkeypatch):
    """Let a program give the keys, as botocore asks for them when the first request is sent."""

    def renewed(token):
        told = {
            "Version": 1,
            "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "SecretAccessKey": SECRET,
            "SessionToken": token,
            "Expiration": "2100-01-01T00:00:00Z",
        }
        (home / "keys.json").write_text(json.dumps(told))
        code = f"print(open({str(home / 'keys.json')!r}).read())"
        (home / "keys.py").write_text(code)
        command = f"{sys.executable} {home / 'keys.py'}"
        (home / "config").write_text(f"[default]\ncredential_process = {command}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
            monkeypatch.delenv(f"AWS_{name}")

    return renewed


def refusal(server):
    """Connect to the server; return the error."""
    with pytest.raises(GlacierError) as caught:
        gm.connect(endpoint_url=server.url, region="us-west-2")
    return caught.value


def test_a_renewed_token_that_cannot_be_sent_is_a_matter_of_the_login(server, keys, quick, renewed):
    """It is seen only when the request is made, by the library that makes it."""
    renewed(f"{PLAIN}\n")
    error = refusal(server)
    assert isinstance(error, CredentialsError)
    assert PLAIN not in str(error)
    assert "line end" in error.message


def test_a_renewed_token_is_not_shown_either(server, keys, quick, renewed):
    """Whatever it looks like: a service repeats it in its answer."""
    renewed(PLAIN)
    server.error(400, "SomethingNew", f"What is {PLAIN!r}? And {SECRET}?")
    error = refusal(server)
    assert server.asked
    assert PLAIN not in str(error)
    assert SECRET not in str(error)
    assert error.message.startswith("The service refused: What is '****")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html><body>Please log in to the hotel's network</body></html>"),
        ("application/json", b"{}"),
        ("application/json", b"[]"),
        ("application/json", b""),
        ("application/json", b'{"VaultList": null}'),
    ],
)
def test_a_server_that_is_not_the_service_is_an_error_of_ours(connecting, server, kind, body):
    """A captive portal or a wrong endpoint answers 200 to everything."""
    server.kind, server.body = kind, body
    connecting()


def test_an_error_page_that_is_not_json_is_an_error_of_ours(connecting, server):
    """A proxy's own page."""
    server.status, server.kind, server.body = 502, "text/html", b"<h1>Bad gateway</h1>"
    assert isinstance(connecting(), Unavailable)


def test_a_throttled_call_is_repeated_and_a_paid_one_is_not(server, keys, quick):
    """A retrieval that may have been taken is never asked for twice by a retry."""
    connection = Connection(endpoint_url=server.url, region="us-west-2")
    service = open_service(connection)
    server.error(500, "ServiceUnavailableException", "Internal failure", "Server")
    with pytest.raises(Unavailable):
        service.describe_vault("photos")
    assert len(server.asked) > 1
    server.asked.clear()
    with pytest.raises(Unavailable):
        service.start_retrieval("photos", "a" * 138, "Standard", "token")
    assert len(server.asked) == 1
    server.asked.clear()
    with pytest.raises(Unavailable):
        service.start_inventory("photos", "token")
    assert len(server.asked) == 1


# Against the emulator


def test_a_vault_that_does_not_exist_is_not_found(session, files):
    """Wherever it is named, with how to see and make vaults, without the account's id."""
    files("a.txt")
    absent = session.vault("absent")
    for call in (
        lambda: absent.upload("a.txt"),
        absent.inventory,
        lambda: session.drop_vault("absent"),
        lambda: absent.restore("id:" + "a" * 138).run(),
    ):
        with pytest.raises(NotFound, match="absent") as caught:
            call()
        assert "vaults" in caught.value.cure
        assert session.account not in str(caught.value)


def test_a_vault_with_archives_is_not_dropped(session, vault, files, listed):
    """The cure says what has to happen first."""
    vault.upload(files("a.txt"))
    with pytest.raises(VaultNotEmpty) as caught:
        session.drop_vault("photos").run()
    assert session.account not in str(caught.value)
    listed(vault)
    with pytest.raises(VaultNotEmpty):
        session.drop_vault("photos").run()


def test_an_emptied_vault_is_dropped_after_the_next_inventory(session, vault, later):
    """And is gone from the list."""
    later(days=1.2)
    session.drop_vault("photos").run()
    assert list(session.vaults()["vault"]) == []


@pytest.mark.parametrize("name", ["", "a/b", "a b", "ä", "x" * 256, ".", "..", "a\nb", "a%2Fb"])
def test_a_vault_name_is_checked_before_it_is_sent(session, name):
    """It becomes a part of a URL."""
    with pytest.raises(InputError):
        session.create_vault(name)


def test_the_account_is_found_with_and_without_vaults(connect, emulator):
    """Also where there is nothing to read it from but a refusal."""
    first = connect()
    assert first.account == emulator.account
    first.create_vault("photos")
    assert connect().account == emulator.account


def test_unknown_keys_at_the_emulators_endpoint_are_a_credentials_error(emulator, keys):
    """boto3 signs with what the environment has; the service does not know it."""
    with pytest.raises(CredentialsError):
        gm.connect(endpoint_url=emulator.url, region="us-east-1")


def test_the_catalogue_holds_no_secret(monkeypatch, emulator, tmp_path):
    """Neither it nor its log has a byte of the credentials it was used with."""
    issued = emulation.credentials(emulator.folder, 3600)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", issued["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", issued["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", issued["SessionToken"])
    path = tmp_path / "catalogue.sqlite"
    session = gm.connect(endpoint_url=emulator.url, region="secret-1", catalogue=path)
    session.create_vault("photos")
    written = b"".join(p.read_bytes() for p in tmp_path.glob("catalogue.sqlite*"))
    session.close()
    assert issued["SessionToken"].encode() not in written
    assert issued["SecretAccessKey"].encode() not in written


# The errors themselves


def test_account_ids_are_masked_in_arns_and_paths():
    """All but the last four digits; other numbers stay."""
    assert mask_account(ARN) == "arn:aws:glacier:us-west-2:********9012:vaults/photos"
    assert mask_account(f"/{ACCOUNT}/vaults/x") == "/********9012/vaults/x"
    assert mask_account("x 1234567890123 y 123") == "x 1234567890123 y 123"


def test_every_error_has_its_own_place_in_the_exit_codes():
    """What a script must tell apart has codes of its own."""
    distinct = (NotReady, JobFailed, gm.JobExpired, IntegrityError, Unavailable, LocalError)
    assert len({kind.exit_code for kind in distinct}) == len(distinct)
    assert all(getattr(gm, name).exit_code for name in gm.__all__ if name.endswith("Error"))


@pytest.mark.parametrize("kind", [LocalError, AccessDenied, Unavailable, NotFound, InputError])
def test_an_error_says_what_happened_and_what_to_do(kind):
    """Also those that are built-in errors as well, which print their own arguments."""
    error = kind("It broke", cure="Mend it.", code="Code")
    assert str(error) == "It broke. Mend it."
    assert (error.message, error.cure, error.code) == ("It broke", "Mend it.", "Code")


@pytest.mark.parametrize("kind", [LocalError, AccessDenied, Unavailable, NotFound, InputError])
def test_an_error_survives_its_way_to_another_process(kind):
    """A pool of processes pickles what its workers raise."""
    error = pickle.loads(pickle.dumps(kind("It broke", cure="Mend it.", code="Code")))
    assert (str(error), error.code) == ("It broke. Mend it.", "Code")
