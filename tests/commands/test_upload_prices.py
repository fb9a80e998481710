"""``upload`` in a shell: a cheap one starts at once and says its price, a dear one asks first."""

import io

import pytest

from glacier_magic.base.paths import data_folder
from tests.counting import counting
from tests.faces import Terminal


@pytest.fixture
def shell(main, files):
    """A vault, twelve files, and a price of one cent for a request."""
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[all]\nupload-requests = 10\nstorage = 1\n")
    main.ok("create", "photos")
    main.type(io.StringIO())
    for number in range(12):
        files(f"mail/{number:02}.eml", b"%02d" % number)
    return main


@pytest.fixture
def sent(emulator):
    """Return how many files have reached the emulator."""
    with counting(emulator, "UploadArchive") as count:
        yield count


def test_a_cheap_upload_starts_and_says_its_price(shell, sent):
    """Ten cents need no question."""
    shell.ok("upload", "mail/0*.eml")
    assert "10 upload requests: $0.1000; storage: $0.0004 a month." in shell.err
    assert sent() == 10
    shell.ok("upload", "mail/0*.eml")
    assert "upload request" not in shell.err
    assert sent() == 10


def test_a_dear_upload_asks(shell, sent):
    """A script is told of --yes; a user types yes."""
    assert shell("upload", "-r", "mail") == 2
    assert "Upload 12 files" in shell.out
    assert "requests: 12" in shell.out
    assert "price: $0.1200" in shell.out
    assert "a month" in shell.out
    assert "--yes" in shell.err
    shell.type(Terminal("n\n"))
    shell.ok("upload", "-r", "mail")
    assert sent() == 0
    shell.type(Terminal("y\n"))
    assert "mail/11.eml" in shell.ok("upload", "-r", "mail")
    assert sent() == 12


def test_yes_and_a_setting_need_no_question(shell, sent, monkeypatch):
    """The setting is an amount; one that is none is refused."""
    shell.ok("upload", "-r", "mail", "--yes")
    assert sent() == 12
    monkeypatch.setenv("GLACIER_MAGIC_ASK_ABOVE", "much")
    assert shell("upload", "-r", "mail", "--again") == 2
    monkeypatch.setenv("GLACIER_MAGIC_ASK_ABOVE", "0.12")
    shell.ok("upload", "-r", "mail", "--again")
    assert sent() == 24


@pytest.mark.parametrize("more", [(), ("--yes",), ("--ask-above", "5")])
def test_a_limit_sends_nothing(shell, sent, more):
    """Whatever else is said."""
    assert shell("upload", "-r", "mail", "--max-cost", "0.11", *more) != 0
    assert sent() == 0
    shell.ok("upload", "-r", "mail", "--max-cost", "0.12", "--yes")
    assert sent() == 12


def test_the_price_of_a_stream_is_said_afterwards(shell, emulator):
    """A start, a part and a completion; a limit is compared with the most that a stream can take."""
    shell.type(io.TextIOWrapper(io.BytesIO(b"content")))
    with counting(emulator, "UploadMultipartPart") as parts:
        assert shell("upload", "--stdin", "--name", "a", "--max-cost", "100") == 8
        assert "$100.02" in shell.err
        assert parts() == 0
        shell.ok("upload", "--stdin", "--name", "a", "--max-cost", "101")
        assert parts() == 1
    assert "3 upload requests: $0.0300" in shell.err
