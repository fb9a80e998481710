"""Archives selected by a DataFrame, a column, a row or a list, in every call that takes archives."""

import subprocess
import sys
from functools import partial
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest

import glacier_magic as gm
from glacier_magic.errors import InputError, NameNotKnown
from tests.counting import counting


@pytest.fixture
def df(filled):
    """The three archives of the vault ``photos``."""
    return filled.archives()


@pytest.fixture
def requested(filled, emulator):
    """Count the jobs and the deletions that the emulator is asked for."""
    with counting(emulator, "InitiateJob") as jobs, counting(emulator, "DeleteArchive") as deletions:
        yield lambda: (jobs(), deletions())


def names(archives):
    return [archive.name for archive in archives]


def test_rows_columns_lists_and_archives_select(filled, df):
    """Each archive once, in the order of the table."""
    two = df[df["name"] != "c.txt"].iloc[::-1]
    ids = two["archive_id"]
    expected = list(two["name"])
    for selected in (two, ids, list(ids), tuple(ids), ids.to_numpy(), pd.Index(ids), filled.select(ids)):
        assert names(filled.select(selected)) == expected
    assert names(filled.select(pd.concat([two, two]), "c.txt", "scans/")) == [*expected, "c.txt"]
    assert names(filled.select(df.iloc[0])) == [df["name"].iloc[0]]
    assert names(filled.select(row for row in ids)) == expected


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_selected_however_they_are_composed(vault, files, jobs_of, tmp_path, form):
    """To restore, delete and find: both archives that read the same, with a file each."""
    for number, kept in enumerate(("NFC", "NFD")):
        name = normalize(kept, "Zürich/ä.txt")
        vault.upload(files(name, name.encode()).relative_to(files.folder))
        assert len(vault.find(normalize(form, "ZÜRICH"))) == number + 1
    word = normalize(form, "Zürich/ä.txt")
    assert len(vault.select(word)) == len(vault.select(normalize(form, "*ich/ä.*"))) == 2
    assert len(vault.du(normalize(form, "Zürich"), 0)) == 2
    assert len(vault.delete(word).table) == len(vault.delete(normalize(form, "Zürich/")).table) == 2
    plan = vault.restore(word, to=tmp_path / "back")
    assert len({str(path).casefold() for path in plan.table["target"].map(partial(normalize, "NFC"))}) == 2
    plan.run()
    assert len(jobs_of()) == 2


def test_what_was_uploaded_can_be_restored(vault, files, jobs_of, tmp_path):
    """By the object that the upload returns."""
    archive = vault.upload(files("a.bin", b"a"))
    vault.restore(archive, to=tmp_path / "back").run()
    assert jobs_of() == [archive.id]


def test_a_table_restores_and_deletes_exactly_its_rows(filled, df, requested, tmp_path):
    """Counted at the service; an archive that is listed twice is paid once."""
    twice = pd.concat([df, df])
    filled.restore(twice[twice["name"] != "c.txt"], to=tmp_path / "back").run()
    assert requested() == (2, 0)
    filled.delete(df[df["name"] == "c.txt"]).run()
    assert requested() == (2, 1)
    assert set(filled.archives()["name"]) == set(df["name"]) - {"c.txt"}


def test_a_mistake_selects_nothing(filled, df, session, requested):
    """Neither a part of what was meant, nor everything."""
    strange = "x" * 138
    session.create_vault("other")
    elsewhere = gm.Archive(id=strange, name="a", size=1, tree_hash="", created=None, vault="other")
    nameless = pd.concat([df, df[:2].assign(archive_id=[np.nan, ""])])
    mistakes = [
        (df[df["size"] < 0], "lists no archive"),
        ([], "lists no archive"),
        (df[["name"]], "no column archive_id"),
        (nameless, "2 of 5 rows have no archive id"),
        ([*df["archive_id"], strange], "1 of 4 archive ids are not known"),
        (df.assign(vault="other"), "of the vault 'other', not of 'photos'"),
        (df.assign(vault="other").iloc[0], "of the vault 'other', not of 'photos'"),
        (elsewhere, "of the vault 'other', not of 'photos'"),
        (pd.concat([df, df.assign(vault="other")]), "2 vaults"),
        (df["name"] == "c.txt", "True and False are a condition"),
        (df.size > 5, "True and False are a condition"),
        (df["name"], "ids only"),
        (["\ud800"], "ids only"),
        (3, "3 does not name an archive"),
        ([b"x"], "no archive id, but b'x'"),
    ]
    for mistake, words in mistakes:
        for call in (filled.restore, filled.delete, filled.select, filled.peek, filled.verify):
            with pytest.raises(InputError, match=words) as caught:
                call(mistake)
            assert caught.value.cure
        with pytest.raises(InputError):
            filled.restore("c.txt", mistake)
    for call in (session.restore_expired, session.extend, session.stop_restores):
        with pytest.raises(InputError):
            call(df[:0], vault="photos")
    assert requested() == (0, 0)


def test_a_condition_does_not_apply_to_rows(filled, df):
    """It would be ignored, and more be deleted than was meant."""
    with pytest.raises(InputError, match="names and patterns"):
        filled.delete(df, where="size > 1GB")


def test_an_id_that_is_not_known_is_refused_as_a_whole(filled, df, requested):
    """As a word of its own it is accepted, as another program may have stored it."""
    with pytest.raises(NameNotKnown):
        filled.delete([df["archive_id"].iloc[0], "x" * 138])
    assert len(filled.delete("x" * 138).choice) == 1
    assert requested() == (0, 0)


def test_many_rows_take_few_queries(filled, df, session):
    """However many there are, as each query of a catalogue on a server is a round trip."""
    ids = list(df["archive_id"]) * 2000
    assert len(filled.delete(ids).choice) == len(df)
    assert session.catalogue.archives.row_numbers("photos", ids[:3]).keys() == set(ids[:3])
    assert session.catalogue.archives.row_numbers("nosuch", ids[:3]) == {}


def test_archives_are_compared_with_the_files_of_their_names(filled, df, tmp_path):
    """Those of the table only; the progress is reported."""
    text = df[df["name"] == "c.txt"]
    assert list(filled.verify(text, folder=tmp_path)["state"]) == ["missing locally"]
    filled.restore("*", to=tmp_path).run()
    (tmp_path / "c.txt").write_bytes(b"x" * int(text["size"].iloc[0]))
    reports = []
    assert list(filled.verify(text, folder=tmp_path, progress=reports.append)["state"]) == ["different"]
    assert reports[-1].finished


def test_selecting_by_ids_imports_no_pandas():
    """A program that has only ids need not wait for it."""
    code = (
        "import sys, glacier_magic.client.selection as s; s._items(['a']); sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
