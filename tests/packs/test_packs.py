"""Packs: written whole or not at all, and read by ranges."""

import hashlib
import json
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import InputError, IntegrityError, LocalError
from glacier_magic.packs import PackMember, PackReader, PackWriter, walk
from glacier_magic.packs.reader import TAIL
from glacier_magic.packs.zstd_frames import FRAME

MIB = 1 << 20


def members(reader):
    about, *found = reader.index()
    return about, {member.path: member for member in found}


def test_the_index_has_every_member_with_its_hash(tree, packed, reading):
    """And what the pack is about."""
    pack = packed(tree, about={"set": "photos", "number": 7})
    about, found = members(reading(pack)[0])
    assert about == {"set": "photos", "number": 7, "version": 1}
    assert list(found) == [path for path, _ in walk(tree)]
    for path, source in walk(tree):
        status, member = os.lstat(source), found[path]
        assert (member.mtime, member.mode) == (status.st_mtime_ns, stat.S_IMODE(status.st_mode))
        if member.kind == "file":
            assert member.sha256 == hashlib.sha256(Path(source).read_bytes()).hexdigest()
    assert found["a/to nowhere"].target == "missing/./target"
    assert (found["z/same as small"].kind, found["z/same as small"].target) == ("hardlink", "small")
    assert found["small"].size == 7
    assert not any(member.torn for member in found.values())


def test_the_service_knows_it_by_its_tree_hash(tree, packed):
    """The hash is of the file as it is on the disk."""
    pack = packed(tree)
    data = pack.file.read_bytes()
    assert (pack.size, pack.tree_hash) == (len(data), tree_hash(data))


def test_members_lie_in_the_order_of_their_folders(tmp_path):
    """So that a folder is one range: "a-b" does not come between "a" and "a/c"."""
    for name in ("a/c/d", "a-b/x", "a/b", "b"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path for path, _ in walk(tmp_path)] == ["a", "a/b", "a/c", "a/c/d", "a-b", "a-b/x", "b"]


def test_one_member_is_one_range(tree, packed, reading):
    """With the head and the table known, as the catalogue has them: no other byte is read."""
    pack = packed(tree)
    reader, file = reading(pack, table=pack.table)
    _, found = members(reader)
    for path, source in walk(tree):
        if found[path].kind == "file":
            file.asked.clear()
            assert b"".join(reader.read(found[path])) == Path(source).read_bytes()
            assert len(file.asked) == (1 if found[path].size else 0)


def test_a_small_member_of_a_large_pack_costs_one_frame(tmp_path, packed, reading):
    """At most 6 MiB with whole MiB, where nothing can be compressed."""
    (tmp_path / "many").mkdir()
    for number in range(60):
        size = (10_000, 300_000, 2 * MIB, 2_500_000)[number % 4]
        (tmp_path / f"many/{number:02}").write_bytes(os.urandom(size))
    pack = packed(tmp_path / "many")
    reader, file = reading(pack, table=pack.table)
    _, found = members(reader)
    for member in found.values():
        file.asked.clear()
        assert hashlib.sha256(b"".join(reader.read(member))).hexdigest() == member.sha256
        ((start, end),) = file.asked
        if member.size <= 2 * MIB:
            first, last = reader.table.span(member.start, member.start + member.size)
            assert last - first <= FRAME + 1000
            assert -(-end // MIB) * MIB - start // MIB * MIB <= 6 * MIB


def test_key_and_file_alone_give_the_index_in_three_ranges(tmp_path, packed, reading):
    """The head, the tail, and the rest of an index that is longer."""
    (tmp_path / "many").mkdir()
    (tmp_path / "many/first").write_bytes(os.urandom(3 * MIB))
    for number in range(300):
        (tmp_path / f"many/{number}").write_bytes(b"%d" % number)
    reader, file = reading(packed(tmp_path / "many"))
    assert len(members(reader)[1]) == 301
    assert len(file.asked) == 2
    assert sum(end - start for start, end in file.asked) < TAIL + (1 << 18)
    for _ in range(9_000):  # random names compress badly
        (tmp_path / "many" / os.urandom(120).hex()).touch()
    reader, file = reading(packed(tmp_path / "many", name="longer"))
    assert len(members(reader)[1]) == 9_301
    assert len(file.asked) == 3


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 1500) | st.integers(0, 5 * MIB), max_size=8))
def test_sizes_of_any_kind_come_back(tmp_path_factory, key, sizes):
    """Around blocks and frames, each member by itself."""
    folder = tmp_path_factory.mktemp("sizes")
    for number, size in enumerate(sizes):
        (folder / str(number)).write_bytes(
            hashlib.sha256(b"%d" % size).digest() * (size // 32) + b"x" * (size % 32)
        )
    with PackWriter(folder / "pack", []) as writer:
        written = [writer.add(str(number), folder / str(number)) for number in range(len(sizes))]
        pack = writer.close()
    data = pack.file.read_bytes()
    reader = PackReader(Plain(data))
    about, *found = reader.index()
    assert (about, found) == ({"version": 1}, written)
    for number, member in enumerate(found):
        assert b"".join(reader.read(member)) == (folder / str(number)).read_bytes()


class Plain:
    """Ranges of a pack without recipients."""

    def __init__(self, data):
        self._data, self.size = data, len(data)

    def read(self, start, end):
        return self._data[start:end]


# What can go wrong with the files


def test_a_file_that_changes_while_it_is_read_is_marked(tmp_path, packed, reading):
    """It is in the tar with its announced size, and never under a hash of what it never was."""
    log = tmp_path / "log"
    log.write_bytes(b"x" * 3 * MIB)
    (tmp_path / "after").write_bytes(b"whole")
    done = threading.Event()

    def change():
        while not done.is_set():  # it is cut, and grows again
            os.truncate(log, MIB)
            os.truncate(log, 3 * MIB)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        with PackWriter(tmp_path / "pack", []) as writer:
            torn = writer.add("log", log)
            for _ in range(50):
                torn = torn if torn.torn else writer.add("log", log)
            whole = writer.add("after", tmp_path / "after")
            pack = writer.close()
    finally:
        done.set()
        thread.join()
    assert torn.torn
    assert torn.size in (MIB, 3 * MIB)
    reader = PackReader(Plain(pack.file.read_bytes()))
    with pytest.raises(IntegrityError, match="'log' changed while it was packed"):
        list(reader.read(torn))
    assert b"".join(reader.read(whole)) == b"whole"


def test_what_cannot_be_read_is_told_and_left_out(tmp_path):
    """The pack goes on."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"content")
    with PackWriter(tmp_path / "pack", []) as writer:
        for name, words in (("missing", "No such file"), ("pipe", "not a file, folder or link")):
            with pytest.raises(LocalError, match=words):
                writer.add(name, tmp_path / name)
        writer.add("file", tmp_path / "file")
        pack = writer.close()
    _, found = members(PackReader(Plain(pack.file.read_bytes())))
    assert list(found) == ["file"]


def test_a_pack_that_is_not_closed_leaves_nothing(tmp_path, tree, key):
    """No file, and no thread."""
    before = threading.active_count()

    def failing():
        with PackWriter(tmp_path / "p.age", [key.recipient]) as writer:
            for path, source in walk(tree):
                writer.add(path, source)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    assert threading.active_count() == before


def test_a_pack_is_not_written_over_a_file(tmp_path, tree, packed):
    """Nor for a recipient that is none."""
    (tmp_path / "p.tar.zst.age").write_bytes(b"mine")
    with pytest.raises(LocalError, match=r"p\.tar\.zst\.age"):
        packed(tree)
    assert (tmp_path / "p.tar.zst.age").read_bytes() == b"mine"
    with pytest.raises(InputError, match="not a recipient"):
        packed(tree, recipients=["age1x"], name="other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.tar.zst.age", "tree"]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path):
    """By its name."""
    with pytest.raises(LocalError, match="missing"):
        list(walk(tmp_path / "missing"))


def test_a_member_is_json(tree, packed, reading):
    """The index is lines that any program reads; names that are no UTF-8 keep their bytes."""
    _, found = members(reading(packed(tree))[0])
    (odd,) = (path for path in found if path.startswith("no "))
    assert os.fsencode(odd) == b"no \xff\xfe UTF-8"
    assert PackMember(*json.loads(json.dumps(found[odd]))) == found[odd]
