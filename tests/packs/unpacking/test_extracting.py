"""Tars and zips whose members would go elsewhere, and those that go where they belong."""

import io
import os
import stat
import subprocess
import tarfile
import zipfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.errors import IntegrityError
from glacier_magic.packs.unpacking.extracting import Extraction
from tests.packs.unpacking.conftest import content
from tests.packs.unpacking.packing import tarred


def of(name, kind=tarfile.REGTYPE, target="", **fields):
    """Return a member with the fields of its header."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def zipped(members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for info, data in members:
            archive.writestr(info, data)
    return target.getvalue()


NAMES = [
    ("/etc/passwd", "etc/passwd"),
    ("../../up.txt", "up.txt"),
    ("a/../../b.txt", "a/b.txt"),
    ("C:\\Users\\x.txt", "Users/x.txt"),
    ("..\\..\\y.txt", "y.txt"),
    ("aux.txt", "_aux.txt"),
    ("bad\x1b[31m:name?.txt", "bad_[31m_name_.txt"),
]


@pytest.mark.parametrize(("name", "path"), NAMES)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_no_name_leads_out(unpack, files, name, path, kind):
    """Absolute, upwards, with a drive, or of no system."""
    data = tarred({name: b"x"}) if kind == "tar" else zipped([(name, b"x")])
    found = unpack(f"a.{kind}", data)
    assert content(found.target) == {path: b"x"}
    assert list((files.folder / "out").iterdir()) == [found.target]
    assert sorted(path.name for path in files.folder.iterdir()) == ["in", "out"]
    assert list(files.folder.parent.iterdir()) == [files.folder]


def test_names_that_some_systems_take_for_one_are_numbered(unpack):
    """In another case, composed in another way, and a file where a folder must be."""
    names = ["A.txt", "a.txt", "A.TXT", "\u00e4", "a\u0308", "Docs/x", "docs/X", "docs", "A.txt/b", "DOCS/y"]
    found = unpack("a.tar", tarred([(name, str(n).encode()) for n, name in enumerate(names)]))
    assert content(found.target) == {
        "A.txt": b"0",
        "a (2).txt": b"1",
        "a (3).txt": b"2",
        "\u00e4": b"3",
        "a\u0308 (2)": b"4",
        "Docs/x": b"5",
        "Docs/X (2)": b"6",
        "docs (2)": b"7",
        "a (4).txt/b": b"8",
        "Docs/y": b"9",
    }
    assert found.files == len(names)


def test_the_last_of_several_members_of_one_name_counts(unpack):
    """A tar that was appended to, and a pack with a file that changed while it was read."""
    found = unpack("a.tar", tarred([("a/b", b"torn"), ("c", b"1"), ("A/B", b"2"), ("a/b", b"last one")]))
    assert content(found.target) == {"a/b": b"last one", "c": b"1", "a/B (2)": b"2"}
    assert (found.files, found.size, found.omitted) == (3, 10, 0)


def test_two_thousand_members_of_one_name_are_numbered(unpack):
    """Without trying two thousand names for each."""
    names = ["".join(letters) for letters in product(*("xX",) * 11)][:2_000]
    found = unpack("a.tar", tarred([(f"a/{name}", b"") for name in names]))
    assert found.files == len(list((found.target / "a").iterdir())) == 2_000


LINKS = [
    ("l", "/etc/passwd"),
    ("l", ".."),
    ("l", "../x"),
    ("d/l", "../../x"),
    ("l", "d/../../x"),
    ("l", "d/.."),
    ("l", "C:/x"),
    ("l", "..\\x"),
    ("l", ""),
]


@pytest.mark.parametrize(("name", "target"), LINKS)
def test_no_link_leads_out(unpack, name, target):
    """Nor goes up after it went down: it could follow another link first."""
    members = [(of("d/file"), b"x"), (of(name, tarfile.SYMTYPE, target), b"")]
    found = unpack("a.tar", tarred(members))
    assert content(found.target) == {"d/file": b"x"}
    assert found.omitted == 1
    assert not any(path.is_symlink() for path in found.target.rglob("*"))


def test_nothing_is_written_through_a_link(unpack, files):
    """A folder of the same name takes its place, and the link another."""
    secret = files("secret.txt", b"mine")
    members = [
        (of("d", tarfile.SYMTYPE, "."), b""),
        (of("d/l", tarfile.SYMTYPE, "../x"), b""),
        (of("d/file"), b"x"),
        (of("out", tarfile.SYMTYPE, "../../secret.txt"), b""),
        (of("out"), b"theirs"),
        (of("h", tarfile.LNKTYPE, "../../secret.txt"), b""),
        (of("h"), b"theirs"),
    ]
    found = unpack("a.tar", tarred(members))
    assert secret.read_bytes() == b"mine"
    assert content(found.target) == {"d/file": b"x", "out": b"theirs", "h": b"theirs"}
    for path in found.target.rglob("*"):
        assert path.resolve().is_relative_to(found.target)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "a/b", "b/a", "a/b/c", "b/a/c", "c"]),
            st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=5).map("/".join),
        ),
        max_size=6,
    )
)
def test_no_chain_of_links_leads_out(tmp_path_factory, links):
    """Whatever leads where: each that is made resolves to a place inside."""
    root = tmp_path_factory.mktemp("links") / "root"
    into = Extraction(root)
    into.folder("a/b")
    for name, target in links:
        into.link(name, target)
    into.finish()
    for path in root.rglob("*"):
        try:
            assert path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError):  # a loop leads nowhere
            assert path.is_symlink()


def test_links_that_stay_inside_are_made(unpack):
    """Soft ones as they are; hard ones to the same file."""
    members = [
        (of("d/file"), b"x"),
        (of("soft", tarfile.SYMTYPE, "d/file"), b""),
        (of("d/up", tarfile.SYMTYPE, "../d/file"), b""),
        (of("hard", tarfile.LNKTYPE, "d/file"), b""),
        (of("lost", tarfile.LNKTYPE, "d/missing"), b""),
    ]
    found = unpack("a.tar", tarred(members))
    assert (found.target / "soft").readlink() == Path("d/file")
    assert (found.target / "d/up").read_bytes() == b"x"
    assert (found.target / "hard").samefile(found.target / "d/file")
    assert found.left_out == (("lost", "a link to a member that is not there"),)


def test_devices_and_sparse_files_are_left_out_by_name(unpack, files):
    """The rest is there, with times and without rights of others."""
    (files.folder / "sparse").touch()
    os.truncate(files.folder / "sparse", 1 << 20)
    files("plain", b"x")
    made = subprocess.run(["tar", "-cSf", "-", "sparse", "plain"], check=True, capture_output=True).stdout
    found = unpack("s.tar", made)
    assert content(found.target) == {"plain": b"x"}
    assert found.left_out == (("sparse", "a sparse file, which tar itself extracts"),)
    members = [
        (of("pipe", tarfile.FIFOTYPE), b""),
        (of("disk", tarfile.BLKTYPE, devmajor=8), b""),
        (of("run", mode=0o6777, mtime=1_500_000_000), b"x"),
        (of("shut", mode=0), b"x"),
        (of("late", mtime=1 << 33), b"x"),
    ]
    found = unpack("d.tar", tarred(members))
    assert content(found.target) == {"run": b"x", "shut": b"x", "late": b"x"}
    assert stat.S_IMODE((found.target / "run").stat().st_mode) == 0o755
    assert (found.target / "run").stat().st_mtime == 1_500_000_000
    assert found.omitted == 2
    assert "2 members left out:\n  pipe: a device, a pipe or another special file" in repr(found)


def test_a_zip_keeps_times_rights_and_links(unpack):
    """What Python cannot open of it is left out by name."""
    run, link, pipe = (zipfile.ZipInfo(name, (2015, 6, 1, 12, 0, 0)) for name in ("run", "link", "pipe"))
    run.external_attr, link.external_attr = 0o100755 << 16, 0o120777 << 16
    pipe.external_attr = stat.S_IFIFO << 16
    data = zipped([(run, b"x"), (link, "run"), (pipe, b""), ("folder/", b""), ("shut", b"secret")])
    at = data.rindex(b"PK\1\2")
    data = data[: at + 8] + b"\1" + data[at + 9 :]  # its directory says that it is encrypted
    found = unpack("a.zip", data)
    assert content(found.target) == {"run": b"x", "link": b"x"}
    assert (found.target / "link").readlink() == Path("run")
    assert (found.target / "folder").is_dir()
    assert stat.S_IMODE((found.target / "run").stat().st_mode) == 0o755
    assert [name for name, _ in found.left_out] == ["pipe", "shut"]


def test_a_damaged_tar_or_zip_leaves_nothing(unpack, files):
    """A header that is wrong, content that ends, a checksum that differs."""
    tar = tarred({"a": b"x" * 2000, "b": b"y" * 2000})
    for broken in (tar[:1500], tar[:2560] + b"?" * 100 + tar[2660:]):
        with pytest.raises(IntegrityError, match=r"^a\.tar: "):
            unpack("a.tar", broken)
    good = zipped([("a", b"x" * 2000)])
    for broken in (good[:-10], good.replace(b"xxx", b"yyy", 1)):
        with pytest.raises(IntegrityError, match=r"^a\.zip: "):
            unpack("a.zip", broken)
    assert list((files.folder / "out").iterdir()) == []
