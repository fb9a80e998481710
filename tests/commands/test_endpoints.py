"""Which server an endpoint leads to, and that each server has a catalogue of its own."""

import hashlib

import boto3
import pytest

import glacier_magic as gm
from glacier_magic.base.paths import catalogue_place, data_folder
from glacier_magic.errors import InputError, NotFound, RegionError
from glacier_magic.service import Connection, located


@pytest.fixture
def configured(home, monkeypatch):
    """Name an endpoint in one of the ways that botocore knows."""

    def configured(way, url):
        if way.startswith("AWS_"):
            monkeypatch.setenv(way, url)
            return
        text = {
            "services": f"[default]\nservices = mine\n[services mine]\nglacier =\n  endpoint_url = {url}\n",
            "profile": f"[default]\nendpoint_url = {url}\n",
        }[way]
        (home / "config").write_text(text)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))

    return configured


@pytest.mark.parametrize("way", ["AWS_ENDPOINT_URL_GLACIER", "AWS_ENDPOINT_URL", "services", "profile"])
def test_another_server_is_never_taken_for_aws(emulator, keys, configured, way):
    """Its catalogue, its regions and its address in the connection, however it is named."""
    configured(way, emulator.url)
    with gm.connect(region="local") as session:
        assert session.catalogue.place == str(catalogue_place(Connection(endpoint_url=emulator.url)))
        assert session.catalogue.place != str(catalogue_place(Connection()))
        assert session.connection.endpoint_url == emulator.url
        assert session.account == emulator.account


def test_endpoints_that_are_to_be_ignored_are_ignored(emulator, keys, configured, monkeypatch):
    """Then the service itself is meant, which has no such region."""
    configured("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert located(Connection()) == Connection()
    with pytest.raises(RegionError, match="local"):
        gm.connect(region="local")


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://glacier.us-east-1.amazonaws.com", True),
        ("http://GLACIER.us-east-1.amazonaws.com:80/", True),
        ("https://glacier-fips.us-gov-west-1.amazonaws.com", True),
        ("https://glacier.us-east-1.api.aws", True),
        ("https://glacier.cn-north-1.amazonaws.com.cn", True),
        ("https://vpce-0a1b-c2d3.glacier.eu-west-1.vpce.amazonaws.com", True),
        ("https://glacier.us-east-1.amazonaws.com.example.org", False),
        ("https://ec2-192-0-2-1.compute-1.amazonaws.com", False),
        ("https://x.execute-api.us-east-1.amazonaws.com/glacier.us-east-1.amazonaws.com", False),
        ("https://glacier.us-east-1.amazonaws.com@example.org", False),
        ("http://localhost:4566", False),
    ],
)
def test_the_names_that_aws_gives_its_service_share_the_real_catalogue(url, own):
    """They lead to the same archives; what only looks like one of them does not."""
    connection = Connection(endpoint_url=url)
    assert connection.elsewhere is not own
    assert (catalogue_place(connection) == catalogue_place(Connection())) is own


def test_a_catalogue_that_an_earlier_version_made_is_still_used():
    """It holds uploads and jobs that the other does not know."""
    connection = Connection(endpoint_url="https://glacier.us-east-1.amazonaws.com")
    data_folder().mkdir(parents=True)
    mark = hashlib.sha256(connection.endpoint_url.encode()).hexdigest()[:12]
    earlier = data_folder() / f"catalogue-{mark}.sqlite"
    earlier.touch()
    assert catalogue_place(connection) == earlier


def test_the_remembered_connection_keeps_the_server(
    bare, emulator, own_emulator, keys, configured, monkeypatch
):
    """Without the variable too; another variable counts more, but is not "as last time"."""
    configured("AWS_ENDPOINT_URL_GLACIER", emulator.url)
    bare.ok("connect", "--region", "local")
    monkeypatch.delenv("AWS_ENDPOINT_URL_GLACIER")
    bare.ok("vaults")
    assert "as last time" in bare.err
    assert emulator.url in bare.err
    configured("AWS_ENDPOINT_URL_GLACIER", own_emulator.url)
    bare.ok("vaults")
    assert "as last time" not in bare.err
    assert own_emulator.url in bare.err


def test_a_remembered_address_that_was_given_stays(bare, emulator, keys, configured):
    """Like an option that is given, it counts more than the environment."""
    bare.ok("connect", "--region", "local", "--endpoint-url", emulator.url)
    configured("AWS_ENDPOINT_URL_GLACIER", "http://127.0.0.1:9")
    bare.ok("vaults")
    assert "as last time" in bare.err
    assert emulator.url in bare.err


def test_what_was_stored_on_one_server_is_not_stored_on_the_other(
    bare, emulator, own_emulator, keys, configured, files, region, monkeypatch
):
    """The same vault and file on each: both receive it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    files("deed.txt")
    for server in (emulator, own_emulator):
        configured("AWS_ENDPOINT_URL_GLACIER", server.url)
        bare.ok("create", "deeds")
        assert "already stored" not in bare.ok("upload", "--vault", "deeds", "deed.txt")
        assert server.status()["archives"]


def test_the_catalogue_verbs_use_the_catalogue_that_a_session_would(
    bare, emulator, keys, configured, monkeypatch, tmp_path
):
    """Of the server that the environment or a setting names, before anything is connected."""
    bare.ok("connect", "--region", "local", "--endpoint-url", emulator.url)
    (data_folder() / "connection.json").unlink()
    configured("AWS_ENDPOINT_URL_GLACIER", emulator.url)
    bare.ok("catalogue", "backup", str(tmp_path / "one"))
    monkeypatch.delenv("AWS_ENDPOINT_URL_GLACIER")
    assert bare("catalogue", "backup", str(tmp_path / "two")) == InputError.exit_code
    monkeypatch.setenv("GLACIER_MAGIC_ENDPOINT_URL", emulator.url)
    bare.ok("catalogue", "backup", str(tmp_path / "three"))


def test_a_session_goes_on_with_the_server_it_began_with(emulator, own_emulator, keys, configured, region):
    """A variable that is set in the middle of a notebook changes no client of the session."""
    configured("AWS_ENDPOINT_URL_GLACIER", emulator.url)
    with gm.connect(region=region) as session:
        session.create_vault("photos")
        configured("AWS_ENDPOINT_URL_GLACIER", own_emulator.url)
        session.service.create_vault("more")
        assert {found.vault for found in session.vaults_everywhere([region]).found} == {"photos", "more"}
        other = session.vaults_everywhere([f"{region}-b"])
        assert not other.skipped
    assert own_emulator.client(region).list_vaults()["VaultList"] == []


def test_other_services_are_not_asked_at_the_endpoint_of_this_one(
    emulator, keys, configured, moto, empty_moto
):
    """Topics and queues have addresses of their own."""
    configured("AWS_ENDPOINT_URL_GLACIER", emulator.url)
    configured("AWS_ENDPOINT_URL_SNS", moto)
    configured("AWS_ENDPOINT_URL_SQS", moto)
    with gm.connect(region="us-east-1") as session:
        boto3.client("sqs", "us-east-1").create_queue(QueueName="there")
        assert moto in session.messaging().queue("there")
        with pytest.raises(NotFound):
            session.messaging().queue("none")


def test_nothing_of_the_environment_redirects_an_emulator(emulator, configured, region):
    """It is started for the session, which knows its address."""
    configured("AWS_ENDPOINT_URL_GLACIER", "http://127.0.0.1:9")
    with gm.connect(emulator=emulator.folder, region=region) as session:
        assert session.connection.endpoint_url == emulator.url
        assert located(session.connection) is session.connection
        assert not session.connection.configured


@pytest.mark.parametrize("text", ["services = missing", "endpoint_url = nonsense"])
def test_a_configuration_that_names_no_server_is_an_error_of_ours(home, monkeypatch, text):
    """Nothing is sent anywhere instead."""
    (home / "config").write_text(f"[default]\n{text}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    with pytest.raises(InputError, match=r"missing|nonsense"):
        gm.connect(region="us-east-1")
