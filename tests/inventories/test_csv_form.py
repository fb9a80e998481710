"""CSV inventories as the service writes them, cut at every place, and damaged ones."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.inventories import InventoryError, original, read
from glacier_magic.inventories.listed_archive import Item
from tests.inventories.test_inventories import (
    HASH,
    HEADER,
    archive,
    csv_of,
    cut_every,
    in_pieces,
    rows,
    taken,
)

MOMENT = 1_363_147_202_000
LONG_ID = archive(5, "").archive_id
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
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
HARD = st.text('",\\ \ta{}[]:é\U0010ff80', max_size=12)


def line(field: str, archive_id: str = LONG_ID) -> bytes:
    """Return a line with *field* in the place of the description, as it is."""
    return f"{archive_id},{field}{TAIL}\n".encode()


def written(description: str) -> str:
    """Return *description* as the service writes it, quoted."""
    return '"' + description.replace('"', '\\"') + '"'


def item(description: str = "", archive_id: str = LONG_ID) -> Item:
    """Return the archive of :func:`line` with *description*."""
    return Item(archive_id, description, MOMENT, 1048576, HASH)


def descriptions(lines: list[bytes]) -> list[str]:
    """Return what the reader makes of *lines* behind the header."""
    return [found.description for found in taken([HEADER, *lines], "CSV")]


@pytest.mark.parametrize(("field", "value"), REAL_FIELDS, ids=ascii)
@pytest.mark.parametrize("archive_id", [LONG_ID, "-id_0"])
def test_real_fields_are_read(field, value, archive_id):
    """Every field known from the service gives its value, the first in a file or not."""
    found = taken([HEADER, line(field, archive_id)], "CSV")
    assert found == [item(value, archive_id)]
    found = taken([HEADER, line('"a"'), line(field, archive_id)], "CSV")
    assert found == [item("a"), item(value, archive_id)]


@pytest.mark.parametrize("field", ['"', r"bare \" words", '"a""b"', '"a"b"', '"a""', "a,b"])
@pytest.mark.parametrize("before", [(), (line('"a"'),)])
def test_fields_that_the_service_does_not_write_are_refused(field, before):
    """A quote without its backslash, and a comma without quotes: the file was damaged or saved by others."""
    with pytest.raises(InventoryError, match="not quoted as the service does"):
        taken([HEADER, *before, line(field)], "CSV")


def test_two_lines_that_became_one_are_not_one_archive():
    """A line end that was damaged takes no archive away."""
    data = csv_of([archive(number, f"a{number}") for number in range(5)])
    for at in (i for i, byte in enumerate(data) if byte == ord("\n")):
        with pytest.raises(InventoryError):
            taken(data[:at] + b"J" + data[at + 1 :], "CSV")


def test_every_printable_character_survives():
    """One character, two in a row, and one before a closing quote come back."""
    texts = [*PRINTABLE, *map("".join, itertools.product(PRINTABLE, repeat=2)), PRINTABLE]
    assert descriptions([line(written(text)) for text in texts]) == texts


def test_quotes_and_backslashes_survive():
    """All texts of up to five of the difficult characters come back."""
    texts = ["".join(text) for n in range(6) for text in itertools.product(',"\\a ', repeat=n)]
    assert len(texts) == 3906
    assert descriptions([line(written(text)) for text in texts]) == texts


@settings(max_examples=60)
@given(st.lists(TEXTS | HARD | st.just("x" * 1024)), st.integers(1, 400), st.integers(700, 3000))
def test_any_description_survives(texts, length, piece):
    """Even one that looks like rows and fields of its own, whatever the pieces."""
    texts = [text.replace("\U0010ff80", "") + TAIL for text in texts] + texts
    items = [archive(number, text) for number, text in enumerate(texts)]
    with cut_every(piece + 2000):
        found = taken(in_pieces(csv_of(items), length), "CSV")
    assert [original(one.description).decode() for one in found] == texts
    assert [one._replace(description="") for one in found] == [one._replace(description="") for one in items]


def test_lines_may_end_either_way():
    """Both line ends, none at the end, empty lines and a byte order mark are fine."""
    bare = line('"a"').rstrip(b"\n")
    lines = [b"\xef\xbb\xbf" + HEADER[:-1] + b"\r\n", bare + b"\r\n", bare + b"\n", b"\n\r\n", bare]
    data = b"".join(lines)
    for length in range(1, 40):
        assert taken(in_pieces(data, length), "CSV") == [item("a")] * 3
    many = [archive(number, "a\\") for number in range(30)]
    with cut_every(1000):
        assert taken(csv_of(many, "\r\n"), "CSV") == many


@pytest.mark.parametrize("first", ["quoted", "bare"])
def test_any_field_may_be_quoted(first):
    """In all lines or in some of them."""
    quoted = f'"{LONG_ID}","a","2013-03-13T04:00:02.123Z","1048576","{HASH}"\n'.encode()
    lines = [quoted, line('"b"')] if first == "quoted" else [line('"b"'), quoted]
    header = HEADER.replace(b",", b'","').replace(b"ArchiveId", b'"ArchiveId', 1)
    found = taken([header[:-1] + b'"\n', *lines * 3], "CSV")
    with_ms = item("a")._replace(created=MOMENT + 123)
    assert found == ([with_ms, item("b")] if first == "quoted" else [item("b"), with_ms]) * 3


def test_ids_may_have_any_length():
    """An id shorter than the others is not filled up from the description."""
    items = [archive(0, "a"), archive(1, "b,c" * 90)._replace(archive_id="-short"), archive(2, "d")]
    items[1] = items[1]._replace(description="x" * 131 + ',"' + "y" * 9)
    assert taken(csv_of(items), "CSV") == items


def test_a_header_that_comes_again_is_passed_over():
    """As in inventories put together of several."""
    data = csv_of([archive(0, "a"), archive(1, "b")])
    assert len(taken(data + data, "CSV")) == 4


@pytest.mark.parametrize("data", [b"", b"\n", b'{"VaultARN":"a"}\n', line('"a"'), HEADER[:20]])
def test_without_its_header_it_is_refused(data):
    """Another first line is an error, so is nothing at all."""
    with pytest.raises(InventoryError, match="Line 1") as caught:
        taken(data, "CSV")
    assert (caught.value.row, caught.value.offset) == (1, 0)


@pytest.mark.parametrize(
    "damaged",
    [
        b"half a line",
        line('"a"')[:-2],
        line('"a"').replace(b"1048576", b"-1"),
        line('"a"').replace(b"1048576", b""),
        line('"a"').replace(b"2013-03-13T", b""),
        line('"a"', "no spaces"),
        line('"a"', ""),
        line('"a"').replace(b'"a",', b""),
        HEADER[:-1] + b"!",
    ],
    ids=lambda _: None,
)
@pytest.mark.parametrize("ahead", [1, 30])
def test_a_damaged_line_is_named(damaged, ahead):
    """The error has the line's number, and the lines before it were given."""
    data = [HEADER, *[line('"a"')] * ahead, damaged, b"\n" + line('"b"')]
    with cut_every(1000):
        reading = read(data, "CSV")
        with pytest.raises(InventoryError, match=f"Line {ahead + 2} ") as caught:
            list(reading)
    assert reading.rows == ahead
    assert caught.value.offset == len(HEADER) + ahead * len(line('"a"'))


def test_cut_short_it_is_refused_but_at_the_end_of_a_line():
    """Only there it looks whole; whoever reads a job's output compares the lengths."""
    items = [archive(0, 'a"\\'), archive(1, "")]
    data = csv_of(items)
    whole = {data.index(b"\n", at) + more for at in (0, 200, 400) for more in (0, 1)}
    for end in range(len(data)):
        if end in whole:
            count = data[:end].rstrip().count(b"\n")
            assert taken(data[:end], "CSV") == items[:count]
            continue
        with pytest.raises(InventoryError):
            taken(data[:end], "CSV")


def test_a_line_without_end_is_refused():
    """It is not kept in memory until there is none left."""
    with cut_every(1000):
        reading = read(itertools.chain([csv_of([archive(0, "a")])], itertools.repeat(b"x" * 99)), "CSV")
        with pytest.raises(InventoryError, match=r"a line of 1,0.. bytes"):
            list(reading)


def test_batches_are_checked_whatever_is_in_them():
    """Ordinary and odd lines mixed within one piece keep their order and their types."""
    lines = [line(field, archive_id) for field, _ in REAL_FIELDS for archive_id in (LONG_ID, "b")]
    (batch,) = read([HEADER, *lines], "CSV")
    assert rows(batch) == [
        item(value, archive_id) for _, value in REAL_FIELDS for archive_id in (LONG_ID, "b")
    ]
