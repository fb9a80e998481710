"""The way back without this package: Debian's age, zstd and tar open a pack."""

import os
import stat
import subprocess
import tarfile
from pathlib import Path

from glacier_magic.packs import walk
from glacier_magic.packs.encryption import SealedFile


def facts(folder):
    """Return by name what a folder holds, with times to the nanosecond."""
    found = {}
    for path, source in walk(folder):
        status = os.lstat(source)
        content = None
        if stat.S_ISREG(status.st_mode):
            content = Path(source).read_bytes()
        elif stat.S_ISLNK(status.st_mode):
            content = os.fspath(Path(source).readlink())
        found[path] = (status.st_mode, status.st_mtime_ns, content)
    return found


def unpacked(pack, key, folder):
    """Open a pack as a user does who has only the key."""
    (identity := folder.with_name("own.key")).write_text(key.file())
    folder.mkdir()
    line = 'age -d -i "$0" "$1" | zstd -d | tar x -C "$2"'
    subprocess.run(["bash", "-euo", "pipefail", "-c", line, identity, pack.file, folder], check=True)


def test_age_zstd_and_tar_open_a_pack(tree, packed, key, tmp_path, stock_tools):
    """Byte for byte, and with times, modes, and links of both kinds."""
    back = tmp_path / "back"
    unpacked(packed(tree), key, back)
    done = subprocess.run(["diff", "-r", "--no-dereference", tree, back], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert facts(back) == facts(tree)
    assert (back / "small").samefile(back / "z/same as small")
    assert os.lstat(back / "empty").st_size == 0


def test_zstd_and_tar_open_one_without_recipients(tree, packed, tmp_path, stock_tools):
    """It is compressed and indexed all the same."""
    pack = packed(tree, recipients=(), name="p.tar.zst")
    (back := tmp_path / "back").mkdir()
    subprocess.run(["tar", "--zstd", "-xf", pack.file, "-C", back], check=True)
    assert facts(back) == facts(tree)
    assert subprocess.run(["zstd", "-tq", pack.file], check=False).returncode == 0


def test_tarfile_reads_the_stream(tree, packed, key, tmp_path, stock_tools):
    """Python's own reader, with its strictest filter."""
    pack, back = packed(tree), tmp_path / "back"
    data = pack.file.read_bytes()
    sealed = SealedFile(lambda start, end: data[start:end], len(data), [key])
    plain = sealed.read(0, sealed.size)
    tar = subprocess.run(["zstd", "-d"], input=plain, stdout=subprocess.PIPE, check=True).stdout
    (tmp_path / "p.tar").write_bytes(tar)
    with tarfile.open(tmp_path / "p.tar", errorlevel=2) as file:
        names = [member.name for member in file]
        file.extractall(back, filter="data")
    assert names == [path for path, _ in walk(tree)]
    assert {path: content for path, (_, _, content) in facts(back).items()} == {
        path: content for path, (_, _, content) in facts(tree).items()
    }
