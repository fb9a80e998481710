"""The form in which an upload writes name and time, for the program that will read them."""

import io

import pytest

from glacier_magic import cli
from glacier_magic.base.units import to_ms
from glacier_magic.commands import VERBS
from glacier_magic.descriptions import FORMATS, decode
from glacier_magic.errors import InputError

TIME = 1_500_000_001


@pytest.mark.parametrize(
    ("form", "begin", "told"),
    [
        ("fastglacier", "<m><v>4</v>", "fastglacier-4"),
        ("mt2", "mt2 ", "mt2"),
        ("plain", "scans/a b.txt", "plain"),
    ],
)
def test_name_and_time_come_back_from_every_form(vault, files, stored, form, begin, told):
    """What the service keeps decodes to the path and, where the form has one, the time."""
    files("scans/a b.txt", mtime=TIME)
    table = vault.upload_all(["scans"], recursive=True, description_format=form)
    _, description = stored(table["archive_id"].iloc[0])
    assert description.startswith(begin)
    found = decode(description)
    assert (found.name, found.format) == ("scans/a b.txt", told)
    assert to_ms(found.mtime) == (None if form == "plain" else TIME * 1000)


def test_single_files_and_streams_have_the_choice_too(vault, files, stored):
    """A stream has no time; the name is there."""
    files("a.txt", mtime=TIME)
    _, of_file = stored(vault.upload("a.txt", description_format="mt2").id)
    stream = vault.upload_stream(io.BytesIO(b"x"), "b.txt", description_format="mt2")
    _, of_stream = stored(stream.id)
    assert [decode(text).name for text in (of_file, of_stream)] == ["a.txt", "b.txt"]
    assert [decode(text).format for text in (of_file, of_stream)] == ["mt2", "mt2"]


def test_a_name_that_a_form_cannot_carry_is_refused_before_anything_is_sent(vault, files, counted):
    """The error says why, and an unknown form lists the known ones."""
    files("naïve.txt")
    with pytest.raises(InputError, match="printable ASCII"):
        vault.upload("naïve.txt", description_format="plain")
    with pytest.raises(InputError, match="choose one of fastglacier, mt2, plain"):
        vault.upload("naïve.txt", description_format="zip")
    with pytest.raises(InputError, match="printable ASCII"):
        vault.upload_stream(io.BytesIO(b"x"), "naïve.txt", description_format="plain")
    assert counted["upload_archive"] == 0


def test_the_verb_knows_the_forms(capsys):
    """Those that can be written, the most readable by default."""
    assert VERBS["upload"].parse("%glacier", ["a"]).description_format == "fastglacier"
    for form in FORMATS:
        words = ["a", "--description-format", form]
        assert VERBS["upload"].parse("%glacier", words).description_format == form
    assert cli.main(["upload", "a", "--description-format", "zip"]) == 2
    assert "fastglacier" in capsys.readouterr().err
