"""The verb import: what other programs recorded, taken over before the first inventory."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, IntegrityError, NotFound
from glacier_magic.plans import RestorePlan
from tests.faces import Face

HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def glacier(session_place, notes, emulator, region, monkeypatch):
    """Run a line of words on a console that is connected to the emulator, with a vault in use."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    face = Face(notes)
    console = Console(face)

    def glacier(*words):
        return run(console, VERBS, [str(word) for word in words])

    glacier.names = face.names  # the user's variables
    glacier("connect", "--data", emulator.folder, "--region", region)
    glacier("create", "photos")
    yield glacier
    console.close()


@pytest.fixture
def journal(put, tmp_path):
    """A journal of mt-aws-glacier of two archives that are there, with a damaged line."""
    first, second = put("mt2 eyJmaWxlbmFtZSI6ImEudHh0In0"), put("mt2 eyJmaWxlbmFtZSI6ImIudHh0In0")
    lines = [
        f"B\t1350980000\tCREATED\t{first}\t7\t1289672605\t{HASH}\t2013/a<b>.txt",
        f"B\t1350980001\tCREATED\t{second}\t7\tNONE\t{HASH}\t2013/b.txt",
        "B\t13509",
        f"B\t1350980002\tRETRIEVE_JOB\t{first}\t{'J' * 92}",
    ]
    path = tmp_path / "journal.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_journal_gives_names_before_any_inventory(glacier, journal):
    """What was taken can be listed and planned for at once; what was left is named."""
    shown = glacier("import", journal)
    text, html = repr(shown), shown._repr_mimebundle_()["text/html"]
    assert "mt-aws-glacier's journal: 2 archives imported into photos." in text
    assert "imported; no inventory in the catalogue lists them yet" in text
    assert "jobs skipped" in text
    assert "line 3   it is not a complete event of the journal" in text
    assert "%glacier inventory shows which of them exist" in text
    assert "line 3" in html
    assert "2 archives imported" in html
    table = glacier("ls")
    assert list(table["name"]) == ["2013/a<b>.txt", "2013/b.txt"]
    assert set(table["state"]) == {"unknown"}
    plan = glacier("restore", "2013/b.txt")
    assert isinstance(plan, RestorePlan)
    assert "b.txt" in repr(plan)
    again = repr(glacier("import", journal))
    assert "0 archives imported." in again
    assert "known already" in again


def test_an_inventory_completes_what_was_imported(glacier, journal, later):
    """Once it is read, both are listed by the service's own words."""
    glacier("import", journal)
    later(days=1.2)
    glacier("inventory", "--fresh")
    later(hours=4.1)
    table = glacier("inventory")
    assert len(table) == 2
    assert "unknown" not in set(table["state"])


def test_a_dry_run_tells_and_writes_nothing(glacier, journal):
    """The same tables, and an empty catalogue."""
    text = repr(glacier("import", journal, "--dry-run"))
    assert "2 archives would be imported into photos." in text
    assert "Nothing was written" in text
    assert len(glacier("ls")) == 0


@pytest.mark.parametrize("form", ["JSON", "CSV"])
def test_an_inventory_saved_by_another_client_is_taken(glacier, client, emulator, tmp_path, form):
    """Of the service's own output, both kinds; the JSON knows its vault, another is left."""
    client.upload_archive(vaultName="photos", body=b"x", archiveDescription='a, "quoted".txt')
    emulator.advance(days=1.2)
    asked = {"Type": "inventory-retrieval", "Format": form}
    job = client.initiate_job(vaultName="photos", jobParameters=asked)["jobId"]
    emulator.advance(hours=4.1)
    path = tmp_path / "saved"
    path.write_bytes(client.get_job_output(vaultName="photos", jobId=job)["body"].read())
    glacier("create", "music")
    if form == "JSON":
        with pytest.raises(InputError, match=r"Nothing in \S+saved was imported: .* other than music"):
            glacier("import", path, "--vault", "music")
        glacier("import", path)
    else:
        glacier("import", path, "--vault", "photos")
    table = glacier("ls", "--vault", "photos")
    assert list(table["name"]) == ['a, "quoted".txt']
    assert list(table["size"]) == [1]
    assert len(glacier("ls", "--vault", "music")) == 0


def test_names_that_are_kept_elsewhere_are_taken_once_the_archives_are_known(glacier, put, later, tmp_path):
    """From a CSV, a DataFrame or Synology's mapping; nothing is 0 archives and a success."""
    first, second = put("0001", b"one"), put(" ", b"two")
    table = tmp_path / "names.csv"
    table.write_text(f"name;archive_id;shelf\n2015/a.jpg;{first};3\nb.jpg;{'x' * 138};3\n")
    with pytest.raises(InputError, match="names no archive") as caught:
        glacier("import", table)
    assert "inventory" in caught.value.cure
    later(days=1.2)
    glacier("inventory", "--fresh")
    later(hours=4.1)
    glacier("inventory")
    text = repr(glacier("import", table))
    assert "a table of names: 1 archive named." in text
    assert "skipped: the catalogue knows no archive of photos with its id" in text
    assert "Columns that were ignored: 'shelf'." in text
    glacier.names["named"] = pd.DataFrame({"archive_id": [second], "name": ["2015/c.jpg"]})
    assert "1 archive would be named" in repr(glacier("import", "named", "--dry-run"))
    glacier("import", "named")
    mapping = sqlite3.connect(tmp_path / "mapping.db")
    mapping.execute("CREATE TABLE file_info_tb(shareName, basePath, archiveID)")
    mapping.execute("INSERT INTO file_info_tb VALUES('photo', '2015/d.jpg', ?)", (second,))
    mapping.commit()
    mapping.close()
    glacier("import", tmp_path / "mapping.db", "--vault", "photos")
    found = glacier("ls", "2015/*")
    assert list(found["name"]) == ["2015/a.jpg"]
    assert list(found["description"]) == ["0001"]
    assert list(glacier("ls", "photo/2015/")["archive_id"]) == [second]


def test_tags_can_be_seen_and_searched(glacier, tmp_path, put):
    """bakthat's, as labels and a note that a condition finds and an export keeps."""
    first, second = put("documents.20130214103045.tgz.enc"), put("b")
    with closing(sqlite3.connect(tmp_path / "bakthat")) as file:
        file.execute("CREATE TABLE inventory(archive_id, filename)")
        file.execute("CREATE TABLE backups(stored_filename, size, is_deleted, tags, metadata, backend)")
        file.execute("INSERT INTO inventory VALUES(?, 'documents.20130214103045.tgz.enc')", (first,))
        file.execute("INSERT INTO inventory VALUES(?, 'b')", (second,))
        file.execute(
            "INSERT INTO backups VALUES('documents.20130214103045.tgz.enc', 7, 0, 'home', "
            """'{"is_enc": true, "client": "vm"}', 'glacier')"""
        )
        file.commit()
    glacier("import", tmp_path / "bakthat")
    note = "client vm; encrypted by the client"
    for _ in range(2):
        found = glacier("ls", "--label", "home", "--where", "note like '%vm%' or size is null")
        assert found[["name", "labels", "note"]].to_numpy().tolist() == [["documents", "home", note]]
        assert f"{found['modified'].iloc[0]:%Y-%m-%d}" == "2013-02-14"
        glacier("catalogue", "export", tmp_path / "out.csv")
        glacier("catalogue", "import", tmp_path / "out.csv")
        (tmp_path / "out.csv").unlink()


def test_slips_are_told(glacier, tmp_path, journal):
    """A missing file, one of another kind, and a vault that does not exist."""
    with pytest.raises(InputError, match="There is no file"):
        glacier("import", tmp_path / "missing")
    other = tmp_path / "other.txt"
    other.write_text("hello")
    with pytest.raises(InputError, match="not a record of archives") as caught:
        glacier("import", other)
    assert "mt-aws-glacier's journal" in caught.value.cure
    with pytest.raises(NotFound):
        glacier("import", journal, "--vault", "phtoos")
    assert len(glacier("ls")) == 0


def test_much_that_is_left_is_summed_up(glacier, journal):
    """Twenty by name, all by number."""
    with journal.open("a") as file:
        file.write("noise\n" * 1234)
    text = repr(glacier("import", journal))
    assert "1,235" in text
    assert "1,215 more were skipped." in text
    assert text.count("it is not a complete event") == 21


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_file_that_ends_too_early_is_taken_and_is_an_error(glacier, notes, put, tmp_path, kind):
    """A script must see that something is missing; what was read is there."""
    ids = [put("one"), put("two")]
    if kind == "json":
        row = '{{"ArchiveId": "{}", "ArchiveDescription": "n", "CreationDate": '
        row += '"2020-01-01T00:00:00Z", "Size": {}, "SHA256TreeHash": "{}"}}'
        rows = ", ".join(row.format(i, 1 << n, HASH) for i, n in zip(ids, (3, 60), strict=True))
        text = f'{{"VaultARN": "", "InventoryDate": "2020-01-02T00:00:00Z", "ArchiveList": [{rows}'
    else:
        text = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"
        text += f"{ids[0]},n,2020-01-01T00:00:00Z,8,{HASH}\n{ids[1]},n,2020"
    (tmp_path / "cut").write_text(text)
    with pytest.raises(IntegrityError, match="truncated"):
        glacier("import", tmp_path / "cut", "--vault", "photos")
    assert "imported into photos" in notes[-1]
    table = glacier("ls")
    assert ids[0] in list(table["archive_id"])


def test_a_size_that_no_archive_can_have_is_refused(glacier, put, tmp_path):
    """10,000 parts of 4 GiB are the most."""
    most = 40_000 << 30
    text = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"
    for name, size in (("one", most), ("two", most + 1)):
        text += f"{put(name)},{name},2020-01-01T00:00:00Z,{size},{HASH}\n"
    (tmp_path / "large.csv").write_text(text)
    glacier("import", tmp_path / "large.csv", "--vault", "photos")
    table = glacier("ls").set_index("name")
    assert table.loc["one", "size"] == most
    assert "two" not in table.index
