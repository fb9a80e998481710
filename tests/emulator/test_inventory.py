"""Inventory jobs: what they show, when, and in which bytes."""

import io
import json
import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.emulator import markers
from glacier_magic.emulator.inventory_files import ArchiveLine, csv_line, json_item, write_csv, write_json

DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def inventory(client, retrieve):
    """Return the raw bytes and the job of an inventory retrieval."""

    def inventory(vault, **parameters):
        job = retrieve(vault, Type="inventory-retrieval", **parameters)
        output = client.get_job_output(vaultName=vault, jobId=job)
        assert "checksum" not in output
        return output["body"].read(), client.describe_job(vaultName=vault, jobId=job)

    return inventory


@pytest.fixture
def filled(client, emulator, vault):
    """A vault with five archives, an hour apart, and its inventory made."""
    emulator.advance(seconds=_to_noon(emulator))
    for number in range(5):
        description = f'number {number}, "so"'
        client.upload_archive(vaultName=vault, body=b"x" * 10, archiveDescription=description)
        emulator.advance(hours=1)
    emulator.advance(days=1)
    return vault


def _to_noon(emulator):
    hour, minute, second = re.search(r"T(\d\d):(\d\d):(\d\d)", emulator.status()["time"]).groups()
    return (36 - int(hour)) * 3600 % 86400 - int(minute) * 60 - int(second) + 86400


def test_json_is_one_compact_line_in_the_services_order(client, inventory, filled):
    """Whole seconds, sizes without overhead, the vault's ARN first."""
    text, job = inventory(filled)
    described = client.describe_vault(vaultName=filled)
    assert re.fullmatch(
        rb'\{"VaultARN":"[^"]+","InventoryDate":"%b","ArchiveList":\[.+\]\}' % DATE.encode(), text
    )
    document = json.loads(text)
    assert document["VaultARN"] == described["VaultARN"]
    assert document["InventoryDate"][:19] == described["LastInventoryDate"][:19]
    first = document["ArchiveList"][0]
    keys = ["ArchiveId", "ArchiveDescription", "CreationDate", "Size", "SHA256TreeHash"]
    assert list(first) == keys
    assert re.fullmatch(DATE, first["CreationDate"])
    assert (first["Size"], first["ArchiveDescription"]) == (10, 'number 0, "so"')
    assert job["InventorySizeInBytes"] == len(text)


def test_csv_quotes_the_description_with_a_backslash(inventory, filled):
    """The other columns stay bare."""
    text, _ = inventory(filled, Format="CSV")
    lines = text.decode().splitlines()
    assert lines[0] == "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
    assert len(lines) == 6
    pattern = rf'[\w-]{{138}},"number 0, \\"so\\"",{DATE},10,[0-9a-f]{{64}}'
    assert re.fullmatch(pattern, lines[1])


def test_archives_are_invisible_until_the_next_inventory(client, inventory, filled):
    """A new one does not show, a deleted one still does."""
    before, _ = inventory(filled)
    client.upload_archive(vaultName=filled, body=b"new")
    gone = json.loads(before)["ArchiveList"][0]["ArchiveId"]
    client.delete_archive(vaultName=filled, archiveId=gone)
    assert inventory(filled)[0] == before


def test_after_the_next_day_the_changes_show(client, emulator, inventory, filled):
    """No description is an empty string."""
    before = json.loads(inventory(filled)[0])["ArchiveList"]
    new = client.upload_archive(vaultName=filled, body=b"new")["archiveId"]
    client.delete_archive(vaultName=filled, archiveId=before[0]["ArchiveId"])
    emulator.advance(days=1)
    after = json.loads(inventory(filled)[0])["ArchiveList"]
    assert after[:-1] == before[1:]
    assert (after[-1]["ArchiveId"], after[-1]["ArchiveDescription"]) == (new, "")


def test_the_job_object_shows_the_parameters_with_nulls(raw, retrieve, filled):
    """Tier and everything about archives is null."""
    job = retrieve(filled, Type="inventory-retrieval")
    found = raw("GET", f"/-/vaults/{filled}/jobs/{job}").json
    assert found["InventoryRetrievalParameters"] == {
        "EndDate": None,
        "Format": "JSON",
        "Limit": None,
        "Marker": None,
        "StartDate": None,
    }
    nulls = ["Tier", "ArchiveId", "ArchiveSizeInBytes", "RetrievalByteRange", "SHA256TreeHash"]
    assert [found[name] for name in nulls] == [None] * 5
    assert found["Action"] == "InventoryRetrieval"


def test_a_limited_inventory_is_continued_with_the_marker(inventory, filled):
    """The limit comes back as a string, the marker only where more follows."""
    whole = json.loads(inventory(filled)[0])["ArchiveList"]
    found, marker = [], None
    while True:
        asked = {"Limit": "2"} | ({"Marker": marker} if marker else {})
        text, job = inventory(filled, InventoryRetrievalParameters=asked)
        found += json.loads(text)["ArchiveList"]
        assert job["InventoryRetrievalParameters"]["Limit"] == "2"
        marker = job["InventoryRetrievalParameters"].get("Marker")
        if marker is None:
            break
        assert len(marker) == 135
    assert found == whole


def test_dates_select_from_inclusive_to_exclusive(inventory, filled):
    """By the archives' creation dates."""
    whole = json.loads(inventory(filled)[0])["ArchiveList"]
    asked = {"StartDate": whole[1]["CreationDate"], "EndDate": whole[3]["CreationDate"]}
    text, _ = inventory(filled, InventoryRetrievalParameters=asked, Format="CSV")
    ids = [line.split(",")[0] for line in text.decode().splitlines()[1:]]
    # Dates are asked for in whole seconds and compared with milliseconds.
    first = 1 if whole[1]["ArchiveId"] in ids else 2
    assert ids == [item["ArchiveId"] for item in whole[first : first + 2]]


@pytest.mark.parametrize(
    "asked", [{"Limit": "0"}, {"Limit": "x"}, {"StartDate": "yesterday"}, {"Marker": "x"}, {"EndDate": "1"}]
)
def test_wrong_inventory_parameters_are_refused(client, refused, filled, asked):
    """Status 400."""
    parameters = {"Type": "inventory-retrieval", "InventoryRetrievalParameters": asked}
    found = refused(client.initiate_job, vaultName=filled, jobParameters=parameters)
    assert found[:2] == ("InvalidParameterValueException", 400)


REAL = {
    "": '""',
    ",": '","',
    '"': r'"\""',
    "\\": r'"\"',
    "\\\\": r'"\\"',
    '\\"': r'"\\""',
    "a\\b": r'"a\b"',
    'my archive description,1"2': r'"my archive description,1\"2"',
}


@pytest.mark.parametrize(("description", "field"), REAL.items())
def test_csv_fields_are_the_services_own_bytes(description, field):
    """Real pairs, the lone backslash included."""
    line = ArchiveLine("i" * 138, description, "2013-01-01T00:00:00Z", 1, "a" * 64)
    assert csv_line(line) == f"{'i' * 138},{field},2013-01-01T00:00:00Z,1,{'a' * 64}\n"


printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)


@given(st.lists(printable, max_size=5))
def test_both_forms_can_be_read_back(descriptions):
    """CSV from both ends of each line, JSON with any reader."""
    date, digest = "2013-01-01T00:00:00Z", "a" * 64
    lines = [ArchiveLine("i" * 138, text, date, number, digest) for number, text in enumerate(descriptions)]
    sink = io.BytesIO()
    write_csv(sink, lines)
    pattern = rf'[\w-]{{138}},"(.*)",{DATE},\d+,[0-9a-f]{{64}}'
    read = [re.fullmatch(pattern, line)[1] for line in sink.getvalue().decode().split("\n")[1:-1]]
    assert [text.replace('\\"', '"') for text in read] == descriptions
    sink = io.BytesIO()
    write_json(sink, "arn", date, lines)
    found = json.loads(sink.getvalue())
    assert [item["ArchiveDescription"] for item in found["ArchiveList"]] == descriptions
    assert [json.loads(json_item(line)) for line in islice(lines, 1)] == found["ArchiveList"][:1]


@given(st.integers(0, 2**62), st.sampled_from([markers.PARTS, markers.INVENTORY]))
def test_markers_round_trip_and_refuse_the_rest(position, size):
    """A marker of one list is none of another."""
    marker = markers.encode(position, size)
    assert markers.decode(marker, size) == position
    assert markers.decode(marker, size + 1) is None
    assert markers.decode("A" + marker, size) is None
