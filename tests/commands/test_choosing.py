"""``restore --from``: the archives of a DataFrame or of a file."""

import pandas as pd
import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, NameNotKnown
from glacier_magic.plans import RestorePlan


class Face:
    program, lasting, rich = "%glacier", True, False

    def __init__(self):
        self.names = {}

    def note(self, text):
        pass

    def variable(self, name):
        return self.names.get(name)

    def offer(self, plan):
        return plan


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


def test_what_is_no_table_of_archives_is_an_error_in_words(glacier, face, filled, files):
    """And none of them asks for anything."""
    one = filled.archives("c.txt")
    face.names |= {
        "text": "abc",
        "bare": one.drop(columns="archive_id"),
        "none": one.iloc[:0],
        "strange": pd.DataFrame({"archive_id": ["x" * 138], "vault": ["photos"]}),
        "mixed": pd.DataFrame({"archive_id": ["a", "b"], "vault": ["a", "b"]}),
    }
    files("bad.parquet", b"no parquet")
    files("bad.csv", b"\xff\xfe\x00" * 50)
    for name, words in {
        "text": "not a DataFrame",
        "bare": "no column archive_id",
        "none": "lists no archive",
        "mixed": "2 vaults",
        "nosuch": "no such file",
        "bad.parquet": "not a table",
        "bad.csv": "not a table|no column",
    }.items():
        with pytest.raises(InputError, match=words):
            glacier("restore", "--from", name)
    with pytest.raises(NameNotKnown, match="not known"):
        glacier("restore", "--from", "strange")
    with pytest.raises(InputError, match="words or from a table"):
        glacier("restore", "c.txt", "--from", "text")
    with pytest.raises(InputError, match="from the catalogue"):
        glacier("restore", "--expired", "--from", "text")


def test_many_ids_are_looked_up_in_pieces(filled, put, session, client, later):
    """The order and number of what is known is that of the catalogue."""
    ids = list(filled.archives()["archive_id"])
    known = session.catalogue.archives.known("photos", ids * 400 + ["-" * 138])
    assert {record.archive_id for record in known} == set(ids)
    assert session.catalogue.archives.known("nosuch", ids) == []
