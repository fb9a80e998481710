"""``--from``: the archives of a DataFrame or of a file."""

from zipfile import ZipFile

import pandas as pd
import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, IntegrityError, NameNotKnown, NotConfirmed
from glacier_magic.plans import RestorePlan
from tests.counting import counting
from tests.faces import Face


@pytest.fixture
def face():
    return Face()


@pytest.fixture
def glacier(session, filled, face):
    """Run words; the vault ``photos`` is filled and not in use."""
    console = Console(face)
    console._session = session
    return lambda *words: run(console, VERBS, list(words))


def test_a_dataframe_chooses_by_its_ids(glacier, face, filled):
    """Whatever else is in it; twice is once, and its own vault is meant."""
    table = filled.archives("scans/")
    face.names["df"] = pd.concat([table, table])[["archive_id", "vault"]]
    plan = glacier("restore", "--from", "df")
    assert isinstance(plan, RestorePlan)
    assert sorted(plan.table["name"]) == sorted(table["name"])
    face.names["df"] = table[["archive_id"]]
    assert len(glacier("restore", "--from", "df", "--vault", "photos").table) == 2
    assert isinstance(glacier("restore", "--from", "df", "--head", "1"), RestorePlan)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_saved_table_chooses_as_well(glacier, filled, files, suffix):
    """Also in a shell, which has no variables."""
    table = filled.archives("c.txt")
    path = files.folder / f"chosen{suffix}"
    table.to_csv(path) if suffix == ".csv" else table.to_parquet(path)
    assert list(glacier("restore", "--from", str(path)).table["name"]) == ["c.txt"]


def test_a_table_chooses_what_is_deleted(main, filled, files, emulator):
    """With the vault's name, as any deletion of several archives; counted at the service."""
    filled.archives("scans/").to_csv(files.folder / "old.csv")
    with counting(emulator, "DeleteArchive") as deleted:
        assert main("rm", "--from", "old.csv", "--yes") == NotConfirmed.exit_code
        assert main("rm", "--from", "old.csv", "--where", "size > 1", "--confirm", "photos") == 2
        assert deleted() == 0
        main.ok("rm", "--from", "old.csv", "--confirm", "photos")
        assert deleted() == 2
    assert list(filled.archives()["name"]) == ["c.txt"]


def test_a_table_chooses_what_is_compared(glacier, face, filled, files):
    """With the files of one folder; those of other archives are not missed."""
    face.names["df"] = filled.archives("scans/")
    files("back/scans/a.tif", b"scans/a.tif" * 100)
    files("restored/scans/b.tif", b"other")
    assert list(glacier("verify", "--from", "df", "back")["state"]) == ["same", "missing locally"]
    assert list(glacier("verify", "--from", "df")["state"]) == ["missing locally", "different"]
    assert face.notes[-1] == "photos, according to the catalogue: 1 different, 1 missing locally."
    with pytest.raises(IntegrityError):
        glacier("verify", "--from", "df", "back", "--check")
    with pytest.raises(InputError, match="one folder"):
        glacier("verify", "--from", "df", "back", "other")


def test_a_row_chooses_what_is_listed(glacier, face, vault, files):
    """As a table of one row does."""
    with ZipFile(files("a.zip", b""), "w") as made:
        made.writestr("in.txt", "text")
    vault.upload("a.zip")
    table = vault.archives("a.zip")
    face.names |= {"df": table, "row": table.iloc[0], "two": pd.concat([table, table.assign(archive_id="x")])}
    for name in ("df", "row"):
        assert list(glacier("peek", "--from", name)["name"]) == ["in.txt"]
    with pytest.raises(InputError, match="not known"):
        glacier("peek", "--from", "two")


def test_what_is_no_table_of_archives_is_an_error_in_words(glacier, face, filled, files):
    """And none of them asks for anything."""
    one = filled.archives("c.txt")
    face.names |= {
        "text": "abc",
        "bare": one.drop(columns="archive_id"),
        "none": one.iloc[:0],
        "condition": one["size"] > 0,
        "strange": pd.DataFrame({"archive_id": ["x" * 138], "vault": ["photos"]}),
        "mixed": pd.DataFrame({"archive_id": ["a", "b"], "vault": ["a", "b"]}),
    }
    files("bad.parquet", b"no parquet")
    files("bad.csv", b"\xff\xfe\x00" * 50)
    for name, words in {
        "text": "not a DataFrame",
        "bare": "no column archive_id",
        "none": "lists no archive",
        "condition": "True and False",
        "mixed": "2 vaults",
        "nosuch": "no such file",
        "bad.parquet": "not a table",
        "bad.csv": "not a table|no column",
    }.items():
        for verb in ("restore", "rm", "verify", "peek"):
            with pytest.raises(InputError, match=words):
                glacier(verb, "--from", name)
    with pytest.raises(NameNotKnown, match="not known"):
        glacier("restore", "--from", "strange")
    for verb in ("restore", "rm", "peek"):
        with pytest.raises(InputError, match="words or from a table"):
            glacier(verb, "c.txt", "--from", "text")
        with pytest.raises(InputError, match="Which archive"):
            glacier(verb)
    with pytest.raises(InputError, match="Which files"):
        glacier("verify")
    with pytest.raises(InputError, match="from the catalogue"):
        glacier("restore", "--expired", "--from", "text")


def test_many_ids_are_looked_up_in_pieces(filled, put, session, client, later):
    """The order and number of what is known is that of the catalogue."""
    ids = list(filled.archives()["archive_id"])
    known = session.catalogue.archives.known("photos", ids * 400 + ["-" * 138])
    assert {record.archive_id for record in known} == set(ids)
    assert session.catalogue.archives.known("nosuch", ids) == []
