"""The tree hash against published vectors, a plain recursion and brute force over trees."""

import ctypes
import gzip
import hashlib
import io
import mmap
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.base import treehash
from glacier_magic.base.treehash import (
    CHUNK,
    EMPTY,
    FileChanged,
    TreeHasher,
    aligned_buffer,
    combine,
    is_megabyte_aligned,
    is_tree_hash_aligned,
    part_ranges,
    part_size_for,
    tree_hash,
)

MIB = 1 << 20
GIB = 1 << 30
LONG_TEXT = (
    b"TDvjTNoOZdYLHGJgmowQQPIANymiZabVUgL4toMOXtAxTVdAb3fHc7djq3CWvg47"
    b"qp9e706QoGMA2PlhUyHkln9mw2G9Y1QynMS5zejFweL4Ll72P5eHSHXmzSBGZ4Xa"
)
VECTORS = [
    (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (b"a" * MIB, "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360"),
    (b"a" * 2 * MIB, "560c2c9333c719cb00cfdffee3ba293db17f58743cdd1f7e4055373ae6300afa"),
    (b"a" * 4 * MIB, "9491cb2ed1d4e7cd53215f4017c23ec4ad21d7050a1e6bb636c4f67e8cddb844"),
    (b"a" * (4 * MIB + 20), "12f3cbd6101b981cde074039f6f728071da8879d6f632de8afc7cdf00661b08f"),
    (b"abc" * 1_234_567, "5a245eddef1227623912286af0a6dd6f1a3cd67ad3d768c1490c2f8a0fafeca9"),
    (b"0" * (11 * MIB // 2), "154e26c78fd74d0c2c9b3cc4644191619dc4f2cd539ae2a74d5fd07957a3ee6a"),
    (b"0" * 3 * MIB, "940257b3e0d13f92c98dc3fc32182e3acd07a81fe82f2b2dcd1802e1eedc5a3c"),
    (b"0" * 4 * MIB, "0c2c286faeadbb8ef7aab5e1198af77b1c00d6ff634a739f0e4d55ea3a40ad2d"),
    (b"0" * 8 * MIB, "ff9ea39186cb33cd5ade7aca078e297a1622f8c1abdd4cc47bcbf66dc5877e1f"),
    (b"0" * (MIB // 4), "6faefade5a638cd3545d638dd5754763658e32209e69420cb559b7650d4bf93a"),
    (b"0" * 5 * MIB, "df4301e959f8867013a6f1d3d08c135d17fc4e9ae59b03f0d83583d343350cf0"),
    (b"0" * 6 * MIB, "7e6043dd1c745ebabcc3dbf73d736b065886561cf731639fa373ec7066011909"),
    (b"0" * 7 * MIB, "3f10e3b494905120888d11e110948d137e4b48541cc7d9b314fe3ffb1185255c"),
    (b"0" * 9 * MIB, "f2a35df1076c7bd927c883995294ed8d26c93111dde1f1051ab31e4a24b91657"),
    (b"0" * (MIB + 1), "7f3d1897dc679b856e6809c84c7b2573148507475390ecdbfd36603ce8cac60a"),
    (b"Hello, world! " + b"x" * 100, "15aad04dbdebee9ad90ba889d8eb3b9045be355fed57c62894bc2b1ae259c8c8"),
    (
        b"Nobody inspects the spammish repetition",
        "031edd7d41651593c5fe5c006fa5752b37fddff7bc4e843aa6af0c950f4b9406",
    ),
]
SMALL_CHUNKS = [
    (b"Hello, world! " + b"x" * 100, 7, "4d3daa9c69c202566f83bebfce9de1751a306af96dbf3a69874800aa8b96ad6d"),
    ((LONG_TEXT * 11)[:1000], 200, "de19616e2fa06806bc28af712a3649dd9279e36b55aa737fde855475e0de9064"),
    ((LONG_TEXT * 11)[:1001], 200, "5cb94fa36f29a2575adc4cc7ee3f264531ecf4dbc5980a18edc687e2a72f4514"),
    ((LONG_TEXT * 11)[:1400], 200, "095c549ab9820d9274cc19a4de02b84f429dc40277370d2322b49e1df02b5c22"),
]


def in_levels(data: bytes, chunk: int) -> bytes:
    """Return the tree hash as its definition has it, without any regard to memory."""
    level = [hashlib.sha256(data[i : i + chunk]).digest() for i in range(0, max(len(data), 1), chunk)]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"".join(pair)).digest() if pair[1:] else pair[0] for pair in pairs]
    return level[0]


def label(value: object) -> str | None:
    """Return a short name for a vector's data."""
    return f"{len(value)}-bytes" if isinstance(value, bytes) else None


@pytest.mark.parametrize(("data", "expected"), VECTORS, ids=label)
def test_published_vectors_hold(data, expected):
    """Every vector with chunks of 1 MiB comes out, from bytes, from a file and in pieces."""
    hasher = TreeHasher()
    for start in range(0, len(data), 700_001):
        hasher.update(data[start : start + 700_001])
    assert tree_hash(data) == expected
    assert tree_hash(io.BytesIO(data)) == expected
    assert hasher.hexdigest() == expected
    assert hasher.size == len(data)


@pytest.mark.parametrize(("data", "chunk", "expected"), SMALL_CHUNKS, ids=label)
def test_published_vectors_with_small_chunks_hold(data, chunk, expected):
    """Every vector with chunks of another size comes out."""
    hasher = TreeHasher(chunk)
    hasher.update(data)
    assert hasher.hexdigest() == expected
    pieces = [data[i : i + chunk] for i in range(0, len(data), chunk)]
    assert combine(hashlib.sha256(piece).digest() for piece in pieces).hex() == expected


def test_linear_hash_is_another(tmp_path):
    """Past 1 MiB the tree hash is not the SHA-256; up to there it is."""
    data = b"0" * (11 * MIB // 2)
    linear = "68aff0c5a91aa0491752bfb96e3fef33eb74953804f6a2f7b708d5bcefa8ff6b"
    assert hashlib.sha256(data).hexdigest() == linear != tree_hash(data)
    assert tree_hash(data[:MIB]) == hashlib.sha256(data[:MIB]).hexdigest()


def test_file_is_hashed_by_its_path(tmp_path):
    """A path, as text or as Path, stands for the file's content."""
    path = tmp_path / "data"
    path.write_bytes(b"a" * (4 * MIB + 20))
    expected = "12f3cbd6101b981cde074039f6f728071da8879d6f632de8afc7cdf00661b08f"
    assert tree_hash(path) == tree_hash(str(path)) == expected


def test_file_is_hashed_from_where_it_stands():
    """An open file counts from its position, also one that only knows read."""

    class OnlyRead:
        def __init__(self, data):
            self.read = io.BytesIO(data).read

    file = io.BytesIO(b"head" + b"a" * 2 * MIB)
    file.seek(4)
    assert tree_hash(file) == VECTORS[2][1]
    assert tree_hash(OnlyRead(b"a" * 2 * MIB)) == VECTORS[2][1]


@contextmanager
def small_scale(*, threads=3, chunk=64, preadv=True):
    """Make leaves and reads tiny and let any file be worth threads, for quick and odd shapes."""
    with (
        patch.object(treehash, "CHUNK", chunk),
        patch.object(treehash, "READ", max(1, chunk // 3)),
        patch.object(treehash, "THREADED", 0),
        patch.object(treehash, "_cores", lambda: threads),
        patch.object(treehash, "_PREADV", preadv),
    ):
        yield


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder that the many examples of one test share."""
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.parametrize("preadv", [True, False], ids=["preadv", "own-handles"])
@given(data=st.binary(max_size=2000), threads=st.integers(1, 5), skip=st.integers(0, 300))
@settings(max_examples=60)
def test_threads_give_the_same_hash(scratch, preadv, data, threads, skip):
    """From a path, from bytes, and from an open file that has been read from."""
    path = scratch / "data"
    path.write_bytes(data)
    seen = []
    with small_scale(threads=threads, preadv=preadv):
        assert tree_hash(path, progress=seen.append) == in_levels(data, 64).hex()
        assert tree_hash(data) == in_levels(data, 64).hex()
        with path.open("rb") as file:
            assert file.read(skip) == data[:skip]
            if len(data) > 0:  # an empty one goes through the hasher, whose leaves are real
                assert tree_hash(file) == in_levels(data[skip:], 64).hex()
            assert file.read() == b""
    assert sum(seen) == len(data)


def test_large_file_is_hashed_by_several_threads(tmp_path):
    """With leaves and reads of their true size; the bytes reported add up to the file's."""
    path, data = tmp_path / "data", os.urandom(9 * MIB + 12345)
    path.write_bytes(data)
    seen = []
    with patch.object(treehash, "_cores", lambda: 4):
        assert tree_hash(path, progress=seen.append) == in_levels(data, MIB).hex()
        assert tree_hash(data) == in_levels(data, MIB).hex()
    assert sum(seen) == len(data)
    assert not [t for t in threading.enumerate() if t.name == "tree-hash"]


def test_open_files_are_left_at_their_end(tmp_path):
    """Raw ones, buffered ones, and those with something still to be written."""
    path, data = tmp_path / "data", os.urandom(3 * MIB + 7)
    path.write_bytes(data[:-1])
    with path.open("r+b") as file:
        file.seek(0, io.SEEK_END)
        file.write(data[-1:])
        file.seek(MIB - 1)
        assert tree_hash(file) == in_levels(data[MIB - 1 :], MIB).hex()
        assert file.tell() == len(data)
    with path.open("rb", buffering=0) as raw:
        raw.seek(5)
        assert tree_hash(raw) == in_levels(data[5:], MIB).hex()
        assert raw.tell() == len(data)
        raw.seek(len(data) + 9)
        assert tree_hash(raw) == EMPTY


def test_compressed_file_counts_by_what_it_gives(tmp_path):
    """A descriptor alone does not make a file: gzip's is that of the compressed bytes."""
    path, data = tmp_path / "data.gz", b"a" * 2 * MIB
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(data)
    with gzip.open(path) as unpacked:
        assert tree_hash(unpacked) == VECTORS[2][1]
    with gzip.open(path) as unpacked, io.BufferedReader(unpacked) as buffered:
        assert tree_hash(buffered) == VECTORS[2][1]


def test_pipe_is_read_to_its_end():
    """There is no size to go by."""
    ours, theirs = os.pipe()
    data = os.urandom(MIB + 100)

    def write():
        with os.fdopen(theirs, "wb") as file:
            file.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(ours, "rb") as pipe:
        assert tree_hash(pipe) == in_levels(data, MIB).hex()
    writer.join()


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="the files of Linux's kernel")
def test_file_that_only_seems_empty_is_read():
    """The system's own files say that they have no bytes."""
    path = Path("/proc/version")
    assert path.stat().st_size == 0
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert tree_hash(path) == expected
    with path.open("rb") as file:
        assert tree_hash(file) == expected


def test_stream_that_has_nothing_yet_is_refused():
    """A file that does not wait would give the hash of a part."""

    class Impatient(io.RawIOBase):
        def readinto(self, buffer):
            return None

    with pytest.raises(BlockingIOError, match="no data yet"):
        tree_hash(Impatient())


def shorter(path):
    os.truncate(path, 100)


def longer(path):
    with path.open("ab") as file:
        file.write(b"more")


def rewritten(path):
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, (1, 1))


@pytest.mark.parametrize("change", [shorter, longer, rewritten])
@pytest.mark.parametrize("threads", [1, 4])
def test_file_that_changes_meanwhile_is_refused(tmp_path, change, threads):
    """Whatever happens to it after the first bytes were hashed."""
    path = tmp_path / "data"
    path.write_bytes(os.urandom(4000))
    once = iter([change])
    with (
        small_scale(threads=threads),
        pytest.raises(FileChanged, match=r"data.* changed while it was hashed"),
    ):
        tree_hash(path, progress=lambda _: next(once, lambda _: None)(path))


@pytest.mark.parametrize("change", [shorter, longer, rewritten])
def test_small_file_that_changes_meanwhile_is_refused(tmp_path, change):
    """One that is read in one go, too."""
    path = tmp_path / "data"
    path.write_bytes(b"a" * 200)

    class Changing(io.FileIO):
        def read(self, size=-1):
            change(path)
            return super().read(size)

    with patch.object(treehash.io, "FileIO", Changing), pytest.raises(ValueError, match="changed"):
        tree_hash(path)


def test_file_that_was_replaced_is_refused_where_threads_open_it_again(tmp_path):
    """They would read the other one."""
    path, other = tmp_path / "data", tmp_path / "other"
    path.write_bytes(b"a" * 1000)
    other.write_bytes(b"b" * 1000)
    with small_scale(preadv=False), path.open("rb") as file:
        other.replace(path)
        with pytest.raises(FileChanged):
            tree_hash(file)


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_hashing_ends_when_it_is_stopped(tmp_path, kind):
    """What the progress raises comes out, in whichever thread it was, and no thread is left."""
    path = tmp_path / "data"
    path.write_bytes(os.urandom(20_000))
    calls = []

    def progress(_):
        calls.append(threading.get_ident())
        if len(calls) == 5:
            raise kind("stop")

    with small_scale(threads=4), pytest.raises(kind, match="stop"):
        tree_hash(path, progress=progress)
    assert len(calls) < 20
    assert not [t for t in threading.enumerate() if t.name == "tree-hash"]


def test_missing_file_is_the_system_s_own_error(tmp_path):
    """As every other way to open it would say."""
    with pytest.raises(FileNotFoundError):
        tree_hash(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        tree_hash(tmp_path)


@pytest.mark.parametrize("size", [1, 1000, MIB])
def test_buffer_begins_on_a_page(size):
    """So that reading into it is quick."""
    buffer = aligned_buffer(size)
    assert len(buffer) == size
    assert not buffer.readonly
    assert ctypes.addressof(ctypes.c_char.from_buffer(buffer)) % mmap.PAGESIZE == 0


def test_nothing_has_the_hash_of_nothing():
    """No data and no digests give the SHA-256 of nothing."""
    assert combine([]).hex() == tree_hash(b"") == TreeHasher().hexdigest() == EMPTY


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 9))
def test_pieces_of_any_length_give_the_same_hash(pieces, chunk):
    """However data arrives, the hasher agrees with the plain recursion, at every step."""
    hasher, so_far = TreeHasher(chunk), b""
    for piece in pieces:
        hasher.update(piece)
        so_far += piece
        assert hasher.digest() == in_levels(so_far, chunk)
    assert hasher.size == len(so_far)


@given(st.binary(min_size=1, max_size=400), st.integers(1, 5), st.integers(0, 4))
def test_roots_of_parts_combine_to_the_whole(data, chunk, height):
    """Parts of 2**n chunks are nodes of the tree, so their roots are enough."""
    part = chunk << height
    roots = [in_levels(data[i : i + part], chunk) for i in range(0, len(data), part)]
    assert combine(roots) == in_levels(data, chunk)


def nodes(total: int) -> set[tuple[int, int]]:
    """Return the (first, behind) chunk ranges that are nodes of a tree over *total* chunks."""
    level = [(i, i + 1) for i in range(total)]
    found = set(level)
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [(pair[0][0], pair[-1][1]) for pair in pairs]
        found.update(level)
    return found


@pytest.mark.parametrize("short", [0, 1, CHUNK - 1])
def test_alignment_is_that_of_the_nodes(short):
    """A range has a tree hash exactly where it is a node, in every tree of up to 40 chunks."""
    for total in range(1, 41):
        size, tree = total * CHUNK - short, nodes(total)
        for first in range(total):
            for behind in range(first + 1, total + 1):
                end = min(behind * CHUNK, size) - 1
                aligned = is_tree_hash_aligned(first * CHUNK, end, size)
                assert aligned == ((first, behind) in tree), (total, first, behind)


def test_right_edge_of_a_ragged_tree_is_aligned():
    """The last three of seven chunks are a node, the last two of six as well."""
    assert is_tree_hash_aligned(4 * MIB, 7 * MIB - 1, 7 * MIB)
    assert not is_tree_hash_aligned(5 * MIB, 7 * MIB - 1, 7 * MIB)


@pytest.mark.parametrize(
    ("start", "end", "aligned"),
    [
        (0, MIB - 1, True),
        (MIB, 2 * MIB - 1, True),
        (2 * MIB, 2 * MIB + 9, True),
        (0, 2 * MIB + 9, True),
        (0, MIB, False),
        (1, MIB - 1, False),
        (0, 2 * MIB + 10, False),
        (-MIB, MIB - 1, False),
        (MIB, MIB - 1, False),
    ],
)
def test_megabyte_alignment_is_by_borders_or_the_end(start, end, aligned):
    """A border is on a whole MiB or at the end of the data, and inside it."""
    assert is_megabyte_aligned(start, end, 2 * MIB + 10) is aligned


@pytest.mark.parametrize(
    ("size", "part"),
    [
        (1, MIB),
        (10_000 * MIB, MIB),
        (10_000 * MIB + 1, 2 * MIB),
        (8 * MIB * 10_000, 8 * MIB),
        (4 << 40, 512 * MIB),
        (40_000 * GIB, 4 * GIB),
    ],
)
def test_part_size_is_the_smallest_that_fits(size, part):
    """The checks known from older clients hold."""
    assert part_size_for(size) == part


def test_part_size_has_an_upper_end():
    """More than 10,000 parts of 4 GiB are refused."""
    with pytest.raises(ValueError, match="4 GiB"):
        part_size_for(40_000 * GIB + 1)


def test_part_size_for_no_parts_at_all_is_refused():
    """Nothing can be cut into none."""
    with pytest.raises(ValueError, match="at least 1"):
        part_size_for(5, most=0)


def test_part_size_starts_at_the_wanted_one():
    """A larger smallest part is kept, doubled only where it must be."""
    assert part_size_for(5, smallest=16 * MIB) == 16 * MIB
    assert part_size_for(100 * MIB, most=10) == 16 * MIB


@given(st.integers(0, 10_000), st.integers(1, 700))
@settings(max_examples=50)
def test_part_ranges_cover_everything_once(size, part):
    """The ranges join without gap, and only the last may be shorter."""
    ranges = part_ranges(size, part)
    assert [i for start, end in ranges for i in range(start, end)] == list(range(size))
    assert all(end - start == part for start, end in ranges[:-1])
