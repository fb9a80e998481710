"""Names from strangers never leave the target folder, and are legal everywhere."""

import contextlib
import string
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.safenames import UnsafePath, alternatives, safe_parts, safe_target

NASTY = st.text(
    st.sampled_from('./\\:~ ab\0\n\x7f<>"|?*\u202e\u200d\ud800é😀%$-') | st.characters(), max_size=80
)
WORDS = st.sampled_from(
    ["..", ".", "", "CON", "nul.txt", "C:", "a", " ", "...", "com1 .x", "x" * 300, "é" * 150 + ".gz"]
)
PATHS = NASTY | st.lists(WORDS | NASTY, max_size=90).map("/".join)
DEVICES = {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(10)}


def is_legal(part: str) -> bool:
    """Tell whether *part* is a file name on every system, by rules of its own."""
    return (
        part not in {"", ".", ".."}
        and not set(part) & set('<>:"/\\|?*\x7f' + "".join(map(chr, range(32))))
        and not part.endswith((".", " "))
        and part.partition(".")[0].rstrip(" ").upper() not in DEVICES
        and len(part.encode()) <= 200
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("photos/2013/a.jpg", ("photos", "2013", "a.jpg")),
        ("../../etc/cron.d/x", ("etc", "cron.d", "x")),
        ("/etc/passwd", ("etc", "passwd")),
        ("a\0b", ("a_b",)),
        ("CON", ("_CON",)),
        ("a/con.txt/b", ("a", "_con.txt", "b")),
        ("LPT9 .log", ("_LPT9 .log",)),
        ("com¹", ("_com¹",)),
        ("console", ("console",)),
        ("C:\\Windows\\x", ("Windows", "x")),
        ("C:x", ("C_x",)),
        ("C:..\\x", ("C___", "x")),
        ("RENDERFARM5/B:/one", ("RENDERFARM5", "B_", "one")),
        ("\\\\?\\C:\\x", ("_", "C_", "x")),
        ("..\\..\\x", ("x",)),
        ("/", ("id",)),
        ("", ("id",)),
        ("../..", ("id",)),
        ("C:\\", ("id",)),
        ("👩‍🚀 ok 😀.png", ("👩‍🚀 ok 😀.png",)),
        ("<script>", ("_script_",)),
        ("what?*|\"'.txt", ("what____'.txt",)),
        ("name. . ", ("name____",)),
        ("...", ("___",)),
        (" ", ("_",)),
        ("exe.\u202egpj", ("exe._gpj",)),
        ("line\u2028break\u0085", ("line_break_",)),
        ("half\udcff", ("half_",)),
        (".bashrc", (".bashrc",)),
        ("-rf", ("-rf",)),
        ("folder/", ("folder",)),
        ("a//b/./c", ("a", "b", "c")),
    ],
    ids=ascii,
)
def test_names_become_safe_parts(name, parts):
    """Each danger has its harmless form."""
    assert safe_parts(name, fallback="id") == parts


@pytest.mark.parametrize(
    ("fallback", "part"),
    [("-id_1", "-id_1"), ("", "archive"), ("../x", ".._x"), ("..", "__"), ("nul", "_nul")],
)
def test_fallback_is_made_safe(fallback, part):
    """The fallback is one component under the same rules."""
    assert safe_parts("..", fallback=fallback) == (part,)


@given(PATHS, NASTY)
def test_parts_are_always_legal(name, fallback):
    """Whatever the name, there is a path, legal, bounded and always the same."""
    parts = safe_parts(name, fallback=fallback)
    assert 1 <= len(parts) <= 64
    assert all(map(is_legal, parts))
    assert safe_parts(name, fallback=fallback) == parts
    assert safe_parts("/".join(parts), fallback=fallback) == parts


@given(PATHS, NASTY)
def test_target_is_always_inside(name, fallback):
    """The path lies below the root, which is never the target itself."""
    root = Path("downloads")
    target = safe_target(root, name, fallback=fallback)
    assert root.resolve() in target.resolve().parents
    assert ".." not in target.parts


def test_long_components_are_cut_and_keep_their_suffix():
    """1,024 characters become 200 bytes with the suffix, at a character's border."""
    (part,) = safe_parts("x" * 1024 + ".tar.gz", fallback="id")
    assert len(part) == 200
    assert part.endswith(".tar.gz")
    (wide,) = safe_parts("😀" * 250 + ".png", fallback="id")
    assert 196 < len(wide.encode()) <= 200
    assert wide.startswith("😀😀")
    assert wide.endswith(".png")


def test_long_names_stay_different():
    """Names that differ only in what is cut or replaced do not meet."""
    names = ["x" * 300 + end for end in ("a.txt", "b.txt", "?.txt", "*.txt", ".txt")]
    names += ["y." + "z" * 400, "y." + "z" * 401]
    assert len({safe_parts(name, fallback="id") for name in names}) == len(names)


def test_short_components_are_not_touched():
    """200 bytes pass, 201 do not."""
    assert safe_parts("x" * 200, fallback="id") == ("x" * 200,)
    assert safe_parts("x" * 201, fallback="id") != ("x" * 201,)


def test_deep_paths_are_joined_at_the_end():
    """64 components pass; of more the last ones become one."""
    assert safe_parts("/".join("a" * 64), fallback="id") == ("a",) * 64
    parts = safe_parts("/".join("a" * 66), fallback="id")
    assert parts == (*("a",) * 63, "a_a_a")
    deep = [safe_parts("/".join("a" * 900) + end, fallback="id") for end in "bc"]
    assert len(deep[0]) == 64
    assert deep[0] != deep[1]


def test_target_is_the_root_and_the_parts(tmp_path):
    """The root stays as it was given."""
    assert safe_target(tmp_path, "a/../b.txt", fallback="id") == tmp_path / "a" / "b.txt"
    assert safe_target(Path("x"), "a", fallback="id") == Path("x/a")


def test_link_out_of_the_root_is_refused(tmp_path):
    """A link below the root that leads elsewhere is an error with a cure."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "door").symlink_to(outside)
    (root / "dangling").symlink_to(outside / "new")
    for name in ("door", "door/x", "door/deep/x", "dangling"):
        with pytest.raises(UnsafePath, match="remove it"):
            safe_target(root, name, fallback="id")


def test_link_to_a_neighbour_of_like_name_is_refused(tmp_path):
    """A folder whose path only begins like the root's is outside."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "root2").mkdir()
    (root / "door").symlink_to(tmp_path / "root2")
    with pytest.raises(UnsafePath):
        safe_target(root, "door/x", fallback="id")


def test_link_inside_the_root_is_followed(tmp_path):
    """A link that stays inside is the user's own matter."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert safe_target(tmp_path, "link/x", fallback="id") == tmp_path / "link" / "x"


def test_root_may_be_a_link(tmp_path):
    """A target folder that is itself a link is what the user chose."""
    (tmp_path / "real").mkdir()
    root = tmp_path / "link"
    root.symlink_to("real")
    assert safe_target(root, "x", fallback="id") == root / "x"


def test_loop_of_links_never_leads_out(tmp_path):
    """Links that chase each other are refused, or stay inside on newer Pythons."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with contextlib.suppress(UnsafePath):
        assert safe_target(tmp_path, "a/x", fallback="id") == tmp_path / "a" / "x"


def test_long_paths_become_one_component(tmp_path):
    """A path beyond the system's limit is flattened, different ones differently."""
    names = ["/".join(["x" * 190] * 60) + end for end in ("a", "b")]
    first, second = (safe_target(tmp_path, name, fallback="id") for name in names)
    assert first.parent == second.parent == tmp_path
    assert first != second


def test_long_root_is_refused(tmp_path):
    """Where even one component is too much the root is at fault."""
    root = tmp_path.resolve()
    while len(str(root)) < 3900:
        root /= "y" * 20
    with pytest.raises(UnsafePath, match="choose a target folder"):
        safe_target(root, "x" * 190, fallback="id")


def test_unsafe_path_is_a_value_error():
    """A caller may catch the built-in."""
    assert issubclass(UnsafePath, ValueError)


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.txt", "a (2).txt"),
        ("a", "a (2)"),
        (".bashrc", ".bashrc (2)"),
        ("a.tar.gz", "a (2).tar.gz"),
        ("a.TAR.XZ", "a (2).TAR.XZ"),
        ("a.tar.gz.gpg", "a (2).tar.gz.gpg"),
        ("dump.sql.gz", "dump (2).sql.gz"),
        ("v1.2.gz", "v1.2 (2).gz"),
        ("a.b.txt", "a.b (2).txt"),
        ("x.gz", "x (2).gz"),
        ("photos.2013.zip", "photos.2013 (2).zip"),
    ],
)
def test_alternatives_keep_the_suffix(name, second):
    """The number goes before the suffix, double ones included."""
    path = Path("folder") / name
    assert list(islice(alternatives(path), 2)) == [path, path.with_name(second)]


def test_alternatives_have_no_end():
    """They count upwards, all different."""
    many = list(islice(alternatives(Path("a.txt")), 1000))
    assert len(set(many)) == 1000
    assert many[999] == Path("a (1000).txt")


@given(st.text(string.ascii_letters + ". ", min_size=1).filter(lambda name: name.strip(". ")))
def test_alternatives_stay_in_the_folder(name):
    """Every alternative is a neighbour."""
    path = Path("folder") / name
    assert {other.parent for other in islice(alternatives(path), 4)} == {Path("folder")}
