"""Zips and tars listed from a part of them, against what zipfile, tarfile and tar make."""

import contextlib
import gzip
import io
import os
import random
import stat
import struct
import subprocess
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.base.ranges import aligned_cover
from glacier_magic.base.treehash import CHUNK, is_tree_hash_aligned, tree_hash
from glacier_magic.errors import InputError, IntegrityError, Unlistable
from glacier_magic.peek import ReadLimits, Window, kind_of, members

SMALL = settings(max_examples=40)


class Stored:
    """An archive of which ranges are retrieved: each must be aligned, and none comes twice."""

    def __init__(self, data):
        self.data, self.paid, self.ranges = data, 0, []

    def fetch(self, start, end):
        assert is_tree_hash_aligned(start, end, len(self.data))
        assert all(end < first or start > last for first, last in self.ranges)
        self.ranges.append((start, end))
        self.paid += end - start + 1
        return self.data[start : end + 1]


def look(data, name="x.zip", **limits):
    """List what *data* holds, and check what the listing says it took."""
    stored = Stored(data)
    window = Window(stored.fetch, len(data))
    listing = members(window, name, limits=ReadLimits(**limits))
    assert (listing.paid, listing.requests) == (stored.paid, len(stored.ranges))
    return listing


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def zipped(fill, mode="w", data=b"", **options):
    """Return the zip that *fill* writes; *data* stands before it."""
    buffer = io.BytesIO()
    buffer.write(data)
    with zipfile.ZipFile(buffer, "a" if data else mode, **options) as file:
        fill(file)
    return buffer.getvalue()


def tarred(entries, **options):
    """Return a tar of pairs of a name or TarInfo, and bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as file:
        for entry, content in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


# The window


@given(st.integers(1, 70), st.data())
def test_a_cover_is_aligned_and_holds_what_was_asked_for_and_no_more(count, data):
    """Every range is aligned to the tree hash, also at the end of the data."""
    first = data.draw(st.integers(0, count))
    last = data.draw(st.integers(first, count))
    ranges = aligned_cover(first, last, count)
    assert [c for a, b in ranges for c in range(a, b)] == list(range(first, last))
    size = count * CHUNK - 5
    for a, b in ranges:
        assert is_tree_hash_aligned(a * CHUNK, min(b * CHUNK, size) - 1, size)


def fewest(first, last, count):
    """The least number of aligned ranges, by trying all."""
    best = {last: 0}
    for a in range(last - 1, first - 1, -1):
        ends = (
            b for b in range(a + 1, last + 1) if is_tree_hash_aligned(a * CHUNK, b * CHUNK - 1, count * CHUNK)
        )
        best[a] = 1 + min(best[b] for b in ends)
    return best[first]


def test_a_cover_is_the_shortest_there_is():
    """Tried for all ranges of up to 17 MiB."""
    for count in range(1, 18):
        for first in range(count + 1):
            for last in range(first, count + 1):
                assert len(aligned_cover(first, last, count)) == fewest(first, last, count)


@SMALL
@given(st.lists(st.tuples(st.integers(-9, 6 * CHUNK), st.integers(-9, 3 * CHUNK)), max_size=6))
def test_a_window_reads_what_is_there_and_pays_for_no_byte_twice(reads):
    """Whatever is read of it, in whatever order."""
    stored = Stored(DATA)
    window = Window(stored.fetch, len(DATA))
    for start, length in reads:
        at = max(0, start)
        assert window.read(at, length) == DATA[at : at + max(0, length)]
        assert window.has(at, length)
    assert window.paid == stored.paid <= len(DATA)


DATA = noise(5 * CHUNK + 77)


def test_a_window_asks_for_nothing_beyond_its_limit():
    """The limit is looked at before anything is asked for."""
    stored = Stored(DATA)
    window = Window(stored.fetch, len(DATA), most=2 * CHUNK)
    window.read(0, 1)
    with pytest.raises(Unlistable, match="more than the 2 MiB allowed"):
        window.read(CHUNK, CHUNK + 1)
    assert stored.paid == CHUNK


def test_a_fetch_that_returns_too_little_is_an_error():
    """Its bytes would be taken for others."""
    with pytest.raises(IntegrityError):
        Window(lambda *_: b"x", 100).read(0, 10)


def test_a_fetch_that_takes_hours_can_raise_and_be_asked_again():
    """The same questions come in the same order, so a reader goes on where it was."""
    data = zipped(lambda z: [z.writestr(f"{n}", noise(1000, n)) for n in range(3000)])
    at_hand, asked = {}, []

    class NotYet(Exception):
        pass

    def fetch(start, end):
        if (start, end) not in at_hand:
            asked.append((start, end))
            raise NotYet
        return at_hand[start, end]

    while True:
        try:
            found = members(Window(fetch, len(data)), "x.zip")
            break
        except NotYet:
            at_hand[asked[-1]] = data[asked[-1][0] : asked[-1][1] + 1]
    assert len(found.members) == 3000
    assert len(asked) == len(set(asked)) == found.requests


def test_the_service_takes_every_range_and_gives_a_checksum_with_it(client, emulator):
    """A zip in a vault: one retrieval job a range, each aligned to the tree hash of the whole."""
    data = zipped(lambda z: [z.writestr(f"{n}", noise(900, n)) for n in range(6000)])
    client.create_vault(vaultName="v")
    archive = client.upload_archive(vaultName="v", body=data)["archiveId"]

    def fetch(start, end):
        asked = {"Type": "archive-retrieval", "ArchiveId": archive, "RetrievalByteRange": f"{start}-{end}"}
        job = client.initiate_job(vaultName="v", jobParameters=asked)["jobId"]
        emulator.advance(hours=5.1)
        answer = client.get_job_output(vaultName="v", jobId=job)
        piece = answer["body"].read()
        assert answer["checksum"] == tree_hash(io.BytesIO(piece))
        return piece

    found = members(Window(fetch, len(data)), "x.zip")
    assert len(found.members) == 6000
    assert found.paid < len(data) / 2


# Zips

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


@SMALL
@given(
    st.dictionaries(names, st.binary(max_size=300), max_size=12),
    st.binary(max_size=300),
    st.binary(max_size=50),
    st.booleans(),
)
def test_a_zip_is_listed_as_zipfile_lists_it(files, comment, before, deflated):
    """Names in all alphabets, with a comment, behind something else."""

    def fill(file):
        file.comment = comment.replace(b"PK", b"--")
        for name, content in files.items():
            file.writestr(name, content)

    how = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    data = zipped(fill, data=before, compression=how)
    found = look(data)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        real = file.infolist()
    assert [(m.name, m.size, m.packed, m.start) for m in found.members] == [
        (i.orig_filename, i.file_size, i.compress_size, i.header_offset) for i in real
    ]
    assert found.complete
    assert found.notes == []


@pytest.fixture(scope="module")
def ten_thousand():
    """A zip of 10,000 members and 12 MiB."""
    content = noise(1200)
    return zipped(lambda z: [z.writestr(f"scans/{n:05}-été.tif", content) for n in range(10_000)])


def test_ten_thousand_members_cost_their_directory(ten_thousand):
    """And not the whole zip."""
    found = look(ten_thousand)
    assert len(found.members) == 10_000
    assert found.members[-1].name == "scans/09999-été.tif"
    assert found.complete
    assert found.paid <= 3 * CHUNK
    assert len(ten_thousand) > 12 * CHUNK


def test_the_members_and_the_bytes_have_limits(ten_thousand):
    """A list that ends early says so; a directory that is too long is not read."""
    found = look(ten_thousand, members=7)
    assert (len(found.members), found.complete) == (7, False)
    assert "first 7 members" in found.notes[0]
    with pytest.raises(Unlistable, match="allowed"):
        look(ten_thousand, bytes=CHUNK)


@pytest.mark.parametrize("count", [65_535, 65_536])
def test_more_members_than_two_bytes_count_are_zip64(count):
    """The end record says 65,535 then, and the ZIP64 one has the number."""
    info = zipfile.ZipInfo("a")

    def fill(file):
        file.writestr(info, b"")
        file.filelist = file.filelist * count

    found = look(zipped(fill))
    assert len(found.members) == count
    assert found.notes == []


def test_sizes_of_zip64_are_read():
    """They stand in an extra field of the entry, in the order of those that do not fit."""

    def fill(file):
        file.writestr("big", b"x")
        entry = file.filelist[0]
        entry.file_size, entry.compress_size, entry.header_offset = 5 << 40, 4 << 40, 3 << 40

    [big] = look(zipped(fill)).members
    assert (big.size, big.packed, big.start) == (5 << 40, 4 << 40, 3 << 40)


@pytest.mark.parametrize("before", [b"", noise(100)])
def test_a_directory_whose_place_does_not_fit_in_four_bytes_is_found(before):
    """By the ZIP64 records, also where something stands before the zip."""
    plain = zipped(lambda z: z.writestr("a", b"1"))
    at = plain.rindex(b"PK\5\6")
    _, _, _, _, count, length, offset, _ = struct.unpack("<4s4H2LH", plain[at:])
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0)
    [member] = look(before + plain[:at] + wide + locator + end).members
    assert (member.name, member.start) == ("a", len(before))
    with pytest.raises(Unlistable, match="split"):
        look(plain[:at] + wide + locator[:16] + struct.pack("<L", 2) + end)
    with pytest.raises(Unlistable, match="end of this zip is damaged"):
        look(plain[:at] + b"\0" * 56 + locator + end)


def test_the_longest_comment_does_not_hide_the_end():
    """Over two chunks, and with the marks of an end inside it."""
    comment = (b"PK\5\6" + b"\0" * 30) * 1900

    def fill(file):
        file.comment = comment
        file.writestr("a", noise(CHUNK - 70_000))

    data = zipped(fill)
    for more in (b"", noise(36_000)):
        found = look(more + data)
        assert [m.name for m in found.members] == ["a"]
        assert found.members[0].start == len(more)


def test_encrypted_members_are_marked():
    """Flag 0 of an entry."""
    data = bytearray(zipped(lambda z: [z.writestr("open", b""), z.writestr("shut", b"")]))
    entry = data.rindex(b"PK\1\2")
    data[entry + 8] |= 1
    found = look(bytes(data))
    assert [m.encrypted for m in found.members] == [False, True]
    assert "Encrypted" in found.notes[0]


def test_folders_links_and_times_are_told():
    """As Unix programs write them; the local time is kept as it was written."""

    def fill(file):
        file.writestr(zipfile.ZipInfo("folder/", (2019, 2, 3, 4, 5, 6)), b"")
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, b"target")
        timed = zipfile.ZipInfo("timed")
        timed.extra = struct.pack("<2HBl", 0x5455, 5, 1, 1_600_000_000)
        file.writestr(timed, b"")
        windows = zipfile.ZipInfo("windows")
        ticks = (1_600_000_000_000 + 11_644_473_600_000) * 10_000
        windows.extra = struct.pack("<2HL2H3Q", 0x0A, 32, 0, 1, 24, ticks, 0, 0)
        file.writestr(windows, b"")

    folder, link, timed, windows = look(zipped(fill)).members
    assert (folder.kind, folder.written, folder.mtime) == ("folder", "2019-02-03 04:05:06", None)
    assert link.kind == "link"
    assert (timed.kind, timed.mtime) == ("file", 1_600_000_000_000)
    assert windows.mtime == 1_600_000_000_000


def test_a_name_in_an_old_code_page_may_have_its_unicode_beside_it():
    """Which holds only for that very name."""
    raw = "été".encode("cp437")
    good = struct.pack("<2HBL", 0x7075, 5 + 5, 1, zlib.crc32(raw)) + "été".encode()
    for extra, name in ((good, "été"), (good.replace(b"\1", b"\2", 1), "été"), (b"", "été")):
        info = zipfile.ZipInfo("xxx")
        info.extra = extra
        data = zipped(lambda z, info=info: z.writestr(info, b"")).replace(b"xxx", raw)
        assert look(data).members[0].name == name


@pytest.mark.parametrize("cut", [1, 21, 22, 40, 5000])
def test_a_zip_that_is_cut_short_is_said_to_be_none(cut):
    """Its directory is at the end, and gone."""
    data = zipped(lambda z: [z.writestr(f"{n}", b"x" * 200) for n in range(50)])
    with pytest.raises(Unlistable):
        look(data[:-cut])


def test_a_part_of_a_split_zip_is_said_to_be_one():
    """The number of its disk is not 0."""
    data = bytearray(zipped(lambda z: z.writestr("a", b"")))
    data[-18] = 1
    with pytest.raises(Unlistable, match="split"):
        look(bytes(data))


def test_a_count_that_does_not_agree_is_noted():
    """The directory is what counts."""
    data = bytearray(zipped(lambda z: z.writestr("a", b"")))
    data[-14] = data[-12] = 5
    assert "5 members; the directory has 1" in look(bytes(data)).notes[0]


@SMALL
@given(st.data())
def test_no_damage_of_a_zip_is_more_than_an_error(data):
    """Bytes changed, cut off or put in: a listing or Unlistable, nothing else, within limits."""
    whole = bytearray(SAMPLE_ZIP)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    whole = bytes(whole[: data.draw(st.integers(0, len(whole)))] or whole)
    with contextlib.suppress(Unlistable):
        look(whole, bytes=8 << 20, members=100)


SAMPLE_ZIP = zipped(lambda z: [z.writestr(f"m{n}", b"y" * n) for n in range(5)])


# Tars


@SMALL
@given(
    st.lists(st.tuples(names, st.binary(max_size=1500)), min_size=1, max_size=8),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.booleans(),
)
def test_a_tar_is_listed_as_tarfile_lists_it(files, form, packed):
    """In all its forms, names longer than a header among them; packed or not."""
    entries = []
    for number, (name, content) in enumerate(files):
        info = tarfile.TarInfo(name if form == tarfile.USTAR_FORMAT else name * 9)
        info.mtime = 1_600_000_000 + number
        try:
            info.tobuf(form)
        except ValueError:  # too long for ustar
            continue
        entries.append((info, content))
    data = tarred(entries, format=form)
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        real = [(i.name, i.size, i.mtime * 1000) for i in file.getmembers()]
    found = look(gzip.compress(data), "x.tgz") if packed else look(data, "x.tar")
    # tarfile drops a slash at the end.
    shown = [(m.name.rstrip("/"), m.size, m.mtime) for m in found.members]
    assert shown == [(n.rstrip("/"), s, t) for n, s, t in real]
    assert found.complete
    assert found.notes == []


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_what_tar_itself_makes_is_listed(tmp_path, form):
    """Folders, links, long names, sparse files, in all forms that it knows."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a").write_bytes(b"123")
    (tmp_path / "in" / "link").symlink_to("deep/a")
    os.link(tmp_path / "in" / "deep" / "a", tmp_path / "in" / "same")
    if form != "v7":
        (tmp_path / "in" / ("long" * 15)).mkdir()
        (tmp_path / "in" / ("long" * 15) / ("name" * 20)).write_bytes(b"4")
    sparse = form in ("oldgnu", "gnu", "posix")
    if sparse:
        with (tmp_path / "in" / "holes").open("wb") as file:
            for at in range(40):
                file.seek(at * 100_000)
                file.write(b"x" * 5000)
            file.truncate(5_000_000)
    command = ["tar", "-C", str(tmp_path), f"--format={form}", "-cf", "-", "--sort=name", "in"]
    data = subprocess.run(
        [*command, *(["--sparse"] if sparse else [])], capture_output=True, check=True
    ).stdout
    found = look(data, "x.tar")
    assert found.complete
    assert found.notes == []
    listed = {m.name.rstrip("/"): m for m in found.members}
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        assert list(listed) == file.getnames()
        assert [m.size for m in found.members] == [i.size for i in file.getmembers()]
    assert (listed["in"].kind, listed["in/link"].kind) == ("folder", "link")
    assert listed["in/link"].target == "deep/a"
    assert {listed["in/same"].kind, listed["in/deep/a"].kind} == {"link", "file"}
    if sparse:
        assert listed["in/holes"].size == 5_000_000
        assert listed["in/holes"].packed < 1_000_000


def test_a_large_tar_is_listed_as_far_as_the_limits_let_see():
    """Each header that is further in is another request, of one MiB."""
    data = tarred([(f"{n}", bytes(2 * CHUNK)) for n in range(6)])
    found = look(data, "x.tar", rounds=3)
    assert [m.name for m in found.members] == ["0", "1", "2"]
    assert not found.complete
    assert "3 requests" in found.notes[0]
    assert found.paid == 3 * CHUNK
    assert [m.start for m in found.members] == [0, 2 * CHUNK + 512, 4 * CHUNK + 1024]
    assert look(data, "x.tar", rounds=99).complete
    assert len(look(data, "x.tar", bytes=2 * CHUNK).members) == 2
    assert "2 MiB" in look(data, "x.tar", bytes=2 * CHUNK).notes[0]
    assert len(look(data, "x.tar", members=1).members) == 1


def test_a_tar_gz_is_listed_as_far_as_its_first_bytes_go():
    """And says that there is no other way."""
    entries = [(f"{n}", noise(400_000, n)) for n in range(12)]
    data = gzip.compress(tarred(entries), 1)
    found = look(data, "x.tar.gz")
    assert [m.name for m in found.members] == ["0", "1", "2"]
    assert not found.complete
    assert "start only" in found.notes[-1]
    assert found.paid == CHUNK
    assert len(look(data, "x.tar.gz", first=2 * CHUNK).members) == 6


def test_gzip_files_in_a_row_are_one_and_zeros_may_follow():
    """As pigz and tape drives make them."""
    data = tarred([("a", b"1" * 5000), ("b", b"2")])
    joined = gzip.compress(data[:3000]) + gzip.compress(data[3000:]) + bytes(50)
    found = look(joined, "x.tgz")
    assert [m.name for m in found.members] == ["a", "b"]
    assert found.complete


def test_a_bomb_is_unpacked_up_to_the_limit_only():
    """Little that becomes much."""
    bomb = gzip.compress(tarred([("a", bytes(40 << 20)), ("b", b"")]))
    found = look(bomb, "x.tgz", unpacked=1 << 20)
    assert [m.name for m in found.members] == ["a"]
    assert "1 MiB unpacked" in found.notes[0]
    assert look(bomb, "x.tgz").complete


def test_a_tar_without_its_end_is_listed():
    """Some programs leave the zeros out."""
    data = tarred([("a", b"1" * 512)])[: 2 * 512]
    found = look(data, "x.tar")
    assert (len(found.members), found.complete) == (1, True)


def test_a_tar_that_is_cut_short_is_listed_up_to_there():
    """And says so; a packed one, too."""
    data = tarred([("a", b"1" * 600), ("b", b"2" * 600)])
    for cut in (1, 600, 1600, 2100, 2600):
        found = look(data[: 3072 - 1024 + cut // 2], "x.tar")
        assert not found.complete
        assert "truncated" in found.notes[0]
    packed = gzip.compress(tarred([("a", noise(600)), ("b", noise(9000))]))
    found = look(packed[:-3000], "x.tgz")
    assert [m.name for m in found.members] == ["a", "b"]
    assert not found.complete


@pytest.mark.parametrize("data", [b"", b"x" * 600, bytes(10), noise(5000), b"\x1f\x8b" + noise(99)])
@pytest.mark.parametrize("name", ["x.tar", "x.tgz", "x.zip"])
def test_what_is_something_else_is_said_to_be(data, name):
    """Whatever its name is."""
    with pytest.raises(Unlistable):
        look(data, name)


def pax(*records):
    """Return an extended header with these records as they are."""
    body = b"".join(records)
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, len(body)
    return info.tobuf(tarfile.USTAR_FORMAT) + body.ljust(-(-len(body) // 512) * 512, b"\0")


END = tarfile.TarInfo("end").tobuf(tarfile.USTAR_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "record",
    [
        b"99999 path=x\n",
        b"0 path=x\n",
        b"-5 path=x\n",
        b"x path=x\n",
        b"9 path=xx",
        b"7 path\n",
        b"9" * 30 + b" path=x\n",
        b"12 size=-99\n",
        b"11 size=xx\n",
    ],
)
def test_a_header_that_lies_about_itself_ends_the_list(record):
    """No size or length of it is believed beyond what is there."""
    with pytest.raises(Unlistable):
        look(pax(record) + END, "x.tar")


def test_headers_without_an_end_are_not_followed_for_ever():
    """Nor read if they are as long as no name is."""
    with pytest.raises(Unlistable):
        look(pax(b"8 path=x") * 100 + END, "x.tar")
    with pytest.raises(Unlistable):
        look(pax(b"9 path=x\n") * 100 + END, "x.tar")
    long = tarfile.TarInfo("x")
    long.type, long.size = b"L", 1 << 30
    with pytest.raises(Unlistable):
        look(long.tobuf(tarfile.GNU_FORMAT) + END, "x.tar")


def test_a_size_beyond_the_archive_ends_the_list():
    """The member itself is shown as it says it is."""
    info = tarfile.TarInfo("huge")
    info.size = 1 << 50
    found = look(info.tobuf(tarfile.GNU_FORMAT) + END, "x.tar")
    assert [(m.name, m.size) for m in found.members] == [("huge", 1 << 50)]
    assert not found.complete


@SMALL
@given(st.data(), st.booleans())
def test_no_damage_of_a_tar_is_more_than_an_error(data, packed):
    """A listing or Unlistable, nothing else, within limits."""
    whole = bytearray(SAMPLE_GZ if packed else SAMPLE_TAR)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    whole = bytes(whole[: data.draw(st.integers(1, len(whole)))])
    with contextlib.suppress(Unlistable):
        look(whole, "x.tgz" if packed else "x.tar", members=100)


SAMPLE_TAR = tarred([(f"m{n}" * 40, b"y" * n) for n in range(3)], format=tarfile.PAX_FORMAT)
SAMPLE_GZ = gzip.compress(SAMPLE_TAR)


@settings(max_examples=150)
@given(
    st.sampled_from(["zip", "tar", "tar.gz"]),
    st.sampled_from([b"", b"PK\1\2", b"\x1f\x8b\x08\0", SAMPLE_TAR[:1536], SAMPLE_GZ[:200]]),
    st.binary(max_size=1200),
    st.sampled_from([b"", b"PK\5\6" + bytes(18), SAMPLE_ZIP, SAMPLE_ZIP[-80:], bytes(1024)]),
)
def test_any_bytes_are_members_or_unlistable(kind, start, middle, end):
    """No other error, and no more bytes or members than the limits allow."""
    data = start + middle + end
    stored = Stored(data + bytes(2 * CHUNK) if kind == "tar" else bytes(2 * CHUNK) + data)
    limits = ReadLimits(bytes=2 * CHUNK, first=CHUNK, members=3, unpacked=4096)
    if kind == "tar.gz":
        stored = Stored(data)
    try:
        found = members(Window(stored.fetch, len(stored.data)), "x", kind=kind, limits=limits)
    except Unlistable:
        pass
    else:
        assert len(found.members) <= 3
        assert found.paid == stored.paid
    assert stored.paid <= 2 * CHUNK


# Which is which


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.ZIP", "zip"),
        ("a.tar", "tar"),
        ("a.tar.gz", "tar.gz"),
        ("a.tgz", "tar.gz"),
        ("a.docx", "zip"),
        ("duplicity-full.20130214T103045Z.vol1.difftar", "tar"),
        ("duplicity-full-signatures.20130214T103045Z.sigtar.gz", "tar.gz"),
        ("a.gz", None),
        ("a.tar.xz", "tar.xz"),
        ("a.tar.bz2.gpg.sig", "tar.gpg"),
        ("a.20130214103045.tgz.enc", "tar.enc"),
        ("zip", None),
        ("", None),
    ],
)
def test_the_ending_of_a_name_says_what_it_is(name, kind):
    """So that nothing is paid to find out."""
    assert kind_of(name) == kind


def test_a_name_that_says_nothing_is_an_error_unless_it_is_told():
    """Before anything is asked for."""
    data = zipped(lambda z: z.writestr("a", b""))
    stored = Stored(data)
    with pytest.raises(InputError, match="by its name"):
        members(Window(stored.fetch, len(data)), "backup.7z")
    assert stored.ranges == []
    assert len(members(Window(stored.fetch, len(data)), "backup", kind="zip").members) == 1
