"""Parts and looks inside as a user asks for them."""

import io
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, NotReady, PriceUnknown
from glacier_magic.jobs import Batch
from glacier_magic.plans import PeekPlan, RestorePlan

MIB = 1 << 20


class Face:
    """Notes what it is told, and lets hours pass while it waits."""

    program = "%glacier"
    lasting = True
    rich = False

    def __init__(self, pass_hours):
        self.notes, self.followed, self._pass_hours = [], [], pass_hours

    def note(self, text):
        self.notes.append(text)

    @contextmanager
    def progress(self, label):
        yield lambda _: None

    def offer(self, plan):
        return plan

    def wait(self, batch, timeout):
        self.followed.append(batch)
        self._pass_hours()
        return batch.wait(30.0 if timeout is None else timeout)


@pytest.fixture
def face(emulator):
    return Face(lambda: emulator.advance(hours=4.1))


@pytest.fixture
def glacier(emulator, region, face):
    """Run one line on an emulator with a zip of three MiB in a vault."""
    console = Console(face)

    def glacier(*words):
        return run(console, VERBS, list(words))

    glacier("connect", "--emulator", "--data", str(emulator.folder), "--region", region)
    yield glacier
    console.close()


@pytest.fixture
def content(glacier, files):
    """The bytes of ``a.zip`` in the vault, whose local file is gone."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in ("one\x1b[31m.txt", "two.bin"):
            archive.writestr(name, bytes(3 * MIB // 2))
    glacier("create", "photos")
    path = files("a.zip", target.getvalue())
    glacier("upload", "a.zip")
    path.unlink()
    return target.getvalue()


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (["--head", "1kB"], 0, 999),
        (["--tail", "1KiB"], -1024, None),
        (["--range", "5-9"], 5, 9),
        (["--range=-10"], -10, None),
    ],
)
def test_a_part_is_restored(glacier, content, tmp_path, words, first, last):
    """With --yes and --wait, down to the bytes."""
    plan = glacier("restore", "a.zip", "--to", str(tmp_path / "back"), *words)
    assert isinstance(plan, RestorePlan)
    batch = glacier("restore", "a.zip", "--to", str(tmp_path / "back"), "--yes", "--wait", *words)
    (file,) = batch.files
    behind = None if last is None else last + 1
    assert Path(file).read_bytes() == content[first:behind]


@pytest.mark.parametrize(
    "words",
    [
        ["restore", "a.zip", "--head", "1MB", "--tail", "1MB"],
        ["restore", "a.zip", "--head", "0"],
        ["restore", "a.zip", "--range", "5MiB"],
        ["restore", "a.zip", "--range", "1GiB-2GiB"],
        ["peek", "a.zip", "--rounds", "0"],
        ["peek", "a.zip", "--max-cost", "much"],
        ["peek", "a.zip", "--accept-unconfirmed"],
        ["capacity", "buy", "--accept-unconfirmed"],
        ["capacity", "--units", "2"],
        ["peek", "a.zip", "--as", "rar"],
        ["peek", "a.zip", "--max-bytes", "-5"],
        ["peek"],
    ],
)
def test_words_that_make_no_sense_are_errors(glacier, content, words):
    """With a cure, and nothing asked for."""
    with pytest.raises(InputError) as caught:
        glacier(*words)
    assert caught.value.cure


def test_a_look_inside_takes_a_plan_then_hours_then_nothing(glacier, content, face):
    """The plan, the jobs, the table with a note of what was paid, and the table at once."""
    assert isinstance(glacier("peek", "a.zip"), PeekPlan)
    assert isinstance(glacier("peek", "a.zip", "--yes"), Batch)
    waiting = glacier("peek", "a.zip")
    assert isinstance(waiting, Batch)  # asked for: nothing to agree to
    table = glacier("peek", "a.zip", "--wait")
    assert isinstance(table, pd.DataFrame)
    assert table["size"].to_list() == [3 * MIB // 2] * 2
    assert "paid: 1 request" in face.notes[-1]
    assert "\x1b" not in "".join(face.notes)
    waits = len(face.followed)
    assert glacier("peek", "a.zip", "--yes", "--wait").equals(table)
    assert len(face.followed) == waits


def test_a_wait_that_is_too_short_says_when_to_come_back(glacier, content, face):
    """And a limit of cost whose price is not known asks for nothing."""
    with pytest.raises(PriceUnknown):
        glacier("peek", "a.zip", "--yes", "--max-cost", "1")
    face._pass_hours = lambda: None
    with pytest.raises(NotReady):
        glacier("peek", "a.zip", "--yes", "--wait", "--timeout", "0.1s")
