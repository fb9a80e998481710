"""Keys that another program renews, in the credentials file or by ``credential_process``."""

import json
import sys

import pytest

from glacier_magic import emulator as emulation
from glacier_magic.base.rendering import snapshot_text
from glacier_magic.errors import CredentialsError
from tests.conftest import MIB, PATIENCE

EXPIRED = "the session token has expired: renew the login"


@pytest.fixture(params=["file", "program"])
def renew(request, home, emulator, monkeypatch):
    """Write new keys where boto3's chain finds them, in each of two ways."""
    keys, config = home / "keys", home / "config"
    if request.param == "program":
        (home / "print.py").write_text(f"print(open({str(keys)!r}).read())")
        config.write_text(f"[default]\ncredential_process = '{sys.executable}' '{home / 'print.py'}'\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    else:
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))

    def renew(*_):
        issued = emulation.credentials(emulator.folder, 60)
        lines = (
            f"aws_access_key_id = {issued['AccessKeyId']}",
            f"aws_secret_access_key = {issued['SecretAccessKey']}",
            f"aws_session_token = {issued['SessionToken']}",
        )
        text = json.dumps(issued) if request.param == "program" else "\n".join(["[default]", *lines])
        (home / "new").write_text(text)
        (home / "new").replace(keys)

    renew()
    return renew


@pytest.fixture
def outside(connect, emulator, renew, region, patient):
    """A session with keys that last a minute of the emulator's, for a server that is not known as one."""
    return connect(emulator=False, endpoint_url=emulator.url, region=region)


@pytest.fixture
def expire(emulator):
    """Let the keys expire at the first call of this."""
    done = []

    def expire(*_):
        if not done:
            done.append(True)
            emulator.advance(61)

    return expire


def test_an_upload_goes_on_with_keys_that_are_written_while_it_waits(
    outside, renew, expire, calls, files, small_parts, one_at_a_time, counted
):
    """It says what it waits for."""
    vault = outside.create_vault("photos")
    first = []
    calls.watch("upload_part", lambda *_: expire() if first else first.append(True))
    said = []

    def observe(report):
        said.append(report.note)
        if EXPIRED in report.note:
            renew()

    vault.upload(files("large", 4 * MIB), progress=observe)
    assert any(EXPIRED in note for note in said)
    assert len(vault.find("large")) == 1


def test_keys_that_are_new_already_are_used_at_once(outside, renew, expire, files, counted):
    """Without a word: nothing is waited for."""
    vault = outside.create_vault("photos")
    expire()
    renew()
    assert list(outside.vaults()["vault"]) == ["photos"]
    said = []
    vault.upload(files("small"), progress=lambda report: said.append(report.note))
    assert not any(said)


def test_a_restore_is_requested_once_with_the_new_keys(outside, renew, expire, files, asked, later, tmp_path):
    """The run says that the login has expired; after the renewal it goes on."""
    outside.create_vault("photos").upload(files("small"))
    plan = outside.vault("photos").restore("small", to=tmp_path / "back")
    expire()
    with pytest.raises(CredentialsError, match="session token has expired") as caught:
        plan.run()
    assert "Renew the login" in caught.value.cure
    assert asked() == []
    renew()
    plan.run()
    assert len(asked()) == 1


@pytest.mark.limits(list_retry=0.1)
def test_a_download_goes_on_with_keys_that_are_written_while_it_waits(
    outside, renew, emulator, calls, files, tmp_path
):
    """The board says what it waits for."""
    vault = outside.create_vault("photos")
    vault.upload(files("large", 3 * MIB))
    content = (files.folder / "large").read_bytes()
    batch = vault.restore("large", to=tmp_path / "back").run()
    emulator.advance(hours=5)  # the job is done, and the keys have expired
    said = []

    def show(snapshot):
        said.append(snapshot_text(snapshot))
        if "Renew the login" in said[-1] or EXPIRED in said[-1]:
            renew()

    batch.wait(PATIENCE, progress=show)
    assert any("Renew the login" in text or EXPIRED in text for text in said)
    assert (tmp_path / "back" / "large").read_bytes() == content
