"""Which login counts, the remembered one or that of the environment, and a change of the account."""

import io

import pytest

from glacier_magic.errors import NotConfirmed
from tests.counting import counting
from tests.faces import Terminal


@pytest.fixture
def two(home, emulator, own_emulator, region, monkeypatch, tmp_path):
    """Two profiles, of two accounts on two servers, whose archives are in one catalogue."""
    assert emulator.account != own_emulator.account
    text = ""
    for name, server in (("archive", emulator), ("work", own_emulator)):
        server.client(region).create_vault(vaultName="photos")
        text += (
            f"[profile {name}]\nregion = {region}\nservices = {name}\n"
            "aws_access_key_id = emulator\naws_secret_access_key = emulator\n"
            f"[services {name}]\nglacier =\n  endpoint_url = {server.url}\n"
        )
    (home / "config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "catalogue.sqlite"))
    return emulator, own_emulator


def test_a_profile_that_was_named_last_counts(bare, two, monkeypatch):
    """``connect --profile`` before a variable that was there, and a newer variable before both."""
    monkeypatch.setenv("AWS_PROFILE", "work")
    bare.ok("connect", "--profile", "archive")
    bare.ok("vaults")
    assert "as last time: profile archive" in bare.err
    assert "(named in the last connect, which comes before AWS_PROFILE=work)" in bare.err
    monkeypatch.delenv("AWS_PROFILE")
    bare.ok("vaults")
    assert "as last time: profile archive" in bare.err
    assert "(" not in bare.err
    bare.ok("connect", "--profile", "archive")
    monkeypatch.setenv("AWS_PROFILE", "work")
    bare.ok("vaults")
    assert "Connected: AWS_PROFILE=work" in bare.err
    assert two[1].url in bare.err
    assert "(AWS_PROFILE=work was set after the last connect, to profile archive)" in bare.err
    monkeypatch.setenv("AWS_PROFILE", "archive")  # the same: nothing to say
    bare.ok("vaults")
    assert "as last time: profile archive" in bare.err
    assert "(" not in bare.err


def test_keys_in_the_environment_count_like_a_profile(bare, two, emulator, monkeypatch):
    """A tool that runs a command with keys of its own sets no profile."""
    bare.ok("connect", "--profile", "work")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    monkeypatch.setenv("AWS_REGION", "elsewhere-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLACIER", emulator.url)
    bare.ok("vaults")
    assert f"Connected: AWS_ACCESS_KEY_ID, elsewhere-1, {emulator.url}" in bare.err
    assert "(AWS_ACCESS_KEY_ID was set after the last connect, to profile work)" in bare.err


def test_a_setting_comes_before_the_environment(bare, two, monkeypatch):
    """As an option does."""
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("GLACIER_MAGIC_PROFILE", "archive")
    bare.ok("vaults")
    assert "Connected: profile archive" in bare.err
    assert "(a setting, which comes before AWS_PROFILE=work)" in bare.err


def test_nothing_is_spent_in_another_account_unasked(bare, two, files, monkeypatch):
    """A script is refused until the user says where; reading goes on."""
    bare.type(io.StringIO())
    bare.ok("connect", "--profile", "archive")
    monkeypatch.setenv("AWS_PROFILE", "work")
    words = ("upload", str(files("new", b"new")), "--vault", "photos")
    with counting(two[1], "UploadArchive") as uploaded:
        for _ in range(2):
            assert bare(*words) == NotConfirmed.exit_code, bare.err
        assert "The account is another than last time: ********" in bare.err
        assert two[0].account not in bare.err
        assert "glacier-magic connect --keep" in bare.err
        bare.ok("vaults")
        assert uploaded() == 0
        bare.ok("connect", "--keep")
        bare.ok(*words)
        assert uploaded() == 1
        assert "another" not in bare.err
        monkeypatch.delenv("AWS_PROFILE")
        assert bare(*words) == NotConfirmed.exit_code
        bare.ok("connect", "--profile", "work")  # says where it is, and confirms it
        assert "The account is another" not in bare.err
        bare.ok("connect", "--profile", "archive")
        assert "The account is another than last time" in bare.err
        bare.ok(*words)


def test_a_user_at_a_terminal_is_asked_once(bare, two, files, monkeypatch):
    """The answer to the plan is the confirmation."""

    bare.ok("connect", "--profile", "work")
    bare.ok("upload", str(files("a", b"a")), str(files("bb", b"bb")), "--vault", "photos")
    bare.ok("connect", "--profile", "archive")
    monkeypatch.setenv("AWS_PROFILE", "work")
    with counting(two[1], "DeleteArchive") as deleted:
        bare.type(Terminal("y\n"))
        bare.ok("rm", "a", "--vault", "photos")
        assert "The account is another than last time" in bare.err
        assert "This is for AWS_PROFILE=work" in bare.err
        bare.ok("rm", "bb", "--vault", "photos", "--yes")
        assert deleted() == 2
