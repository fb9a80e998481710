"""Labels and notes on archives and snapshots, as they are typed."""

import pytest

from tests.packed import place, write


@pytest.fixture
def typed(main, tmp_path):
    """The command line with a vault in use, three archives, and a plain set of two snapshots."""
    main.ok("create", "photos")
    main.ok("use", "photos")
    write(tmp_path / "scans", a=b"1", b=b"22", c=b"333")
    main.ok("upload", *(str(tmp_path / "scans" / name) for name in "abc"))
    write(tmp_path / "disk", a__x=b"1", b=b"2")
    main.ok("backup", "home", str(tmp_path / "disk"), "--plain", "--label", "first")
    place(tmp_path / "disk/b", b"22")
    main.ok("backup", "home", "--note", "all fine")
    return main


def test_archives_are_found_by_their_labels(typed, calls):
    """They are changed and shown without a request; the column is there where a row has one."""
    sent = []
    calls.watch("describe_vault", lambda *_: sent.append(1))
    assert "labels" not in typed.ok("ls", "a").splitlines()[0]
    shown = typed.ok("label", "a", "b", "--add", "db", "--add", "old", "--note", "of the\nserver")
    given = ["a", "db", "old", "of", "the", "server"]
    assert shown.split() == ["name", "labels", "note", *given, "b", *given[1:]]
    typed.ok("label", "b", "--remove", "old", "--note", "")
    assert typed.ok("label", "b").split() == ["name", "labels", "b", "db"]
    heading, *rows = typed.ok("ls", "--label", "db").splitlines()
    assert "labels" in heading
    assert [row.split()[0] for row in rows] == ["a", "b"]
    where = ("--where", "size > 0 or size = 0")
    assert typed.ok("ls", "--label", "db", "--label", "old", *where, "-q").split()[0] == "a"
    assert typed.ok("ls", "--where", "labels <> 'db' and name = 'c'", "-q").split()[0] == "c"
    typed.ok("rm", "*", "--where", "labels = 'old'", "--yes")
    assert [row.split()[0] for row in typed.ok("ls", "?", "-q").splitlines()] == ["b", "c"]
    assert sent == []


def test_snapshots_are_kept_by_their_labels(typed):
    """A number or a date names one; a run gives labels to its snapshot, or to the last if nothing is new."""
    shown = typed.ok("snapshots", "home", "--columns", "snapshot,labels,note", "-q")
    assert [line.split() for line in shown.splitlines()] == [["1", "first"], ["2", "all", "fine"]]
    assert "nothing is new" in typed.ok("backup", "home", "--label", "last")
    typed.ok("label", "home@2", "home@2999", "--add", "both")
    assert "last both" not in typed.ok("label", "home@1")
    assert typed.ok("label", "home@2").split()[3:] == ["home@2", "both", "last", "all", "fine"]
    assert "kept: 1 (label first), 2 (newest)" in typed.ok("prune", "home", "--keep-label", "first")
    assert typed("prune", "home", "--keep-label", "last") != 0
    assert "given up: 1 " in typed.out


def test_mistakes_change_nothing(typed):
    before = typed.ok("ls", "--csv", "*")
    for words, message in (
        (("label",), "There is nothing to label"),
        (("label", "a", "--add", "two words"), "'two words' cannot be a label"),
        (("label", "a", "nowhere", "--add", "x"), "Nothing in 'photos' matches 'nowhere'"),
        (("label", "a", "home@9", "--add", "x"), "'home' has no snapshot 9"),
        (("label", "home@soon", "--add", "x"), "'soon' is neither the number of a snapshot nor a date"),
        (("snapshots", "home", "--diff", "soon", "2"), "'soon' is neither the number"),
        (("backup", "home", "--note", "\x1b[1m"), "This cannot be a note"),
    ):
        assert typed(*words) != 0
        assert message in typed.err
    assert typed.ok("ls", "--csv", "*") == before
