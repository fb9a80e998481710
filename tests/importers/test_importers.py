"""Importers: files of other programs, whole and damaged, told by their content."""

import csv
import dbm.dumb
import gzip
import io
import json
import os
import pickle
import shelve
import sqlite3
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic import importers
from glacier_magic.errors import InputError
from glacier_magic.importers import IMPORTERS, ImportedArchive, stores

SAMPLES = Path(__file__).with_name("samples")
A, B, C = ("A" * 138, "-" * 138, "C" * 138)
JOB = "J" * 92
CSV_HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

# The schema that SQLAlchemy makes of glacier-cli's declarations.
GLACIER_CLI = """CREATE TABLE archive (
    id VARCHAR NOT NULL, name VARCHAR, vault VARCHAR NOT NULL, "key" VARCHAR NOT NULL,
    last_seen_upstream INTEGER, created_here INTEGER, deleted_here INTEGER, PRIMARY KEY (id))"""

JOURNAL = f"""\
A\t1350980000\tCREATED\t{A}\t1048576\t1289672605\t{HASH}\tphotos/a b.jpg
B\t1350980001\tCREATED\t{B}\t7\tNONE\t{HASH.upper()}\tфайл
B\t1350980002\tRETRIEVE_JOB\t{A}\t{JOB}
B\t1350980003\tDELETED\t{B}\tфайл
C\t1350980004\tCREATED\t{C}\t0\t-5\t{HASH}\t{C}
"""  # noqa: RUF001 - a sample in another script

OLD_JOURNAL = f"""\
1345980000 CREATED {A} 1048576 {HASH} photos/a b.jpg
1345980001 RETRIEVE_JOB {A}
1345980002 DELETED {B} gone.txt
"""


def sample(name, folder, suffix=""):
    """Unpack a sample file into *folder*; return its path."""
    path = folder / f"{name}{suffix}"
    path.write_bytes(gzip.decompress((SAMPLES / f"{name}{suffix}.gz").read_bytes()))
    return path


def database(path, *statements):
    """Make a SQLite file."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.executescript(statement)
    connection.close()
    return path


def written(folder, text, name="file"):
    """Write a text file."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def whole(path):
    """Read all of a file; return what it gave: archives, jobs, left, and the format."""
    imported = importers.read(path)
    return list(imported.items), list(imported.jobs), list(imported.left), imported.format


# GlacierVault's shelve


@pytest.mark.parametrize(
    ("name", "suffixes", "count"),
    [
        ("shelve-python27", (".dat", ".dir"), 6),
        ("shelve-gnu", ("",), 42),
        ("shelve-berkeley", ("",), 42),
        ("shelve-ndbm", (".db",), 1),
        ("shelve-sqlite3", ("",), 1),
    ],
)
def test_shelves_are_read_without_the_library_that_wrote_them(tmp_path, name, suffixes, count):
    """Named by any of their files, or as the program was told, they give every archive."""
    paths = [sample(name, tmp_path, suffix) for suffix in suffixes]
    for path in {*paths, tmp_path / name}:
        archives, jobs, left, form = whole(path)
        assert (len(archives), len(jobs), left) == (count, 1, [])
        assert form == "GlacierVault's shelve"
        assert all(len(a.archive_id) == 138 and a.description == a.name for a in archives)


def test_python_2s_names_are_utf8_or_spelled_out(tmp_path):
    """Names that were bytes are text; one in Latin-1 keeps its byte visibly."""
    names = {a.name for a in whole(sample("shelve-gnu", tmp_path))[0]}
    assert {"café.tgz", "na\\xefve.txt", "photos/img00.tar"} <= names


def test_a_shelf_of_this_python_is_read(tmp_path):
    """The library this Python chooses is one of those known, or is asked itself."""
    with shelve.open(str(tmp_path / "own")) as shelf:
        shelf["archives"] = {"a.txt": A, "b.txt": None, 7: B}
    archives, _, left, _ = whole(tmp_path / "own")
    assert archives == [ImportedArchive(archive_id=A, name="a.txt", description="a.txt")]
    assert left == [("'b.txt'", "its archive id is invalid"), ("7", "its archive id is invalid")]


class Harm:
    """A pickle of this removes a file when it is loaded carelessly."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.remove, (str(self.path),)


@pytest.mark.parametrize(
    "pickled",
    [
        lambda path: pickle.dumps({"a.txt": Harm(path)}),
        lambda _: b"",
        lambda _: b"no pickle",
        lambda _: pickle.dumps(["a.txt", A]),
        lambda _: pickle.dumps({"a": A})[:-5],
        lambda _: b"\x80\x04\x8b\xff\xff\xff\x7f",
        lambda _: b"cos\nsystem\n(S'x'\ntR.",
    ],
)
def test_only_plain_data_is_taken_from_a_pickle(tmp_path, pickled):
    """What names code, or is none, is left with the reason; nothing of it runs."""
    witness = written(tmp_path, "still here", "witness")
    with dbm.dumb.open(str(tmp_path / "shelf"), "n") as store:
        store[b"archives"] = pickled(witness)
        store[b"jobs"] = pickle.dumps({"a.txt": JOB})
        store[b"more"] = b""
    archives, jobs, left, _ = whole(tmp_path / "shelf")
    assert witness.exists()
    assert (archives, jobs) == ([], [JOB])
    assert [what for what, _ in left] == ["the key b'more'", "all archives"]


@given(st.sampled_from(["shelve-gnu", "shelve-berkeley"]), st.data())
def test_damaged_key_value_files_are_told(tmp_path_factory, name, data):
    """Wherever bytes are changed or missing, the file is read or refused, never worse."""
    intact = gzip.decompress((SAMPLES / f"{name}.gz").read_bytes())
    place = data.draw(st.integers(0, 300) | st.integers(0, len(intact) - 1))
    change = data.draw(st.binary(max_size=8))
    end = data.draw(st.just(len(intact)) | st.integers(1, len(intact)))
    damaged = (intact[:place] + change + intact[place + len(change) :])[:end]
    path = written(tmp_path_factory.mktemp("damaged"), damaged)
    try:
        entries = stores.entries(path)
    except stores.StoreError:
        return
    assert entries is None or all(isinstance(value, bytes) for value in entries.values())


def test_a_damaged_index_is_told(tmp_path):
    """An index of dbm.dumb that is none, or points behind the end, is an error with its reason."""
    written(tmp_path, b"", "x.dat")
    for index in ("'archives', (0, 512)\n", "import os\n", "'\\xx', (0, 0)\n"):
        written(tmp_path, index, "x.dir")
        with pytest.raises(InputError, match="damaged"):
            importers.read(tmp_path / "x")


# bakthat and glacier-cli


def test_bakthats_own_file_is_read(tmp_path):
    """A file that bakthat 0.6.0 made: one backup kept, one deleted with its id, one job."""
    path = database(tmp_path / "b", (SAMPLES / "bakthat-0.6.0.sql").read_text())
    ((archive,), (job,), left, form) = whole(path)
    assert (form, left) == ("bakthat's SQLite", [])
    assert archive.name == archive.description == "documents.20261124041110.tgz"
    assert (archive.size, archive.deleted, archive.vault) == (163, False, None)
    assert len(job) == 92


def test_bakthats_tags_are_labels_and_client_and_encryption_a_note(tmp_path):
    """In words; damaged metadata costs them alone."""
    path = database(tmp_path / "b", (SAMPLES / "bakthat-0.6.0.sql").read_text())
    assert whole(path)[0][0].note == "client vm"
    database(path, 'UPDATE backups SET tags=\'home  2013\', metadata=\'{"client": "a", "is_enc": true}\'')
    ((found, *_), *_) = whole(path)
    assert (found.labels, found.note) == ("2013 home", "client a; encrypted by the client")
    database(path, "UPDATE backups SET tags='', metadata='{\"client'")
    assert whole(path)[0][0].note == ""


GLACIER_RSYNC = (
    "CREATE TABLE sync_history (id integer primary key, path text, file_size integer, mtime float, "
    "archive_id text, location text, checksum text, compression text, timestamp text)"
)


def test_glacier_rsyncs_file_is_read(tmp_path):
    """Vault and account are in the location; the size is that of the archive unless it is compressed."""
    when = "Wed, 16 Sep 2020 10:00:00 GMT"
    place = "/012345678901/vaults/photos/archives/"
    rows = [
        ("/home/a.txt", 12, 1_600_000_000.5, A, place + A, HASH, "plain", when),
        ("/home/b|.txt", 12, None, B, "odd", "", "zstd", "yesterday"),
        ("/home/c.txt", 12, None, "no id", "", "", None, None),
    ]
    path = database(tmp_path / "db", GLACIER_RSYNC)
    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT INTO sync_history VALUES(NULL,?,?,?,?,?,?,?,?)", rows)
    connection.close()
    archives, jobs, left, form = whole(path)
    assert archives == [
        ImportedArchive(
            archive_id=A,
            account="012345678901",
            vault="photos",
            name="/home/a.txt",
            size=12,
            mtime_ms=1_600_000_000_500,
            created_ms=1_600_250_400_000,
            tree_hash=HASH,
        ),
        ImportedArchive(archive_id=B, name="/home/b|.txt", note="compressed with zstd"),
    ]
    assert (jobs, form) == ([], "glacier-rsync's SQLite")
    assert left == [("'/home/c.txt'", "its archive id is invalid")]


# Names without records


SYNOLOGY = (
    "CREATE TABLE file_info_tb(key integer primary key, shareName text, basePath text, archiveID text, "
    "lastBkpTime integer, fileSize integer, archiveVersion integer, current integer, checksum text)"
)


def test_synologys_mapping_names_archives(tmp_path):
    """A folder has none; a file that is stored once under two names keeps the first."""
    rows = [
        ("photo", "2015/März/IMG_1.JPG", A),
        ("photo", "2015", ""),
        ("homes", "/a.txt", B),
        ("homes", "copy.txt", B),
        ("homes", "../../x", C),
        ("homes", "odd", "no id"),
        (None, None, "D" * 138),
    ]
    path = database(tmp_path / "db", SYNOLOGY)
    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT INTO file_info_tb(shareName, basePath, archiveID) VALUES(?,?,?)", rows)
    connection.close()
    imported = importers.read(path)
    assert [(a.archive_id, a.name) for a in imported.items] == [
        (A, "photo/2015/März/IMG_1.JPG"),
        (B, "homes/a.txt"),
        (C, "homes/../../x"),
    ]
    assert imported.names_only
    assert imported.left.reasons == {
        "its archive has another name in the file": 1,
        "its archive id or name is invalid": 2,
    }


TABLE = f"""\
,Archive ID,name,Modified
0,{A},"a, ""b"".txt",2013-02-14T10:30:45+02:00
1,{B},"two
lines",
2,{C},d.txt,yesterday
3,no id,e.txt,
4,{"D" * 138},,
5,{A},again.txt,
"""
NAMED = [(A, 'a, "b".txt', 1_360_830_645_000), (B, "two\nlines", None), (C, "d.txt", None)]
REASONS = {
    "it is no date with an offset, such as Z": 1,
    "its archive id is invalid": 1,
    "it has no name": 1,
    "its archive has another name in the file": 1,
}


def named(imported):
    """Return what a table names."""
    return [(a.archive_id, a.name, a.mtime_ms) for a in imported.items]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_of_names_is_read_as_any_program_saves_it(tmp_path, encoding, delimiter, end):
    """Its columns are found by name; others are ignored, and odd rows are left."""
    rows = list(csv.reader(io.StringIO(TABLE)))
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    data = text.getvalue().encode(encoding)
    (tmp_path / "t").write_bytes(gzip.compress(data) if delimiter == ";" else data)
    imported = importers.read(tmp_path / "t")
    assert named(imported) == NAMED
    assert imported.left.reasons == REASONS
    assert (imported.names_only, imported.notes) == (True, ["Columns that were ignored: ''."])


def test_a_dataframe_and_parquet_name_archives_too(tmp_path):
    """Times are typed; missing ones are none."""
    frame = pd.DataFrame(
        {
            "size": [1, 2, 3],
            "NAME": ["a", "b", None],
            "ArchiveId": [A, B, C],
            "modified": pd.to_datetime(["2013-02-14T08:30:45Z", None, None], utc=True),
        }
    )
    frame.to_parquet(tmp_path / "t")
    for imported in (importers.of_frame(frame, "df"), importers.read(tmp_path / "t")):
        assert named(imported) == [(A, "a", 1_360_830_645_000), (B, "b", None)]
        assert imported.left.reasons == {"it has no name": 1}
        assert imported.notes[0].startswith("Columns that were ignored: 'size'")
    naive = frame.assign(modified=pd.Timestamp("2013-02-14"))
    imported = importers.of_frame(naive)
    assert named(imported)[0] == (A, "a", None)
    assert imported.left.reasons["it is no date with an offset, such as Z"] == 2
    with pytest.raises(InputError, match="no columns archive_id and name"):
        importers.of_frame(frame[["size", "NAME"]])


def test_a_damaged_table_names_its_beginning(tmp_path):
    """What follows a stray quote is not guessed at."""
    path = written(tmp_path, f'archive_id,name\n{A},a\n{B},"b"x\n{C},c\n')
    imported = importers.read(path)
    assert named(imported) == [(A, "a", None)]
    assert len(imported.left) == 1


@given(st.lists(st.tuples(st.text(), st.text(), st.text())), st.sampled_from([",", ";", "\t"]))
def test_no_table_of_names_is_an_exception(rows, delimiter):
    """Any cells at all give names that can be stored."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([("archive_id", "name", "modified"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t"
        path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
        for archive in importers.read(path).items:
            assert archive.name.encode()


def test_bakthats_odd_rows_are_left(tmp_path):
    """A backup without an id, and an id that is none, are told; a deleted one is deleted."""
    path = database(
        tmp_path / "b",
        (SAMPLES / "bakthat-0.6.0.sql").read_text(),
        "INSERT INTO backups SELECT 3, backend, backend_hash, 1, 'x', 0, 1, '{}', 1, 'x.tgz', '' "
        "FROM backups WHERE id=1;"
        "INSERT INTO inventory VALUES(2, 'not an id', 'y.tgz');"
        "INSERT INTO inventory VALUES(3, x'00ff', 'z.tgz');"
        "INSERT INTO jobs VALUES(2, 'y.tgz', '');"
        "UPDATE backups SET is_deleted=1 WHERE id=1;",
    )
    archives, jobs, left, _ = whole(path)
    assert [a.deleted for a in archives] == [True]
    assert len(jobs) == 1
    assert left == [
        ("'y.tgz'", "its archive id is invalid"),
        ("'z.tgz'", "its archive id is invalid"),
        ("'x.tgz'", "the file lacks its archive id, which an inventory has"),
        ("the job of 'y.tgz'", "its id is invalid"),
    ]


def test_bakthats_first_sqlite_has_no_sizes(tmp_path):
    """Without the table of backups the ids are taken all the same."""
    table = f"CREATE TABLE inventory(filename, archive_id); INSERT INTO inventory VALUES('a','{A}')"
    archives, jobs, left, _ = whole(database(tmp_path / "b.dt", table))
    assert archives == [ImportedArchive(archive_id=A, name="a", description="a")]
    assert (jobs, left) == ([], [])


def test_glacier_clis_file_is_read(tmp_path):
    """Vaults, what an inventory has listed, and what was deleted; ages only where they are true."""
    rows = [
        (A, "a.txt", "photos", "K1", 1_700_000_000, 1_600_000_000.25, None),
        (B, None, "music", "K1", None, 1_600_000_000.25, None),
        (C, "café", "photos", "K2", None, None, 1_700_000_000.5),
        ("no id", "odd", "photos", "K2", None, None, None),
    ]
    path = database(tmp_path / "db", GLACIER_CLI)
    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT INTO archive VALUES(?,?,?,?,?,?,?)", rows)
    connection.close()
    imported = importers.read(path)
    seen = 1_700_000_000_000
    assert list(imported.items) == [
        ImportedArchive(archive_id=A, name="a.txt", description="a.txt", vault="photos", seen_ms=seen),
        ImportedArchive(archive_id=B, vault="music", created_ms=1_600_000_000_250),
        ImportedArchive(archive_id=C, name="café", description="café", vault="photos", deleted=True),
    ]
    assert list(imported.left) == [("'odd'", "its archive id or vault is invalid")]
    assert imported.notes == ["The file has 2 access keys; all archives are taken as those of this account."]


def test_a_sqlite_file_that_breaks_off_gives_what_is_whole(tmp_path):
    """Pages that are damaged cost the rows on them, not those before."""
    path = database(tmp_path / "db", GLACIER_CLI)
    with sqlite3.connect(path) as connection:
        for number in range(2000):
            values = (f"{number:0138}", f"file {number}")
            connection.execute("INSERT INTO archive VALUES(?,?,'v','k',NULL,NULL,NULL)", values)
    connection.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    archives, _, left, _ = whole(path)
    assert 0 < len(archives) < 2000
    assert left[0][0] == "the rest of the archives"


# mt-aws-glacier's journal


def test_a_journal_is_read(tmp_path):
    """Sizes, times and names as written; the deleted is deleted, a made-up name is none."""
    archives, jobs, left, form = whole(written(tmp_path, JOURNAL))
    assert (form, left) == ("mt-aws-glacier's journal", [])
    assert archives == [
        ImportedArchive(
            archive_id=A,
            name="photos/a b.jpg",
            size=1048576,
            created_ms=1350980000000,
            mtime_ms=1289672605000,
            tree_hash=HASH,
        ),
        ImportedArchive(
            archive_id=B, name="файл", size=7, created_ms=1350980001000, tree_hash=HASH, deleted=True
        ),
        ImportedArchive(archive_id=C, size=0, created_ms=1350980004000, tree_hash=HASH),
    ]
    assert jobs == [JOB]


def test_the_first_version_of_the_journal_is_read(tmp_path):
    """It has no time of the file and no job ids; what was made before it is known as deleted."""
    archives, jobs, left, _ = whole(written(tmp_path, OLD_JOURNAL))
    assert (jobs, left) == ([], [])
    assert archives == [
        ImportedArchive(
            archive_id=A, name="photos/a b.jpg", size=1048576, created_ms=1345980000000, tree_hash=HASH
        ),
        ImportedArchive(archive_id=B, name="gone.txt", deleted=True),
    ]


def test_damaged_lines_of_a_journal_are_left_by_number(tmp_path):
    """A torn line, one of the future and noise do not stop the rest."""
    odd = ["B\t13509\r", "D\t1\tCREATED\tx", "noise", "", "B\t1\tCREATED\tä\t1\tNONE\tx\tn", "B\t1"]
    torn = JOURNAL + "\n".join(odd)
    archives, _, left, _ = whole(written(tmp_path, torn))
    assert len(archives) == 3
    assert left == [
        ("line 6", "it is not a complete event of the journal"),
        ("line 7", "it belongs to a later version of the journal"),
        ("line 8", "it is not a complete event of the journal"),
        ("line 10", "its archive id is invalid"),
        ("line 11", "it is not a complete event of the journal"),
    ]


def test_a_journal_in_another_encoding_keeps_its_bytes(tmp_path):
    """Names that are not UTF-8 are spelled out."""
    line = f"B\t1\tCREATED\t{A}\t1\tNONE\t{HASH}\t".encode() + "naïve".encode("latin-1") + b"\n"
    ((archive,), _, _, _) = whole(written(tmp_path, line))
    assert archive.name == "na\\xefve"


@given(st.lists(st.sampled_from(JOURNAL.split("\n")) | st.text(), max_size=8), st.data())
def test_no_journal_raises(tmp_path_factory, lines, data):
    """Any bytes behind a first event are read to the end."""
    text = "\n".join([JOURNAL.split("\n", maxsplit=1)[0], *lines]).encode("utf-8", "replace")
    end = data.draw(st.integers(0, 20))
    path = written(tmp_path_factory.mktemp("journal"), text[: len(text) - end])
    archives, _, _, _ = whole(path)
    assert all(isinstance(archive, ImportedArchive) for archive in archives)


# Saved inventories


def inventory(*archives, **head):
    """Make the JSON of an inventory."""
    made = {
        "VaultARN": "arn:aws:glacier:eu-west-1:012345678901:vaults/photos",
        "InventoryDate": "2015-04-07T00:26:18Z",
    } | head
    return {**made, "ArchiveList": list(archives)}


def entry(archive_id, description="a.txt", **more):
    """Make one archive of an inventory."""
    return {
        "ArchiveId": archive_id,
        "ArchiveDescription": description,
        "CreationDate": "2012-08-23T19:08:30Z",
        "Size": 5,
        "SHA256TreeHash": HASH,
    } | more


@pytest.mark.parametrize("form", [{}, {"indent": 2}, {"sort_keys": True}, {"ensure_ascii": False}])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_json_inventory_names_its_place(tmp_path, form, mark):
    """However a client wrote it down, with its keys in any order."""
    made = inventory(entry(A, "naïve"), entry(B, None))
    archives, jobs, left, kind = whole(written(tmp_path, mark + json.dumps(made, **form)))
    assert (jobs, left, kind) == ([], [], "a saved inventory (JSON)")
    assert [a.description for a in archives] == ["naïve", ""]
    assert archives[0] == ImportedArchive(
        archive_id=A,
        account="012345678901",
        region="eu-west-1",
        vault="photos",
        description="naïve",
        size=5,
        created_ms=1345748910000,
        tree_hash=HASH,
        seen_ms=1428366378000,
    )


def test_odd_rows_of_a_json_inventory_are_left(tmp_path):
    """One that lacks something, or is no object, does not cost the others."""
    made = inventory(entry(A), {"ArchiveId": "x"}, 7, entry("no id"), entry(B), VaultARN="?")
    archives, _, left, _ = whole(written(tmp_path, json.dumps(made)))
    assert [(a.archive_id, a.vault) for a in archives] == [(A, None), (B, None)]
    assert left == [
        ("archive 2", "it is not a complete row of an inventory"),
        ("archive 3", "it is not a complete row of an inventory"),
        ("archive 4", "it is not a complete row of an inventory"),
    ]


def test_a_json_inventory_that_breaks_off_gives_what_is_whole(tmp_path):
    """What was cut off is told, and that it was."""
    text = json.dumps(inventory(entry(A), entry(B)))
    archives, _, ((what, why),), _ = whole(written(tmp_path, text[:-100]))
    assert [a.archive_id for a in archives] == [A]
    assert (what, "cut short" in why) == ("all archives after 1", True)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_inventory_is_read(tmp_path, end):
    """Descriptions by the rule of both ends; a damaged line is left by its number."""
    lines = [
        CSV_HEADER,
        f'{A},"a, \\"b\\"",2012-08-23T19:08:30Z,5,{HASH}',
        f"{B},torn",
        f'{C},"back\\\\",2012-08-23T19:08:30.462Z,6,{HASH}',
    ]
    archives, _, left, kind = whole(written(tmp_path, end.join(lines) + end))
    assert kind == "a saved inventory (CSV)"
    assert [a.description for a in archives] == ['a, "b"', "back\\\\"]
    assert [a.created_ms for a in archives] == [1345748910000, 1345748910462]
    assert {a.seen_ms for a in archives} == {None}
    assert left == [("line 3", "it is not a complete row of an inventory")]


# What is none of these


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello\n",
        b"{}",
        b"[1]",
        b"\x00" * 64,
        b"SQLite format 3\x00 and no more",
        b"a,b\n1,2\n",
        bytes(range(256)),
    ],
)
def test_other_files_are_refused_with_what_is_known(tmp_path, content):
    """The error lists what can be imported."""
    path = written(tmp_path, content)
    assert importers.recognise(path) is None
    with pytest.raises(InputError, match="not a record of archives") as caught:
        importers.read(path)
    for importer in IMPORTERS:
        assert importer.FORMAT in caught.value.cure


@given(
    st.sampled_from(
        [
            b"",
            b"SQLite format 3\x00",
            b"\xcf\x9aW\x13" + bytes(20),
            b'{"VaultARN":',
            b'{"ArchiveList":[',
            b"B\t1\tCREATED\t",
            b"1 DELETED x ",
            CSV_HEADER.encode() + b"\n",
        ]
    ),
    st.binary(max_size=300),
)
def test_no_content_does_more_than_be_refused(tmp_path_factory, begin, rest):
    """Any bytes behind any mark are read, left or refused with the typed error."""
    path = written(tmp_path_factory.mktemp("any"), begin + rest)
    try:
        imported = importers.read(path)
    except InputError:
        return
    assert all(isinstance(archive, ImportedArchive) for archive in imported.items)
    assert all(isinstance(job, str) for job in imported.jobs)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    """Neither is a traceback."""
    with pytest.raises(InputError, match="There is no file"):
        importers.read(tmp_path / "missing.db")
    with pytest.raises(InputError, match="not a record"):
        importers.read(tmp_path)


def test_other_databases_are_no_ones(tmp_path):
    """A SQLite file or shelf of another program is not taken for one of these."""
    assert importers.recognise(database(tmp_path / "x", "CREATE TABLE inventory(id)")) is None
    with dbm.dumb.open(str(tmp_path / "shelf"), "n") as store:
        store[b"settings"] = pickle.dumps({})
    assert importers.recognise(tmp_path / "shelf") is None


def test_what_is_left_is_counted_but_not_kept_without_end():
    """A file of nothing but damage does not fill the memory."""
    left = importers.Left()
    for number in range(5000):
        left.add(f"line {number}", "noise")
    assert (len(left), len(list(left)), left.reasons["noise"]) == (5000, left.MOST, 5000)


def test_a_file_is_only_read(tmp_path):
    """Nothing is written into it or beside it."""
    path = database(tmp_path / "db", GLACIER_CLI)
    path.chmod(0o400)
    before = path.read_bytes()
    assert whole(path)[0] == []
    assert [file.name for file in tmp_path.iterdir()] == ["db"]
    assert path.read_bytes() == before
