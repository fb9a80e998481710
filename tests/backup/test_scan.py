"""What a backup takes: files on a real disk, and rules as git has them."""

import os
import shutil
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacier_magic.backup.rules import Rules, patterns
from glacier_magic.backup.scan import Scan
from glacier_magic.errors import InputError

TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a program\n"


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes files below a folder, each with its path as content."""
    root = tmp_path / "root"

    def write(*paths):
        for path in paths:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path)
        return root

    return write


def taken(root, **rules):
    return [entry.path for entry in Scan([root], Rules(**rules))]


def test_entries_come_in_the_order_of_their_paths_a_folder_first(tree):
    root = tree("b/z", "b/a/x", "a.txt", "b.txt")
    assert taken(root) == ["a.txt", "b.txt", "b", "b/a", "b/a/x", "b/z"]
    keys = [entry.key for entry in Scan([root], Rules())]
    assert keys == sorted(keys) == ["a.txt", "b.txt", "b/", "b/a/", "b/a/x", "b/z"]


def test_an_entry_has_the_facts_of_lstat(tree):
    root = tree("file")
    os.link(root / "file", root / "other name")
    (root / "link").symlink_to("nowhere")
    file, link, other = Scan([root], Rules())
    facts = (root / "file").lstat()
    assert (file.size, file.mtime_ns, file.inode, file.links) == (4, facts.st_mtime_ns, facts.st_ino, 2)
    assert (other.inode, other.kind) == (file.inode, "file")
    assert (link.kind, link.target, link.size) == ("link", "nowhere", 0)


def test_links_are_not_followed_but_a_root_is(tree, tmp_path):
    root = tree("folder/file")
    (root / "folder" / "circle").symlink_to(root, target_is_directory=True)
    (tmp_path / "named").symlink_to(root, target_is_directory=True)
    assert taken(tmp_path / "named") == ["folder", "folder/circle", "folder/file"]


def test_paths_of_several_roots_begin_with_their_names(tree, tmp_path):
    root = tree("one/a", "two/b", "three")
    scan = Scan([root / "two", root / "one", root / "three"], Rules())
    assert [entry.path for entry in scan] == ["one", "one/a", "three", "two", "two/b"]
    (tmp_path / "one").mkdir()
    with pytest.raises(InputError, match="have one name"):
        Scan([root / "one", tmp_path / "one"], Rules())
    with pytest.raises(InputError, match="does not exist"):
        Scan([root / "four"], Rules())


def test_what_rules_leave_out_is_counted_and_not_entered(tree):
    root = tree("a.tmp", "keep.tmp", "cache/a", "cache/b", "made/CACHEDIR.TAG", "off/.nobackup", "big")
    (root / "made" / "CACHEDIR.TAG").write_text(TAG)
    (root / "big").write_bytes(bytes(2000))
    rules = Rules(
        exclude=("*.tmp", "!keep.tmp", "/cache/"), larger=1000, if_present=(".nobackup",), caches=True
    )
    scan = Scan([root], rules)
    assert [entry.path for entry in scan] == ["keep.tmp"]
    assert scan.left_out == {
        "*.tmp": 1,
        "!keep.tmp": 0,
        "/cache/": 1,
        "is a cache": 1,
        "holds .nobackup": 1,
        "larger than 1000 B": 1,
    }


def test_a_folders_own_rules_are_about_what_it_holds(tree):
    root = tree("a.log", "in/a.log", "in/b.log", "in/deep/a.log", "in/deep/keep.log", "in/deep/c")
    (root / "in" / ".glacierignore").write_text("*.log\n# a comment\n\n/deep/c\n")
    (root / "in" / "deep" / ".glacierignore").write_text("!keep.log\n")
    assert taken(root, exclude=("b.log",)) == [
        "a.log",
        "in",
        "in/.glacierignore",
        "in/deep",
        "in/deep/.glacierignore",
        "in/deep/keep.log",
    ]


def test_a_tag_without_its_signature_marks_no_cache(tree):
    assert taken(tree("folder/CACHEDIR.TAG"), caches=True) == ["folder", "folder/CACHEDIR.TAG"]


def test_what_cannot_be_stored_is_named(tree):
    root = tree("file")
    os.mkfifo(root / "pipe")
    scan = Scan([root], Rules())
    assert [entry.path for entry in scan] == ["file"]
    assert scan.unreadable == [("pipe", "is not a file, folder or link")]


def test_a_folder_that_is_gone_meanwhile_is_named(tree):
    root = tree("a/x", "b/x")
    scan = Scan([root], Rules())
    entries = iter(scan)
    assert next(entries).path == "a"
    shutil.rmtree(root / "b")
    assert [entry.path for entry in entries] == ["a/x"]
    assert scan.unreadable == [("b", "No such file or directory")]


def test_a_name_that_is_no_utf8_is_taken(tree):
    root = tree("a")
    name = os.fsdecode(b"caf\xe9")
    (root / name).touch()
    assert taken(root) == ["a", name]


def test_a_wrong_pattern_is_refused_before_the_first_file():
    with pytest.raises(InputError, match=r"'!' is not a pattern"):
        Rules(exclude=("*.tmp", "!"))


IDIOMS = (
    ("*.b",),
    ("a", "!a.b"),
    ("/a/", "b"),
    ("a/**", "!a/b"),
    ("*", "!*/", "!*.b"),  # nothing but files of one kind
    ("**/a/b", "[ab]/a.b"),
    ("/*", "!/a", "a/*", "!a/b/"),
    ("ab/", "!ab/", "a?"),
    (r"\[a]", "# a comment", "", "b  "),
    ("é", "a/**/b"),
)
SEGMENTS = ("a", "b", "ab", "a.b", "[a]", "é", "*", "a*", "a?", "*.b", "[ab]", "**")
LINES = st.builds(
    lambda bang, start, body, end: bang + start + body + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/", "**/"]),
    st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "/"]),
).filter(lambda line: not line.endswith("/**/"))  # "a/**/" is "a/" to the library


@pytest.fixture(scope="module")
def by_git(tmp_path_factory):
    """Return a folder, and a function that returns which of its files git takes with some rules."""
    if not shutil.which("git"):
        pytest.skip("git says what a pattern means")
    place = tmp_path_factory.mktemp("git")
    root, rules = place / "root", place / "rules"
    deep = [root / outer / inner for outer in ("a", "b", "ab") for inner in ("a", "b")]
    for folder in (root, *(folder.parent for folder in deep), *deep):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in {root, *(folder.parent for folder in deep), *deep}:
        for name in ("a", "b", "ab", "a.b", "[a]", "é"):
            if not (folder / name).is_dir():
                (folder / name).touch()
    git = ["git", f"--git-dir={place / 'git'}", f"--work-tree={root}"]
    subprocess.run([*git, "init", "-q"], check=True)

    def taken_by_git(lines):
        rules.write_text("\n".join(lines) + "\n", encoding="utf-8")
        listing = [*git, "ls-files", "-z", "--others", f"--exclude-from={rules}"]
        listed = subprocess.run(listing, capture_output=True, check=True, cwd=root).stdout
        return {os.fsdecode(name) for name in listed.split(b"\0") if name}

    return root, taken_by_git


@pytest.mark.parametrize("lines", IDIOMS)
def test_idioms_mean_what_they_mean_to_git(lines, by_git):
    root, taken_by_git = by_git
    scan = Scan([root], Rules(exclude=lines))
    assert {entry.path for entry in scan if entry.kind == "file"} == taken_by_git(lines)


@example(lines=["a", "**/*/", "!a"])
@given(lines=st.lists(LINES, min_size=1, max_size=4))
def test_patterns_mean_what_they_mean_to_git(lines, by_git):
    root, taken_by_git = by_git
    scan = Scan([root], Rules(exclude=tuple(lines)))
    assert {entry.path for entry in scan if entry.kind == "file"} == taken_by_git(lines)


def test_a_later_pattern_wins():
    rules = patterns(["*.tmp", "!a.tmp", "/a.tmp"])
    assert rules.rule("b/a.tmp") == (False, "!a.tmp")
    assert rules.rule("a.tmp") == (True, "/a.tmp")
    assert rules.rule("a.txt") is None
