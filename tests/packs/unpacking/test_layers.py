"""Layers of compression, one in another, and how far they may go."""

import bz2
import gzip
import io
import lzma
import os
import sys
import zipfile
import zlib
from functools import partial

import pytest

from glacier_magic.errors import InputError, IntegrityError, LocalError
from tests.packs.unpacking.conftest import content
from tests.packs.unpacking.packing import tarred

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MEMBERS = {"a.txt": b"hello", "folder/b.bin": os.urandom(300_000)}
CHECKED = {zstd.CompressionParameter.checksum_flag: 1}
COMPRESS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": partial(zstd.compress, options=CHECKED),
}


@pytest.mark.parametrize("ending", [*COMPRESS, "tgz", "tbz2", "txz", "tzst"])
def test_a_tar_in_each_compression_becomes_a_folder(unpack, ending):
    """Named without the endings; in two streams, one after the other, too."""
    data = tarred(MEMBERS)
    compress = COMPRESS[
        ending if ending in COMPRESS else {"tgz": "gz", "tbz2": "bz2", "txz": "xz", "tzst": "zst"}[ending]
    ]
    name = f"photos.tar.{ending}" if ending in COMPRESS else f"photos.{ending}"
    found = unpack(name, compress(data[:1000]) + compress(data[1000:]))
    assert found.target.name == "photos"
    assert (found.files, found.size) == (2, 300_005)
    assert content(found.target) == MEMBERS


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_compressed_file_becomes_a_file(unpack, ending):
    """With the time of its source; its name is not believed, only its bytes."""
    found = unpack(f"notes.txt.{ending}", COMPRESS[ending](b"hello"))
    assert found.target.name == "notes.txt"
    assert found.target.read_bytes() == b"hello"
    assert found.target.stat().st_mtime == 1_600_000_000
    assert unpack("misnamed.jpg", COMPRESS[ending](b"hello")).target.name == "misnamed.jpg"


def test_many_layers_are_opened_but_not_without_end(unpack):
    """A file can be made that unpacks to itself."""
    data = tarred(MEMBERS)
    for compress in [*COMPRESS.values(), *COMPRESS.values()]:
        data = compress(data)
    assert content(unpack("a", data).target) == MEMBERS
    with pytest.raises(InputError, match="more than 8 layers"):
        unpack("a", gzip.compress(data))


@pytest.mark.parametrize("ending", COMPRESS)
def test_damage_and_a_cut_leave_nothing(unpack, files, ending):
    """Not even if the tar itself ends before."""
    data = COMPRESS[ending](tarred(MEMBERS))
    middle = len(data) // 2
    for broken in (data[:middle], data[:-3], data[:middle] + bytes(64) + data[middle + 64 :]):
        with pytest.raises(IntegrityError, match=r"^a\.tar: "):
            unpack("a.tar", broken)
    assert list((files.folder / "out").iterdir()) == []


def test_the_outermost_damage_is_told(unpack):
    """Though it shows only at the end, and what is inside is damaged before."""
    tar = tarred({"a": b"x" * 2000, "b": os.urandom(1 << 20)})
    packed = gzip.compress(tar[:2560] + b"?" * 100 + tar[2660:])
    with pytest.raises(IntegrityError, match="A header of the tar is damaged"):
        unpack("a.tgz", packed)
    changed = packed[:-8] + bytes(8)  # its checksum
    with pytest.raises(IntegrityError, match="The gzip data is damaged"):
        unpack("a.tgz", changed)
    outer = lzma.compress(changed)
    with pytest.raises(IntegrityError, match="The gzip data is damaged"):
        unpack("a.tgz.xz", outer)
    with pytest.raises(IntegrityError, match="The xz data is damaged"):
        unpack("a.tgz.xz", outer[:-3])


def test_the_outermost_damage_is_told_at_the_beginning(unpack):
    """Where not one byte comes out of the inner layer."""
    inner = bz2.compress(os.urandom(1 << 20))
    packed = gzip.compress(inner[:100] + bytes(10) + inner[110:])
    with pytest.raises(IntegrityError, match="The bzip2 data is damaged"):
        unpack("a.bz2.gz", packed)
    with pytest.raises(IntegrityError, match="The gzip data is damaged"):
        unpack("a.bz2.gz", packed[:-8] + bytes(8))


def test_xz_takes_little_memory_and_padding_between_streams(unpack):
    """However much a header asks for."""
    small = bytearray(lzma.compress(b"hello"))
    assert (
        unpack("a.xz", bytes(small) + bytes(8) + lzma.compress(b" you")).target.read_bytes() == b"hello you"
    )
    assert small[14:16] == b"\x21\x01"  # LZMA2, and the size of its properties: the dictionary's
    small[16] = 36  # 1 GiB
    small[20:24] = zlib.crc32(small[12:20]).to_bytes(4, "little")
    with pytest.raises(IntegrityError, match="Memory usage limit"):
        unpack("a.xz", bytes(small))


def test_what_has_no_layers_is_refused(unpack):
    """And nothing is written; nor is the start of a file without an end."""
    for data in (b"", b"hello", os.urandom(5000), b"\x1f"):
        with pytest.raises(InputError, match="no archive or encrypted file"):
            unpack("a.bin", data)


def zeros(size):
    """Return a zstd frame of so many zeros, in which each 128 KiB take four bytes."""
    blocks = -(-size // (128 << 10))
    block = (128 << 10) << 3 | 1 << 1
    frame = b"\x28\xb5\x2f\xfd\0\x58" + (block.to_bytes(3, "little") + b"\0") * (blocks - 1)
    return frame + (block | 1).to_bytes(3, "little") + b"\0"


def test_a_bomb_ends_at_the_limit(unpack, files):
    """100 GB of zeros in 10 KB, as a file and as members; twice the file's limit in a zip."""
    bomb = zstd.compress(zeros(100_000_000_000))
    assert len(bomb) < 10_000
    with pytest.raises(LocalError, match=r"more than 5 MiB, the limit. If you trust it, .*max_size"):
        unpack("a.zst", bomb, max_size=5 << 20)
    with pytest.raises(LocalError, match="more than 5 MiB"):
        unpack("a.tgz", gzip.compress(tarred({f"{n}": bytes(1 << 20) for n in range(6)})), max_size=5 << 20)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"{number}", bytes(1 << 20))
    with pytest.raises(LocalError, match="more than 5 MiB"):
        unpack("a.zip", target.getvalue(), max_size=5 << 20)
    assert list((files.folder / "out").iterdir()) == []


def test_without_a_limit_it_is_a_hundred_times_the_file_and_never_the_disk(unpack, disk, files):
    """Nine tenths of the free space are the most."""
    disk(2 << 20)
    with pytest.raises(LocalError, match=r"more than 1\.8 MiB, nine tenths of the free space"):
        unpack("a.zst", zstd.compress(zeros(100_000_000_000)))
    assert list((files.folder / "out").iterdir()) == []
    disk(1 << 50)
    with pytest.raises(LocalError, match="more than 1 GiB, the limit for a file of"):
        unpack("a.gz", gzip.compress(zstd.compress(zeros(1200 << 20))))


def test_a_document_stays_one(unpack):
    """It is a zip for the programs that write it only."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/document.xml", "x")
    found = unpack("letter.docx.gz", gzip.compress(target.getvalue()))
    assert (found.target.name, found.kinds) == ("letter.docx", ("gzip",))
    assert unpack("letter.zip.gz", gzip.compress(target.getvalue())).kinds == ("gzip", "zip")
    with pytest.raises(InputError):
        unpack("letter.docx", target.getvalue())
