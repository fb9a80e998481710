"""Every source of a login, and what is said where it fails: one sentence, its cure, exit code 6."""

import getpass
import http.server
import json
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

import glacier_magic as gm
from glacier_magic import emulator as emulation
from glacier_magic.errors import CredentialsError, GlacierError, InputError
from glacier_magic.service import Connection, open_service
from glacier_magic.service.credentials import Login
from glacier_magic.service.login_failures import UNREACHABLE
from glacier_magic.service.regions import in_region
from tests.conftest import PATIENCE

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOWHERE = "http://127.0.0.1:9"
ROLE = "arn:aws:iam::123456789012:role/archive"
SSO = "sso_start_url = https://sso.example\nsso_region = us-east-1"
STATIC = f"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n"


@pytest.fixture
def config(home, monkeypatch):
    """Write the AWS configuration, and return its file."""
    file = home / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))

    def config(text):
        file.write_text(text)
        return file

    return config


def keys_of(login):
    """Return the keys, as a session finds and uses them."""
    login.find()
    return login.get_frozen_credentials()


def failure(profile=None, patience=30.0):
    """Ask for the keys of a profile; return the error, which names no secret."""
    with pytest.raises(CredentialsError) as caught:
        keys_of(Login(profile, "us-east-1", patience))
    error = caught.value
    assert error.exit_code == 6
    assert error.cure
    assert "\n" not in str(error)
    assert SECRET not in str(error)
    assert "123456789012" not in str(error)
    return error


@pytest.mark.parametrize(
    ("text", "what", "cure"),
    [
        (f"role_arn = {ROLE}\nsource_profile = gone", '"gone"', "source_profile of profile mine"),
        (f"role_arn = {ROLE}\nsource_profile = mine", "Infinite loop", "source_profile of profile mine"),
        (f"role_arn = {ROLE}", "source_profile or credential_source", "role_arn of profile mine"),
        (f"role_arn = {ROLE}\ncredential_source = Moon", "Moon", "credential_source of profile mine"),
        (f"role_arn = {ROLE}\ncredential_source = Environment", "missing|No cred", "credential_source"),
        ("sso_start_url = https://x\nsso_region = us-east-1", "", ""),
        ("sso_session = s\nsso_account_id = 1\nsso_role_name = r", '"s"', "sso_session of profile mine"),
        (
            f"{SSO}\nsso_account_id = 1\nsso_role_name = r",
            "SSO login is missing or has expired",
            "aws sso login --profile mine",
        ),
        (
            f"sso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\n{SSO}",
            "SSO login is missing or has expired",
            "aws sso login --profile mine",
        ),
        ("web_identity_token_file = /gone/token", "no role ARN", "web_identity_token_file of profile mine"),
        (
            f"web_identity_token_file = /gone/token\nrole_arn = {ROLE}",
            "/gone/token: No such file",
            "web_identity",
        ),
        ("credential_process = /gone/tool", "/gone/tool: No such file", "credential_process of profile mine"),
        ("aws_access_key_id = AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key", "both keys"),
        ("", "No AWS credentials were found", "aws configure"),
    ],
)
def test_each_setting_that_leads_nowhere_is_named(config, text, what, cure):
    """Where the login is to come from, and what is not there."""
    config(f"[profile mine]\n{text}\n")
    error = failure("mine")
    assert any(word in error.message for word in what.split("|"))
    assert cure in error.cure


def test_a_login_session_is_renewed_by_the_aws_command_line(config):
    """Or what this Python lacks for it is named."""
    pytest.importorskip("botocore", "1.41")
    config("[profile mine]\nlogin_session = arn:aws:iam::123456789012:user/x\n")
    error = failure("mine")
    assert "aws login --profile mine" in error.cure or "botocore[crt]" in error.message


@pytest.fixture
def program(home, config):
    """Let the keys of the profile ``mine`` come from a program, given as Python code."""

    def program(code):
        (home / "keys.py").write_text(code)
        config(f"[profile mine]\ncredential_process = '{sys.executable}' '{home / 'keys.py'}'\n")

    return program


def printed(**changes):
    """Return a program that prints keys."""
    keys = {"Version": 1, "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": SECRET} | changes
    return f"print({json.dumps(keys)!r})"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import sys; sys.exit('the vault is locked\\ntwice')", "the vault is locked twice"),
        (f"import sys; sys.exit('aws_secret_access_key={SECRET}')", "aws_secret_access_key=****"),
        ("print('hello')", "needs JSON"),
        ("print('[]')", "cannot be used"),
        ("print('{}')", "version"),
        ("import os; os.write(1, b'\\xff')", "cannot be used"),
        ("print('{\"Version\": 1}')", "AccessKeyId"),
        (printed(SessionToken="x", Expiration="2020-01-01T00:00:00Z"), "expired"),
        (printed(SessionToken="x", Expiration="soon"), "soon"),
        (printed(SecretAccessKey=f"{SECRET}\n"), "secret key has a line end"),
        (printed(SessionToken="token\r", Expiration="2100-01-01T00:00:00Z"), "session token has a line end"),
        ("import time; time.sleep(60)", "no keys within 0.5 s"),
    ],
)
def test_each_fault_of_a_program_is_named(program, code, what):
    """It is somebody's own, so that its setting is named as well."""
    program(code)
    error = failure("mine", 0.5 if "sleep" in code else 30.0)
    assert what in error.message
    assert "line end" in error.message or "credential_process of profile mine" in error.cure


def test_a_program_behind_a_role_does_not_hang_either(program, config):
    """The profile that a role is assumed with."""
    program("import time; time.sleep(60)")
    mine = config("").parent / "config"
    program("import time; time.sleep(60)")
    mine.write_text(f"{mine.read_text()}[profile role]\nrole_arn = {ROLE}\nsource_profile = mine\n")
    assert "no keys within 0.5 s" in failure("role", 0.5).message


# Servers of keys


@dataclass
class Server:
    """An HTTP server: its answers, in order, the last again and again; what it was asked."""

    url: str = ""
    answers: list = field(default_factory=lambda: [(200, "{}")])
    asked: list = field(default_factory=list)


@pytest.fixture
def server(monkeypatch):
    from botocore.utils import ContainerMetadataFetcher

    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    served = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            served.asked.append({name: words[0] for name, words in parse_qs(body).items()})
            status, text = served.answers.pop(0) if len(served.answers) > 1 else served.answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_POST = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        served.url = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield served
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "text"),
    [(200, "hello"), (200, "{}"), (200, "[]"), (403, '{"Code": "AccessDenied"}'), (500, ""), (None, "")],
)
def test_a_container_without_usable_keys_is_named(server, monkeypatch, status, text):
    """Its address is of the environment, not of a network."""
    server.answers = [(status, text)]
    url = NOWHERE if status is None else server.url
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/keys")
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" in failure().cure


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.1.2.3/x", "10.1.2.3"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/gone/token", "/gone/token: No such file"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic x\n", "header"),
    ],
)
def test_a_container_with_wrong_settings_is_named(server, monkeypatch, name, value, what):
    """The variable, and nothing of its value but a path or a host."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url)
    monkeypatch.setenv(name, value)
    error = failure()
    assert what in error.message
    assert name in error.cure
    assert server.asked == []


@pytest.mark.parametrize("status", [404, 500, None])
def test_a_machine_without_metadata_has_no_credentials(server, monkeypatch, status):
    """It is the last source, so that nothing was found."""
    server.answers = [(status, "")]
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    endpoint = NOWHERE if status is None else server.url
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
    error = failure()
    assert "No AWS credentials were found" in error.message
    assert "aws configure" in error.cure


def refused(code):
    return 403, f"<ErrorResponse><Error><Code>{code}</Code><Message>No.</Message></Error></ErrorResponse>"


@pytest.mark.parametrize(("code", "cure"), [("AccessDenied", "role_arn"), ("ExpiredToken", "Renew the keys")])
def test_a_role_that_is_refused_is_a_matter_of_the_login(server, config, monkeypatch, code, cure):
    """Its keys may be old, or its policy may not allow it."""
    config(f"[profile base]\n{STATIC}[profile mine]\nrole_arn = {ROLE}\nsource_profile = base\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    server.answers = [refused(code)]
    error = failure("mine")
    assert code in error.message
    assert cure in error.cure


def test_a_server_of_keys_that_does_not_answer_leaves_the_catalogue(
    config, quick, monkeypatch, emulator, region, connect
):
    """Nobody can log in there, but a session of a known account goes on without a network."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", NOWHERE)
    config(f"[profile mine]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\n{STATIC}")
    error = failure("mine")
    assert error.code == UNREACHABLE
    options = {"emulator": False, "profile": "mine", "endpoint_url": emulator.url, "region": region}
    with pytest.raises(CredentialsError):
        connect(**options)
    config("[profile mine]\naws_access_key_id = emulator\naws_secret_access_key = emulator\n")
    account = connect(**options).account
    config(f"[profile mine]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]\n{STATIC}")
    assert connect(**options).account == account


@pytest.mark.parametrize("file", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
@pytest.mark.parametrize("text", [b"[profile mine\n= x", b"\xff\xfe[\x00", b"no section = 1\n"])
def test_a_damaged_file_is_named(home, monkeypatch, file, text):
    """That of the configuration, and that of the keys."""
    (home / "damaged").write_bytes(text)
    monkeypatch.setenv(file, str(home / "damaged"))
    with pytest.raises(GlacierError, match="damaged") as caught:
        gm.connect(region="eu-west-1")
    assert isinstance(caught.value, InputError | CredentialsError)


# Roles with MFA


@pytest.fixture
def role(server, config, monkeypatch):
    """A role with MFA, given for so many seconds by a small STS; the codes that were sent."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    text = f"role_arn = {ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    config(f"[profile base]\n{STATIC}[profile mine]\n{text}")

    def role(*lives, keys=None):
        server.answers = [(200, assumed(life, keys)) for life in lives]
        return server.asked

    return role


def assumed(life, keys):
    until = (datetime.now(UTC) + timedelta(seconds=life)).isoformat()
    given = keys or {
        "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": SECRET,
        "SessionToken": "token",
    }
    words = "".join(f"<{k}>{v}</{k}>" for k, v in (given | {"Expiration": until}).items() if k != "Version")
    user = f"<AssumedRoleUser><Arn>{ROLE}</Arn></AssumedRoleUser>"
    result = f"<AssumeRoleResult><Credentials>{words}</Credentials>{user}</AssumeRoleResult>"
    return f"<AssumeRoleResponse>{result}</AssumeRoleResponse>"


@pytest.fixture
def codes(monkeypatch):
    """Type these codes, as a notebook's kernel lets its user do."""
    typed, prompts = ["123456", "654321"], []

    def type_one(prompt):
        prompts.append(prompt)
        return typed.pop(0)

    monkeypatch.setattr(getpass, "getpass", type_one)
    return prompts


def in_background(call):
    """Return the error of a call in another thread, or None."""
    found = []

    def run():
        try:
            call()
        except GlacierError as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0] if found else None


def test_a_role_with_mfa_goes_on_after_its_hour(role, codes):
    """The main thread asks for another code; a background thread never does, and says what to do."""
    asked = role(60, 60)  # too short for botocore, which renews the keys ten minutes before
    login = Login("mine", "us-east-1")
    login.get_frozen_credentials()
    error = in_background(login.get_frozen_credentials)
    assert "nobody is asked in the background" in error.message
    assert "aws sts get-caller-identity --profile mine" in error.cure
    assert len(codes) == 1
    login.get_frozen_credentials()
    assert [one["TokenCode"] for one in asked] == ["123456", "654321"]
    assert "********9012:mfa/me" in codes[0]


def test_a_code_that_the_aws_command_line_asked_for_is_used(role, codes, home):
    """In the background, too: nobody is asked, and nothing is written."""
    from botocore.credentials import JSONFileCache, create_credential_resolver
    from botocore.session import Session

    asked = role(3600)
    folder = home / ".aws" / "cli" / "cache"
    chain = create_credential_resolver(Session(profile="mine"), region_name="us-east-1")
    other = chain.get_provider("assume-role")  # as the AWS command line sets it up
    other.cache, other._prompter = JSONFileCache(str(folder)), lambda _: "111111"
    chain.load_credentials().get_frozen_credentials()
    written = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    login = Login("mine", "us-east-1")
    assert in_background(login.get_frozen_credentials) is None
    assert (len(asked), codes) == (1, [])
    assert written == {file: file.stat().st_mtime_ns for file in folder.iterdir()}


def test_a_program_without_a_terminal_says_that_a_code_is_needed(role, monkeypatch):
    """As ``getpass`` ends where there is nothing to read."""

    prompts = []

    def nobody(prompt):
        prompts.append(prompt)
        raise EOFError

    role(60)
    monkeypatch.setattr(getpass, "getpass", lambda _: "123456")
    login = Login("mine", "us-east-1")
    login.get_frozen_credentials()
    monkeypatch.setattr(getpass, "getpass", nobody)
    for count in (1, 2):
        with pytest.raises(CredentialsError, match="nobody to ask"):
            login.get_frozen_credentials()
        assert len(prompts) == count


@pytest.mark.kernel
@pytest.mark.parametrize("there", [True, False])
def test_a_notebook_asks_its_user_for_the_code(role, there):
    """In the page, where a cell runs; a run without a page says that there is nobody to ask."""
    from jupyter_client.manager import start_new_kernel

    asked, shown = role(3600), []
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        code = (
            "from glacier_magic.service.credentials import Login\n"
            "try: print(Login('mine', 'us-east-1').get_frozen_credentials().token)\n"
            "except Exception as error: print(error)"
        )
        client.execute_interactive(
            code,
            allow_stdin=there,
            stdin_hook=lambda _: client.input("123456"),
            output_hook=lambda message: shown.append(message["content"].get("text", "")),
            timeout=PATIENCE,
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert ("token" in "".join(shown)) == there
    assert ("nobody to ask" in "".join(shown)) != there
    assert [one["TokenCode"] for one in asked] == (["123456"] if there else [])


def test_a_session_goes_on_with_the_next_code(role, codes, emulator, region, connect, server):
    """The service refuses the keys of the first hour; the next call asks for a code, and is repeated."""
    first, second = (emulation.credentials(emulator.folder, life) for life in (3600, 86400))
    role(3600, keys=first)
    session = connect(emulator=False, profile="mine", endpoint_url=emulator.url, region=region)
    server.answers = [(200, assumed(3600, second))]
    emulator.advance(hours=1.1)
    session.create_vault("photos")
    assert list(session.vaults()["vault"]) == ["photos"]
    assert len(codes) == 2


def test_a_region_that_does_not_know_the_key_ends_no_login(role, codes, server):
    """Nobody is asked for another code."""
    role(3600)
    connection = Connection(profile="mine", region="us-east-1", endpoint_url=server.url)
    service = open_service(connection)
    server.answers.append((400, '{"code": "UnrecognizedClientException", "message": "No."}'))
    with pytest.raises(CredentialsError, match="does not know this access key"):
        list(in_region(service, connection, "ap-east-1").vaults())
    assert (len(server.asked), len(codes)) == (2, 1)  # the role, and the vaults


def test_another_profile_never_goes_on_with_a_session(config, monkeypatch, emulator, region, connect):
    """A variable that is set in the middle of a notebook is for the next session."""
    old = emulation.credentials(emulator.folder, 60)
    config(
        "[profile one]\n"
        f"aws_access_key_id = {old['AccessKeyId']}\naws_secret_access_key = {old['SecretAccessKey']}\n"
        f"aws_session_token = {old['SessionToken']}\n"
        "[profile two]\naws_access_key_id = emulator\naws_secret_access_key = emulator\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "one")
    session = connect(emulator=False, endpoint_url=emulator.url, region=region)
    monkeypatch.setenv("AWS_PROFILE", "two")
    session.vaults()  # nothing is wrong with the keys yet
    emulator.advance(hours=1)
    with pytest.raises(CredentialsError, match="AWS_PROFILE has changed"):
        session.vaults()
