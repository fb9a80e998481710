"""Inventories as the service writes them, cut at every place, and damaged ones."""

import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.inventory_formats import (
    CSV_HEADER,
    InventoryError,
    Item,
    parse_date,
    read_csv,
    read_json,
)

HEADER = f"{CSV_HEADER}\n".encode()
HASH = "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360"
ARN = "arn:aws:glacier:us-east-1:012345678901:vaults/photos"
TAIL = f",2013-03-13T04:00:02Z,1048576,{HASH}"
REAL_FIELDS = [
    ('""', ""),
    ('","', ","),
    (r'"\""', '"'),
    ('"\\"', "\\"),
    (r'"\\"', r"\\"),
    (r'"\\""', r"\""),
    (r'"a\b"', r"a\b"),
    ('"x\\"', "x\\"),
    (r'"\\"\\"\\\"\"', r'\"\"\\"' + "\\"),
    (
        r'"{\"Path\":\"glacier-ui.exe\",\"UTCDateModified\":\"20130313T040002Z\"}"',
        '{"Path":"glacier-ui.exe","UTCDateModified":"20130313T040002Z"}',
    ),
    ('"mt2 eyJmaWxlbmFtZSI6ImEifQ"', "mt2 eyJmaWxlbmFtZSI6ImEifQ"),
    (r'"my archive description,1\"2"', 'my archive description,1"2'),
    (r'"my archive description,1\\"2"', r"my archive description,1\"2"),
    ("bare words", "bare words"),
    ("", ""),
    (r"C:\dir\new", r"C:\dir\new"),
]
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


def csv_line(field: str, archive_id: str = "-id_0") -> bytes:
    """Return a line with *field* in the place of the description, as it is."""
    return f"{archive_id},{field}{TAIL}\n".encode()


def written(description: str) -> str:
    """Return *description* as the service writes it, quoted."""
    return '"' + description.replace('"', '\\"') + '"'


def item(description: str = "", archive_id: str = "-id_0") -> Item:
    """Return the item of :func:`csv_line` with *description*."""
    return Item(archive_id, description, "2013-03-13T04:00:02Z", 1048576, HASH)


def descriptions(lines: list[bytes]) -> list[str]:
    """Return what the reader makes of *lines* behind the header."""
    return [found.description for found in read_csv([HEADER, *lines])]


@pytest.mark.parametrize(("field", "value"), REAL_FIELDS, ids=ascii)
def test_real_csv_fields_are_read(field, value):
    """Every field known from the service gives its value."""
    assert list(read_csv([HEADER, csv_line(field)])) == [item(value)]


def test_every_printable_character_survives_csv():
    """One character, two in a row, and one before a closing quote come back."""
    texts = [*PRINTABLE, *map("".join, itertools.product(PRINTABLE, repeat=2)), PRINTABLE]
    assert descriptions([csv_line(written(text)) for text in texts]) == texts


def test_quotes_and_backslashes_survive_csv():
    """All texts of up to five of the difficult characters come back."""
    texts = ["".join(text) for n in range(6) for text in itertools.product(',"\\a ', repeat=n)]
    assert len(texts) == 3906
    assert descriptions([csv_line(written(text)) for text in texts]) == texts


@given(st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)))
def test_descriptions_like_rows_survive_csv(texts):
    """Descriptions with fields of their own come back, whatever is around them."""
    texts = [text + TAIL for text in texts] + texts
    assert descriptions([csv_line(written(text)) for text in texts]) == texts


def test_csv_lines_may_end_either_way():
    """Both line ends, none at the end, empty lines and a byte order mark are fine."""
    line = csv_line('"a"').rstrip(b"\n")
    lines = [b"\xef\xbb\xbf" + HEADER[:-1] + b"\r\n", line + b"\r\n", line + b"\n", b"\n", line]
    assert list(read_csv(lines)) == [item("a")] * 3


def test_csv_fields_may_all_be_quoted():
    """Any field may be in quotes."""
    line = f'"-id_0","a","2013-03-13T04:00:02.123Z","1048576","{HASH}"\n'.encode()
    header = ",".join(f'"{name}"' for name in CSV_HEADER.split(",")).encode()
    (found,) = read_csv([header, line])
    assert found == Item("-id_0", "a", "2013-03-13T04:00:02.123Z", 1048576, HASH)


def test_csv_reads_a_file(tmp_path):
    """An open binary file is a source of lines."""
    path = tmp_path / "inventory.csv"
    path.write_bytes(HEADER + csv_line('"a"') * 3)
    with path.open("rb") as file:
        assert [found.description for found in read_csv(file)] == ["a"] * 3


def test_csv_keeps_what_is_not_ascii():
    """UTF-8 is read, other bytes can be had back."""
    line = csv_line('"naïve"')
    assert descriptions([line]) == ["naïve"]
    (odd,) = descriptions([line.replace("ï".encode(), b"\xef")])
    assert odd.encode("utf-8", "surrogateescape") == b"na\xefve"


@pytest.mark.parametrize("lines", [[], [b""], [b'{"VaultARN":"a"}\n'], [csv_line('"a"')]])
def test_csv_without_its_header_is_refused(lines):
    """Another first line is an error, so is nothing at all."""
    with pytest.raises(InventoryError, match="Line 1"):
        list(read_csv(lines))


@pytest.mark.parametrize(
    "line",
    [
        b"half a line",
        csv_line('"a"')[:-2],
        csv_line('"a"').replace(b"1048576", b"-1"),
        csv_line('"a"').replace(b"2013-03-13T", b""),
        csv_line('"a"', "no spaces"),
        csv_line('"a"', ""),
        csv_line('"a"').replace(b'"a",', b""),
    ],
    ids=lambda _: None,
)
def test_damaged_csv_line_is_named(line):
    """The error has the line's number, and the lines before it were given."""
    found = read_csv([HEADER, csv_line('"a"'), line])
    assert next(found) == item("a")
    with pytest.raises(InventoryError, match="Line 3"):
        next(found)


def as_json(items: list[Item], **more: object) -> dict[str, object]:
    """Return the object the service makes of *items*, with *more* keys at its end."""
    archives = [
        {
            "ArchiveId": found.archive_id,
            "ArchiveDescription": found.description,
            "CreationDate": found.created,
            "Size": found.size,
            "SHA256TreeHash": found.tree_hash,
        }
        for found in items
    ]
    head = {"VaultARN": ARN, "InventoryDate": "2015-04-07T00:26:18Z"}
    return head | {"ArchiveList": archives} | more


ITEMS = [item("naïve 日本 😀"), item('"\\', "id-1"), item("]}", "id-2")]
COMPACT = json.dumps(as_json(ITEMS), ensure_ascii=False, separators=(",", ":")).encode()
SPACED = json.dumps(
    as_json(ITEMS, Size=12.5e3, More=[{"a": None}], Last=7), indent=2, sort_keys=True
).encode()


def in_chunks(data: bytes, length: int) -> list[bytes]:
    """Cut *data* every *length* bytes."""
    return [data[i : i + length] for i in range(0, len(data), length)]


@pytest.mark.parametrize("data", [COMPACT, SPACED], ids=["compact", "spaced"])
def test_json_is_read_whatever_its_chunks(data):
    """Cut once at every byte, and cut at every n-th, it says the same."""
    cuts = [[data[:i], b"", data[i:]] for i in range(len(data) + 1)]
    for chunks in [*cuts, *(in_chunks(data, n) for n in range(1, 40))]:
        header, items = read_json(chunks)
        assert list(items) == ITEMS
        assert (header.vault_arn, header.inventory_date) == (ARN, "2015-04-07T00:26:18Z")


def test_json_header_is_there_before_the_archives():
    """In the service's order the header needs only the first bytes."""
    begin = COMPACT.index(b"[") + 1

    def chunks():
        yield COMPACT[:begin]
        raise AssertionError

    header, _ = read_json(chunks())
    assert (header.vault_arn, header.inventory_date) == (ARN, "2015-04-07T00:26:18Z")


def test_json_header_behind_the_archives_comes_with_the_end():
    """The same header object is filled in when the last archive was read."""
    data = json.dumps(dict(reversed(as_json(ITEMS).items()))).encode()
    header, items = read_json([data])
    assert header.vault_arn == ""
    assert list(items) == ITEMS
    assert (header.vault_arn, header.inventory_date) == (ARN, "2015-04-07T00:26:18Z")


def test_json_items_come_as_the_chunks_do():
    """An archive is given as soon as its bytes are there."""
    begin = COMPACT.index(b"},{") + 1
    taken = []

    def chunks():
        for chunk in (COMPACT[:begin], COMPACT[begin:]):
            taken.append(chunk)
            yield chunk

    _, items = read_json(chunks())
    assert next(items) == ITEMS[0]
    assert len(taken) == 1


def test_json_list_may_be_empty():
    """A vault without archives has an inventory all the same."""
    header, items = read_json([b'{"ArchiveList":[ ],"VaultARN":"v","InventoryDate":null}\n'])
    assert list(items) == []
    assert (header.vault_arn, header.inventory_date) == ("v", "")


@pytest.mark.parametrize("change", [{"ArchiveDescription": None}, {}])
def test_json_description_may_be_missing(change):
    """Null and nothing are the empty description; unknown keys do no harm."""
    archive = as_json([item("x")])["ArchiveList"][0] | {"Other": [1]} | change
    if not change:
        del archive["ArchiveDescription"]
    _, items = read_json([json.dumps({"ArchiveList": [archive]}).encode()])
    assert list(items) == [item("")]


def test_json_with_a_mark_and_odd_bytes_is_read():
    """A byte order mark is passed over and bytes that are not UTF-8 can be had back."""
    data = b"\xef\xbb\xbf" + COMPACT.replace("ï".encode(), b"\xef")
    _, items = read_json(in_chunks(data, 3))
    assert b"na\xefve" in next(items).description.encode("utf-8", "surrogateescape")


def test_json_cut_short_anywhere_is_refused():
    """No proper beginning of an inventory passes for one."""
    for end in range(len(COMPACT)):
        with pytest.raises(InventoryError):
            list(read_json([COMPACT[:end]])[1])


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
        '{"ArchiveList":[{"ArchiveId":"a","CreationDate":"b","SHA256TreeHash":"c","Size":true}]}',
        '{"ArchiveList":[{"ArchiveId":"a","CreationDate":"b","SHA256TreeHash":"c","Size":-1}]}',
        '{"ArchiveList":[{"ArchiveId":1,"CreationDate":"b","SHA256TreeHash":"c","Size":1}]}',
        '{"ArchiveList" []}',
        "{7:1}",
        '{"a":' + "[" * 9000,
        '{"n":1e,"ArchiveList":[]}',
    ],
    ids=lambda value: value[:40],
)
def test_damaged_json_is_refused(text):
    """What is no inventory is an error, however it is cut."""
    for chunks in ([text.encode()], in_chunks(text.encode(), 5)):
        with pytest.raises(InventoryError):
            list(read_json(chunks)[1])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.integers(1, 50))
def test_any_description_survives_json(texts, length):
    """Whatever the text and the chunks, escaped or not, it comes back."""
    items = [item(text, f"id-{number}") for number, text in enumerate(texts)]
    for ascii_only in (True, False):
        data = json.dumps(as_json(items), ensure_ascii=ascii_only).encode()
        assert list(read_json(in_chunks(data, length))[1]) == items


def test_json_needs_little_memory():
    """Of a long inventory only the chunk at hand is kept."""
    one = json.dumps(as_json([item("x" * 60)])["ArchiveList"][0]).encode()

    def chunks():
        yield b'{"ArchiveList":[' + one
        for _ in range(300):
            yield (b"," + one) * 40
        yield b"]}"

    import tracemalloc

    tracemalloc.start()
    _, items = read_json(chunks())
    assert sum(1 for _ in items) == 12_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-04-07T00:26:18Z", datetime(2015, 4, 7, 0, 26, 18, tzinfo=UTC)),
        ("2015-04-07T01:34:56.462Z", datetime(2015, 4, 7, 1, 34, 56, 462000, tzinfo=UTC)),
        ("2015-04-07T01:34:56.5Z", datetime(2015, 4, 7, 1, 34, 56, 500000, tzinfo=UTC)),
    ],
)
def test_dates_are_aware(text, expected):
    """Seconds and milliseconds are read, in UTC."""
    assert parse_date(text) == expected
    assert parse_date(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "2015-04-07", "2015-04-07T00:26:18", "2015-13-07T00:26:18Z", "2015-04-07 00:26:18Z"],
)
def test_other_dates_are_refused(text):
    """What is no date of the service is an error that shows one."""
    with pytest.raises(InventoryError, match="is not a date"):
        parse_date(text)
