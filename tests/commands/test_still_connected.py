"""A connect that fails leaves the connection as it was: nothing is paid or deleted there by mistake."""

import io

import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import GlacierError, InputError, NotConfirmed
from tests.counting import counting
from tests.faces import Terminal

WRONG = [("--profile", "absent"), ("--data", "/dev/null/emulator"), ("--profle", "archive")]


@pytest.fixture
def filled(main, files):
    """The command line, with two archives in a vault in use, and nobody at a terminal."""
    main.type(io.StringIO())
    main.ok("create", "photos")
    main.ok("upload", *(str(files(name, name.encode())) for name in ("a", "bb")))
    files("new", b"new")
    return main


@pytest.mark.parametrize("wrong", WRONG)
def test_a_script_acts_nowhere_after_a_connect_that_failed(filled, emulator, wrong):
    """Every verb that costs or deletes is refused until the user says where; reading goes on."""
    with (
        counting(emulator, "DeleteArchive") as deleted,
        counting(emulator, "InitiateJob") as requested,
        counting(emulator, "UploadArchive") as uploaded,
        counting(emulator, "PurchaseProvisionedCapacity") as bought,
        counting(emulator, "SetDataRetrievalPolicy") as policies,
    ):
        assert filled("connect", *wrong) != 0
        assert f"Still connected to the emulator in {emulator.folder}. " in filled.err
        assert "a" in filled.ok("ls")
        for words in (
            ("rm", "a", "--yes"),
            ("rm", "*", "--confirm", "photos"),
            ("restore", "a", "--yes"),
            ("upload", "new"),
            ("capacity", "buy", "--yes"),
            ("policy", "set", "free-tier", "--yes"),
        ):
            assert filled(*words) == NotConfirmed.exit_code, filled.err
            assert "this would act on the emulator in" in filled.err
            assert "glacier-magic connect --keep" in filled.err
        assert (deleted(), requested(), uploaded(), bought(), policies()) == (0, 0, 0, 0, 0)
        filled.ok("connect", "--keep")
        filled.ok("upload", "new")
        filled.ok("rm", "a", "--yes")
        assert (deleted(), uploaded()) == (1, 1)


def test_a_connect_that_succeeds_ends_the_doubt(filled, emulator, region):
    """No further question."""
    assert filled("connect", "--profile", "absent") != 0
    filled.ok("connect", "--data", str(emulator.folder), "--region", region)
    with counting(emulator, "DeleteArchive") as deleted:
        filled.ok("rm", "a", "--yes")
        assert deleted() == 1


def test_a_user_at_a_terminal_is_shown_where_and_asked_once(filled, emulator):
    """The answer to the plan is the confirmation, for the verbs that follow as well."""

    assert filled("connect", "--profile", "absent") != 0
    with counting(emulator, "DeleteArchive") as deleted:
        filled.type(Terminal("n\n"))
        filled.ok("rm", "a")
        assert "The last connect failed. This is for the emulator in" in filled.err
        assert deleted() == 0
        assert filled("rm", "a", "--yes") == NotConfirmed.exit_code
        filled.type(Terminal("y\n"))
        filled.ok("rm", "a")
        filled.ok("rm", "bb", "--yes")
        assert deleted() == 2


def test_the_first_connect_of_all_has_nothing_to_stay_with(bare):
    """And none is named."""
    assert bare("connect", "--profile", "absent") == InputError.exit_code
    assert "Still connected" not in bare.err


def test_settings_do_not_end_the_doubt(filled, emulator, region, keys, monkeypatch):
    """Where profile, region or endpoint come from the environment, too."""
    monkeypatch.setenv("GLACIER_MAGIC_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("GLACIER_MAGIC_REGION", region)
    assert filled("connect", "--profile", "absent") != 0
    with counting(emulator, "DeleteArchive") as deleted, counting(emulator, "UploadArchive") as uploaded:
        for words in (("rm", "a", "--vault", "photos", "--yes"), ("upload", "new", "--vault", "photos")):
            assert filled(*words) == NotConfirmed.exit_code, filled.err
        assert (deleted(), uploaded()) == (0, 0)
        filled.ok("connect", "--keep")
        filled.ok("rm", "a", "--vault", "photos", "--yes")
        assert deleted() == 1


def test_after_a_first_connect_that_failed_nothing_is_spent_elsewhere(
    bare, emulator, region, keys, monkeypatch, client, files
):
    """The next verb would connect by boto3's default chain."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLACIER", emulator.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    client.create_vault(vaultName="photos")
    bare.type(io.StringIO())
    assert bare("connect", "--profile", "absent") == InputError.exit_code
    with counting(emulator, "UploadArchive") as uploaded:
        words = ("upload", str(files("new", b"new")), "--vault", "photos")
        assert bare(*words) == NotConfirmed.exit_code, bare.err
        assert uploaded() == 0
        bare.ok("connect", "--keep")
        bare.ok(*words)
        assert uploaded() == 1


def test_a_notebook_keeps_its_session(face, sessions, emulator, region, session_place, monkeypatch):
    """The same console goes on, and asks before it deletes."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    console = Console(face, sessions=sessions)

    def glacier(*words):
        return run(console, VERBS, words)

    try:
        glacier("connect", "--data", str(emulator.folder), "--region", region)
        glacier("create", "photos")
        session = console.session
        with pytest.raises(GlacierError, match="Still connected to the emulator"):
            glacier("connect", "--profile", "absent")
        assert console.session is session
        with counting(emulator, "PurchaseProvisionedCapacity") as bought:
            with pytest.raises(NotConfirmed, match="connect --keep"):
                glacier("capacity", "buy", "--yes")
            face.rich = True
            with pytest.raises(NotConfirmed, match="connect --keep"):
                glacier("upload")  # the panel stores what the browser sends at once
            assert bought() == 0
    finally:
        console.close()


@pytest.fixture
def face():
    """A face of a notebook without a page."""
    from types import SimpleNamespace

    return SimpleNamespace(program="%glacier", lasting=True, rich=False, note=lambda _: None)
