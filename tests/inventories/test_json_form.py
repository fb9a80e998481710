"""JSON inventories in every form, cut at every place, and damaged ones."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.inventories import InventoryError, json_form, original, read
from glacier_magic.inventories.texts import json_value
from tests.inventories.test_inventories import (
    ARN,
    DATE,
    archive,
    as_json,
    cut_every,
    in_pieces,
    json_of,
    taken,
)

ITEMS = [
    archive(0, "naïve 日本 😀"),
    archive(1, '"\\'),
    archive(2, "]},{"),
    archive(3, '","CreationDate":"'),
    archive(4, '},{"ArchiveId":"'),
    archive(5, '\\\\"'),
    archive(6, "\x00\x1f\x7f/"),
    archive(7, ""),
    archive(8, "plain"),
]
STYLES = {
    "compact": {"separators": (",", ":")},
    "spaced": {"ensure_ascii": False},
    "indented": {"indent": 2, "sort_keys": True},
}
STYLE = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
ARCHIVE = as_json([archive(0, "x")])["ArchiveList"][0]


def of_archives(*archives: object) -> bytes:
    """Write an inventory of whatever is given."""
    return json.dumps({"ArchiveList": archives}, separators=(",", ":")).encode()


@STYLE
def test_it_is_read_whatever_its_pieces(style):
    """Cut once here and there, and cut at every n-th byte, it says the same."""
    data = json.dumps(as_json(ITEMS, Size=12.5e3, More=[{"a": None}], Last=7), **style).encode()
    cuts = [[data[:i], b"", data[i:]] for i in range(0, len(data) + 1, 41)]
    for size in (1 << 20, 1500):
        with cut_every(size):
            for chunks in [*cuts, *(in_pieces(data, n) for n in (1, 2, 3, 7, 64))]:
                reading = read(chunks, "JSON")
                found = [row for batch in reading for row in batch["description"].to_pylist()]
                assert found == [item.description for item in ITEMS]
                assert (reading.vault_arn, reading.date) == (ARN, DATE)
            assert taken(data, "JSON") == ITEMS


@STYLE
@settings(max_examples=25)
@given(
    texts=st.lists(st.text(max_size=60) | st.text('"\\{}[],:u0dA ', max_size=20), max_size=40),
    length=st.integers(1, 500),
    piece=st.integers(1500, 4000),
)
def test_any_description_survives(style, texts, length, piece):
    """Whatever the text, the pieces and the form, escaped or not, it comes back."""
    items = [archive(number, text) for number, text in enumerate(texts)]
    data = json.dumps(as_json(items), **style)
    with cut_every(piece):
        found = taken(in_pieces(data.encode("utf-8", "surrogatepass"), length), "JSON")
    kept = [original(one.description).decode("utf-8", "surrogatepass") for one in found]
    assert kept == texts
    assert [one._replace(description="") for one in found] == [one._replace(description="") for one in items]


def test_keys_may_have_any_order(monkeypatch):
    """Those that cannot be read at once are read one by one, in batches too."""
    monkeypatch.setattr(json_form, "BATCH", 5)
    items = [archive(number, text) for number, text in enumerate(["a", "", '"', "b\\", "c"] * 3)]
    whole = as_json(items)
    for keys in itertools.permutations(whole["ArchiveList"][0]):
        archives = [{key: one[key] for key in keys} for one in whole["ArchiveList"]]
        with cut_every(1500):
            assert taken(of_archives(*archives), "JSON") == items


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\ud83d\ud83d\ude00"', "\U0010ffed\U0010ffa0\U0010ffbd😀"),
        (rb'"\ude00"', "\U0010ffed\U0010ffb8\U0010ff80"),
        (rb'"\\ud83d"', r"\ud83d"),
        (rb'"\udbff\udfef"', "\U0010fff4\U0010ff8f\U0010ffbf\U0010ffaf"),
        (b'"\xef\\udcef"', "\U0010ffef\U0010ffed\U0010ffb3\U0010ffaf"),
    ],
    ids=ascii,
)
def test_halves_of_characters_are_kept(text, value):
    """JSON can escape what no UTF-8 text may hold; no two of them become the same."""
    assert json_value(text) == value
    data = json_of([archive(number, "DESCRIPTION") for number in range(5)])
    found = taken(data.replace(b'"DESCRIPTION"', text), "JSON")
    assert [one.description for one in found] == [value] * 5


def test_header_behind_the_archives_comes_with_the_end():
    """The order of the keys is not relied on."""
    data = json.dumps(dict(reversed(as_json(ITEMS).items()))).encode()
    reading = read([data], "JSON")
    assert reading.vault_arn is None
    assert sum(batch.num_rows for batch in reading) == len(ITEMS)
    assert (reading.vault_arn, reading.date) == (ARN, DATE)


@pytest.mark.parametrize("space", ["", " ", "\r\n\t"])
def test_the_list_may_be_empty(space):
    """A vault without archives has an inventory all the same."""
    data = f'{{"ArchiveList":[{space}],"VaultARN":"v","InventoryDate":null}}{space}'.encode()
    reading = read([data], "JSON")
    assert list(reading) == []
    assert (reading.vault_arn, reading.date) == ("v", None)


@pytest.mark.parametrize("place", [0, 1, 2, 17, 39])
@pytest.mark.parametrize(
    "change",
    [
        {"ArchiveDescription": None},
        {"CreationDate": None, "SHA256TreeHash": None},
        {"Size": "10"},
        {"Other": [{"ArchiveId": "}"}]},
        {"ArchiveDescription": "x", "ArchiveId": "short"},
    ],
    ids=str,
)
def test_one_unlike_the_others_is_read_in_its_place(place, change):
    """Wherever it is, and whatever comes around it."""
    archives = as_json([archive(number, f"a{number}") for number in range(40)])["ArchiveList"]
    archives[place] |= change
    turned = [dict(reversed(one.items())) if n == 20 else one for n, one in enumerate(archives)]
    for size in (1500, 1 << 20):
        with cut_every(size):
            found = taken(of_archives(*turned), "JSON")
        assert len(found) == 40
        for number, (one, written) in enumerate(zip(found, archives, strict=True)):
            assert one.archive_id == written["ArchiveId"]
            assert one.description == (written["ArchiveDescription"] or "")
            assert one.size == int(written["Size"])
            assert one.created is None or number % 2 == one.created % 2
            assert one.tree_hash == written["SHA256TreeHash"]


def test_a_record_hidden_in_another_is_no_record():
    """What begins like an archive within an unknown key is passed over with it."""
    inner = [archive(99, "hidden")]
    hiding = ARCHIVE | {"More": as_json(inner * 3)["ArchiveList"]}
    data = of_archives(*[ARCHIVE] * 20, hiding, *[ARCHIVE] * 20)
    tail = json.dumps(as_json(inner * 30)["ArchiveList"], separators=(",", ":")).encode()
    data = data[:-1] + b',"Last":' + tail + b"}"
    for size in (1500, 4000, 1 << 20):
        with cut_every(size):
            found = taken(in_pieces(data, 700), "JSON")
        assert [one.description for one in found] == ["x"] * 41


def test_cut_short_anywhere_it_is_refused():
    """No proper beginning of an inventory passes for one."""
    data = json_of(ITEMS[1:3])
    for end in range(len(data)):
        with pytest.raises(InventoryError):
            taken(data[:end], "JSON")
    data = json_of([archive(number, "a") for number in range(30)])
    with cut_every(1000):
        for end in range(5, len(data), 331):
            with pytest.raises(InventoryError):
                taken(data[:end], "JSON")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"code":"ResourceNotFoundException","message":"gone"}',
        '{"ArchiveList":null}',
        '{"ArchiveList":{}}',
        '{"ArchiveList":[]}x',
        '{"ArchiveList":[],}',
        '{"ArchiveList":[],"ArchiveList":[]}',
        '{"ArchiveList":[7]}',
        '{"ArchiveList":[{}]}',
        '{"ArchiveList":[{"ArchiveId":"a","Size":true}]}',
        '{"ArchiveList":[{"ArchiveId":"a","Size":-1}]}',
        '{"ArchiveList":[{"ArchiveId":"a","Size":1.5}]}',
        '{"ArchiveList":[{"ArchiveId":"a"}]}',
        '{"ArchiveList":[{"ArchiveId":"a","Size":1,"CreationDate":"yesterday"}]}',
        '{"ArchiveList":[{"ArchiveId":"a","Size":1,"CreationDate":7}]}',
        '{"ArchiveList":[{"ArchiveId":"a","Size":1,"SHA256TreeHash":"c"}]}',
        '{"ArchiveList":[{"ArchiveId":"a","Size":1,"ArchiveDescription":[]}]}',
        '{"ArchiveList":[{"ArchiveId":1,"Size":1}]}',
        '{"ArchiveList":[],"InventoryDate":"yesterday"}',
        '{"ArchiveList" []}',
        "{7:1}",
        '{"a":' + "[" * 9000,
        '{"n":1e,"ArchiveList":[]}',
    ],
    ids=lambda value: value[:60],
)
def test_what_is_damaged_is_refused(text):
    """What is no inventory is an error, however it is cut."""
    for chunks in ([text.encode()], in_pieces(text.encode(), 5)):
        with pytest.raises(InventoryError):
            taken(chunks, "JSON")


@pytest.mark.parametrize("damage", [{"Size": -1}, {"Size": None}, {"ArchiveId": ""}, "text"])
def test_a_damaged_archive_is_named(damage):
    """By its number; those in front of it were given."""
    damaged = ARCHIVE | damage if isinstance(damage, dict) else damage
    for ahead in (0, 1, 2, 30):
        data = of_archives(*[ARCHIVE] * ahead, damaged, *[ARCHIVE] * 9)
        for size in (1500, 1 << 20):
            with cut_every(size):
                reading = read([data], "JSON")
                with pytest.raises(InventoryError, match=f"Archive {ahead + 1} ") as caught:
                    list(reading)
            assert (reading.rows, caught.value.row) == (ahead, ahead + 1)
            assert caught.value.offset is not None


def test_a_damaged_archive_is_named_where_archives_are_read_one_by_one():
    """Archives whose size precedes the description are read one by one; each is counted once."""
    slow = dict(reversed(ARCHIVE.items()))
    for ahead in (1, 2, 30):
        reading = read([of_archives(*[slow] * ahead, slow | {"Size": -1}, slow)], "JSON")
        with pytest.raises(InventoryError, match=f"Archive {ahead + 1} ") as caught:
            list(reading)
        assert (reading.rows, caught.value.row) == (ahead, ahead + 1)


def test_archives_before_a_cut_are_returned():
    """An inventory that ends right after an archive still returns that archive."""
    reading = read([of_archives(ARCHIVE)[:-2]], "JSON")
    with pytest.raises(InventoryError, match="cut short"):
        list(reading)
    assert reading.rows == 1


def test_a_value_without_end_is_refused():
    """It is not kept in memory until there is none left."""

    def feed():
        yield b'{"ArchiveList":[{"ArchiveId":"'
        for _ in range(90):
            yield b"x" * 100_000
        raise AssertionError

    with pytest.raises(InventoryError, match="cut short or damaged"):
        taken(feed(), "JSON")
