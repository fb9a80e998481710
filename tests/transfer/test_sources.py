"""The files of an upload: what cannot be stored is left out with the reason, and stops nothing."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from glacier_magic.base.units import LARGEST_ARCHIVE
from glacier_magic.errors import InputError, LocalError
from glacier_magic.transfer.sources import find

LATIN = os.fsdecode(b"caf\xe9.txt")


def dangling(path):
    path.symlink_to("gone")


def loop(path):
    path.symlink_to(path.name)


def bound(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)  # the address of a socket is short


def huge(path):
    path.touch()
    os.truncate(path, LARGEST_ARCHIVE + 1)


def in_year_2300(path):
    path.write_text("x")
    os.utime(path, ns=(1 << 63, 1 << 63))


ODD = {
    "empty": ("empty.txt", lambda path: path.touch(), "it is empty"),
    "dangling link": ("link.txt", dangling, "it cannot be read: No such file"),
    "loop of links": ("loop.txt", loop, "it cannot be read: Too many"),
    "pipe": ("pipe.txt", os.mkfifo, "it is not a regular file"),
    "socket": ("socket.txt", bound, "it is not a regular file"),
    "no UTF-8": (LATIN, lambda path: path.write_text("x"), "it cannot be described: The name"),
    "long": ("x" * 240 + ".txt", lambda path: path.write_text("x"), "it cannot be described: The name has"),
    "huge": ("huge.txt", huge, "it is larger than 40,000 GiB"),
    "late": ("late.txt", in_year_2300, "it was changed in a year"),
}
WAYS = {
    "recursive": ["{}"],
    "recursive glob": ["{}/*"],
    "glob": ["{}/*.txt"],
    "glob of all levels": ["**/*.txt"],
    "glob of a shell": ["{}/good.txt", "{}/{}"],
}


@pytest.fixture(params=ODD)
def odd(request, files, monkeypatch):
    """A folder with a good file and an odd one: both names, and why the odd one cannot be stored."""
    name, make, reason = ODD[request.param]
    folder = "/".join(["あ" * 80] * 3) if request.param == "long" else "scans"
    # Many file systems hold neither so long a file nor so late a time; memory does.
    base = tempfile.mkdtemp(dir="/dev/shm") if request.param in ("huge", "late") else files.folder
    inside = Path(base, folder)
    inside.mkdir(parents=True)
    (inside / "good.txt").write_bytes(b"content")
    monkeypatch.chdir(inside)
    make(inside / name)
    monkeypatch.chdir(base)
    yield folder, name, reason
    if base != files.folder:
        shutil.rmtree(base)


@pytest.mark.parametrize("way", WAYS)
def test_an_odd_entry_is_left_out_and_the_others_are_found(odd, way):
    """In each way to name the files of a folder; the glob of a shell comes as words."""
    folder, name, reason = odd
    found = find([word.format(folder, name) for word in WAYS[way]], recursive="recursive" in way)
    assert [source.path.name for source in found.files] == ["good.txt"]
    ((path, why),) = found.skipped
    assert path == f"{folder}/{name}"
    assert why.startswith(reason)


def test_an_odd_file_that_is_the_only_word_is_an_error(odd):
    """It is the mistake of who named it; found by a glob or in a folder, the disk is to blame."""
    folder, name, reason = odd
    with pytest.raises((InputError, LocalError), match=reason.removeprefix("it ")):
        find([f"{folder}/{name}"])
    (good,) = find([f"{folder}/good.txt"]).files
    good.path.unlink()
    for words in ([folder], [f"{folder}/*"]):
        with pytest.raises(LocalError, match=reason):
            find(words, recursive=True)


@pytest.mark.parametrize("words", [["*"], ["good.txt", "below"]])
def test_a_folder_beside_files_needs_recursive(files, words):
    """The files go up without it."""
    files("good.txt")
    files("below/inside.txt")
    found = find(words)
    assert [source.name for source in found.files] == ["good.txt"]
    ((path, why),) = found.skipped
    assert path == "below"
    assert why.startswith("it is a folder. Add ")
    assert len(find(words, recursive=True).files) == 2
    with pytest.raises(InputError, match="is a folder"):
        find(["below"])


def test_an_empty_folder_beside_others_is_left_out(files):
    files("good/a.txt")
    (files.folder / "empty").mkdir()
    assert find(["*"], recursive=True).skipped == [("empty", "it has no file in it")]
    with pytest.raises(InputError, match="no file"):
        find(["empty"], recursive=True)


def test_links_to_folders_are_not_followed_on_the_way_down(files):
    """Two that lead up would make a million paths of one file; a link that is named is followed."""
    files("top/a.txt")
    (files.folder / "top" / "one").symlink_to(".")
    (files.folder / "top" / "two").symlink_to("..")
    for words in (["**/*.txt"], ["top/**"], ["top/**/*"], ["**/top/**/*.txt"]):
        assert [source.name for source in find(words).files] == ["top/a.txt"]
    for words in (["top"], ["top/*"]):
        found = find(words, recursive=True)
        assert [source.name for source in found.files] == ["top/a.txt"]
        assert {why for _, why in found.skipped} == {"it is a link to a folder"}
    assert [source.name for source in find(["top/one"], recursive=True).files] == ["top/one/a.txt"]


def test_a_glob_of_all_levels_leaves_hidden_folders_out(files):
    for name in ("a.txt", "x/[1]/b.txt", ".git/c.txt", "x/.d.txt"):
        files(name)
    assert sorted(source.name for source in find(["**/*.txt"]).files) == ["a.txt", "x/[1]/b.txt"]
    assert [source.name for source in find(["x/**"]).files] == ["x/[1]/b.txt"]


def test_a_tilde_is_a_home_only_where_no_file_has_it(files, home):
    """Word's locks are called so, and a shell's glob finds them."""
    files("~$1.doc")
    files("~/inside.txt")
    assert [source.name for source in find(["~$1.doc", "~/inside.txt"]).files] == ["~$1.doc", "~/inside.txt"]
    with pytest.raises(InputError, match="matches"):
        find(["~nobody-of-this-name/x"])


@pytest.mark.skipif(os.name == "nt" or shutil.which("setpriv") is None, reason="needs setpriv")
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_folders_that_cannot_be_read_are_left_out(files, mode):
    """As ``lost+found`` is for all but root, which this test is not, either."""
    files("good.txt")
    files("lost/inside.txt")
    (files.folder / "lost").chmod(mode)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    code = (
        "import os; from glacier_magic.transfer.sources import find\n"
        "for words in ['.'], ['*'], ['*', 'lost/*'][:1 + os.access('lost', os.R_OK)]:\n"
        "    found = find(words, recursive=True)\n"
        "    print([source.name for source in found.files], *found.skipped)"
    )
    try:
        done = subprocess.run(
            [*drop, sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
    finally:
        (files.folder / "lost").chmod(0o700)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all(line.startswith("['good.txt'] ('") for line in lines), lines
    assert all("it cannot be read: Permission denied" in line for line in lines)
    assert len(lines) == 3


def test_names_of_absolute_paths_start_at_a_root(files):
    """Below the root; elsewhere at the last component, as without one."""
    files("trip/day 1/a.jpg")
    root = files.folder
    for word in (root / "trip", root / "trip" / "day 1", root / "trip" / "day 1" / "a.jpg"):
        assert [s.name for s in find([str(word)], recursive=True, root=root).files] == ["trip/day 1/a.jpg"]
    assert [s.name for s in find([str(root / "trip")], recursive=True, root=root / "other").files] == [
        "trip/day 1/a.jpg"
    ]
    assert [s.name for s in find([str(root)], recursive=True, root=root).files] == ["trip/day 1/a.jpg"]
