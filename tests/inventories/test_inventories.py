"""What both readers of inventories promise: typed batches and precise errors."""

import json
from contextlib import contextmanager

import pyarrow as pa
import pytest

from glacier_magic import inventories
from glacier_magic.errors import IntegrityError
from glacier_magic.inventories import COLUMNS, LISTED, InventoryError, original, pieces, read
from glacier_magic.inventories.listed_archive import Item, date_ms, json_item

HEADER = b"ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"
ARN = "arn:aws:glacier:us-east-1:012345678901:vaults/photos"
DATE = 1_428_366_378_000  # 2015-04-07T00:26:18Z
HASH = "9bc1b2a288b26af7257a36277ae3816a7d4f16e89c1e7e77d0a5c48bad62b360"
WRITTEN = ("2013-03-13T04:00:02Z", "2013-03-13T04:00:02.123Z")
MOMENTS = (1_363_147_202_000, 1_363_147_202_123)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def archive(number: int, description: str) -> Item:
    """Make an archive like the service's, both kinds of dates and all lengths of sizes."""
    archive_id = "".join(ALPHABET[(number * 7 + place * place) % 64] for place in range(138))
    return Item(archive_id, description, MOMENTS[number % 2], 10 ** (number % 16), HASH)


def csv_of(items: list[Item], end: str = "\n") -> bytes:
    """Write a CSV inventory by the rules of the service."""
    lines = [HEADER.decode().strip()]
    for number, item in enumerate(items):
        quoted = item.description.replace('"', '\\"')
        lines.append(f'{item.archive_id},"{quoted}",{WRITTEN[number % 2]},{item.size},{item.tree_hash}')
    return "".join(line + end for line in lines).encode()


def as_json(items: list[Item], **more: object) -> dict[str, object]:
    """Make the object that a JSON inventory is, with *more* keys at its end."""
    archives = [
        {
            "ArchiveId": item.archive_id,
            "ArchiveDescription": item.description,
            "CreationDate": WRITTEN[number % 2],
            "Size": item.size,
            "SHA256TreeHash": item.tree_hash,
        }
        for number, item in enumerate(items)
    ]
    head = {"VaultARN": ARN, "InventoryDate": "2015-04-07T00:26:18Z"}
    return head | {"ArchiveList": archives} | more


def json_of(items: list[Item], **style: object) -> bytes:
    """Write a JSON inventory, compact if no *style* is given."""
    return json.dumps(as_json(items), **(style or {"separators": (",", ":")})).encode()


def in_pieces(data: bytes, length: int) -> list[bytes]:
    """Cut *data* every *length* bytes."""
    return [data[i : i + length] for i in range(0, len(data), length)]


def rows(batch: pa.RecordBatch) -> list[Item]:
    """Turn a batch back into archives, after checking all of it."""
    batch.validate(full=True)
    assert batch.schema == LISTED
    columns = [batch.column(name) for name in COLUMNS]
    columns[2] = columns[2].cast("int64")
    return [Item(*row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]


def taken(data, form: str) -> list[Item]:
    """Read *data*, bytes or pieces of them, and return its archives."""
    given = [data] if isinstance(data, bytes) else data
    return [row for batch in read(given, form) for row in rows(batch)]


@contextmanager
def cut_every(length: int):
    """Let the readers cut much smaller pieces than they do, so that short texts have several."""
    before, pieces.PIECE = pieces.PIECE, length
    try:
        yield
    finally:
        pieces.PIECE = before


ITEMS = [
    archive(number, f"scans/{number}.tif" if number % 3 else f'C:\\dir\\"{number}", n\\')
    for number in range(40)
]
FORMS = pytest.mark.parametrize(
    ("form", "data"), [("CSV", csv_of(ITEMS)), ("JSON", json_of(ITEMS))], ids=["CSV", "JSON"]
)


@FORMS
def test_archives_come_in_their_order_whatever_the_pieces(form, data):
    """Given in bytes, in lines or at once; read in pieces of a few records or in one."""
    for size in (1000, 2500, 1 << 20):
        with cut_every(size):
            for length in (1, 7, 1000, len(data)):
                assert taken(in_pieces(data, length), form) == ITEMS


@FORMS
def test_views_of_memory_are_pieces_too(form, data):
    """So that nobody needs to copy."""
    with cut_every(1000):
        assert taken(iter([memoryview(data)[:777], b"", memoryview(data)[777:]]), form) == ITEMS


@FORMS
def test_reading_is_lazy_and_counts(form, data):
    """Nothing is taken before it is asked for, and no more than a few pieces ahead."""
    fed = 0

    def feed():
        nonlocal fed
        for piece in in_pieces(data, 100):
            fed += 1
            yield piece

    with cut_every(800):
        reading = read(feed(), form)
        assert (fed, reading.rows) == (0, 0)
        first = next(reading)
        assert reading.rows == first.num_rows < len(ITEMS)
        assert 0 < fed < len(data) // 100
        reading.close()
        assert list(reading) == []


@FORMS
def test_a_failing_source_is_passed_on_behind_what_came_before(form, data):
    """The network's error is not the inventory's."""

    def feed():
        yield from in_pieces(data[:9000], 500)
        raise ConnectionResetError("gone")

    with cut_every(1000):
        reading = read(feed(), form)
        with pytest.raises(ConnectionResetError, match="gone"):
            list(reading)
    assert reading.rows > 10


def test_only_json_says_what_it_is_about():
    """The vault and the date of the snapshot; CSV has neither."""
    reading = read([json_of(ITEMS)], "JSON")
    assert (reading.vault_arn, reading.date) == (None, None)
    next(reading)
    assert (reading.vault_arn, reading.date) == (ARN, DATE)
    reading = read([csv_of(ITEMS)], "CSV")
    assert list(reading)
    assert (reading.vault_arn, reading.date) == (None, None)


def test_other_forms_are_not_read():
    """The word is the service's."""
    with pytest.raises(ValueError, match="JSON or CSV"):
        read([], "csv")


def test_an_error_is_one_of_integrity_and_knows_its_place():
    """It can be caught by the names of the tree, and tells line and byte."""
    data = csv_of(ITEMS[:3]) + b"half a line"
    with pytest.raises(IntegrityError) as caught:
        taken(data, "CSV")
    assert isinstance(caught.value, ValueError)
    assert (caught.value.row, caught.value.offset) == (5, len(data) - 11)
    assert caught.value.cure


ODD_BYTES = [
    (b"plain", "plain"),
    ("naïve 日本 😀".encode(), "naïve 日本 😀"),
    (b"na\xefve", "na\U0010ffefve"),
    ("\U0010ffef".encode(), "\U0010fff4\U0010ff8f\U0010ffbf\U0010ffaf"),
    (b"\xed\xa0\x80", "\U0010ffed\U0010ffa0\U0010ff80"),
    (b"\x00\x1b", "\x00\x1b"),
]


@pytest.mark.parametrize("form", ["CSV", "JSON"])
@pytest.mark.parametrize(("data", "text"), ODD_BYTES, ids=ascii)
def test_bytes_that_are_no_text_are_kept(form, data, text):
    """Each byte that is not UTF-8 has a character of its own, and can be had back."""
    items = [archive(number, "DESCRIPTION") for number in range(9)]
    whole = csv_of(items) if form == "CSV" else json_of(items)
    before, after = whole.rsplit(b"DESCRIPTION", 1)
    for given in (whole.replace(b"DESCRIPTION", data), before + data + after):
        found = taken(given, form)[-1].description
        assert found == text
        assert original(found) == data


@pytest.mark.parametrize("length", [0, 1, 70])
def test_what_lies_between_letters_is_no_part_of_an_id(length):
    """The quick check of ids and hashes is as strict as the slow one."""
    for code in range(0x20, 0x7F):
        items = [archive(number, "x") for number in range(3)]
        wrong = items[1].archive_id[:length] + chr(code) + items[1].archive_id[length + 1 :]
        items[1] = items[1]._replace(archive_id=wrong)
        if chr(code) in ALPHABET:
            assert taken(csv_of(items), "CSV") == taken(json_of(items), "JSON") == items
            continue
        with pytest.raises(InventoryError):
            taken(json_of(items), "JSON")
        with pytest.raises(InventoryError):
            taken(csv_of(items), "CSV")


@pytest.mark.parametrize("form", ["CSV", "JSON"])
def test_hashes_come_in_small_letters(form):
    """Whatever case they were written in; anything but hexadecimal digits is refused."""
    items = [archive(number, "x") for number in range(5)]
    data = csv_of(items) if form == "CSV" else json_of(items)
    assert taken(data.replace(HASH.encode(), HASH.upper().encode()), form) == items
    for wrong in (b"g", b"`", b"@", b"/", b":", b"G"):
        with pytest.raises(InventoryError):
            taken(data.replace(HASH[:-1].encode() + b"0", HASH[:-1].encode() + wrong), form)


@pytest.mark.parametrize("form", ["CSV", "JSON"])
@pytest.mark.parametrize("size", [0, 7, 10**15, 10**16, 10**18, (1 << 63) - 1])
def test_sizes_of_any_length_are_read(form, size):
    """Up to what fits into 64 bits, and no further."""
    items = [archive(number, "x") for number in range(4)]
    items[2] = items[2]._replace(size=size)
    write = csv_of if form == "CSV" else json_of
    assert taken(write(items), form) == items
    items[2] = items[2]._replace(size=1 << 63)
    with pytest.raises(InventoryError):
        taken(write(items), form)


@pytest.mark.parametrize("form", ["CSV", "JSON"])
@pytest.mark.parametrize(
    "wrong", ["2013-02-30T04:00:02Z", "2013-03-13_04:00:02Z", "2013-03-13T24:00:02Z", "13-3-2013"]
)
def test_a_date_that_is_none_is_refused(form, wrong):
    """It is named with its place, and what came before it is given."""
    items = [archive(2 * number, "x") for number in range(8)]
    data = (csv_of(items) if form == "CSV" else json_of(items)).replace(b".123Z", b"Z")
    before, after = data[:-200].rsplit(WRITTEN[0].encode(), 1)[0], data[-200:]
    tail = data[len(before) + len(WRITTEN[0]) :]
    assert tail.endswith(after)
    reading = read([before + wrong.encode() + tail], form)
    given = []
    with pytest.raises(InventoryError) as caught:
        given += (rows(batch) for batch in reading)
    assert reading.rows == caught.value.row - (2 if form == "CSV" else 1)
    assert reading.rows >= 6


def test_memory_does_not_grow_with_the_inventory():
    """Of a long one only the pieces at hand are kept, the tables of Arrow included."""
    one = json.dumps(as_json([archive(0, "x" * 60)])["ArchiveList"][0]).encode()

    def feed():
        yield b'{"ArchiveList":[' + one
        for _ in range(300):
            yield (b", " + one) * 100
        yield b"]}"

    import tracemalloc

    with cut_every(100_000):
        taken(json_of(ITEMS), "JSON")
        pool = pa.system_memory_pool()
        arrow = pool.bytes_allocated()
        tracemalloc.start()
        count = peak = 0
        for batch in read(feed(), "JSON"):
            count += batch.num_rows
            peak = max(peak, pool.bytes_allocated() - arrow)
        traced = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 30_001
    assert 0 < peak < 3 << 20
    assert traced < 5 << 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2015-04-07T00:26:18Z", DATE),
        ("2015-04-07T00:26:18.5Z", DATE + 500),
        ("2015-04-07T00:26:18.462999Z", DATE + 462),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2015-04-07T00:26:18+00:00", DATE),
        ("2015-04-06 19:26:18.5-0500", DATE + 500),
    ],
)
def test_dates_are_milliseconds(text, expected):
    """With or without a fraction, finer ones cut off."""
    assert date_ms(text) == expected


@pytest.mark.parametrize(
    "text", ["", "2015-04-07", "2015-04-07T00:26:18", "2015-13-07T00:26:18Z", "2015-04-07T00:26:18+99:00"]
)
def test_other_dates_are_refused(text):
    """What is no date of the service is an error that shows one."""
    with pytest.raises(InventoryError, match="instead of a date such as"):
        date_ms(text)


def test_an_archive_may_lack_what_the_service_may_leave_out():
    """Null and nothing are alike; a size may be written as a text."""
    bare = {"ArchiveId": "a", "Size": "12"}
    assert json_item(bare) == Item("a", "", None, 12, None)
    nulls = dict.fromkeys(["ArchiveDescription", "CreationDate", "SHA256TreeHash"])
    assert json_item(bare | nulls) == json_item(bare)


@pytest.mark.parametrize("key", ["ArchiveId", "ArchiveDescription", "CreationDate", "Size", "SHA256TreeHash"])
def test_a_misspelt_key_is_not_an_absent_one(key):
    """One flipped bit in a key is damage, wherever the archive is."""
    data = json_of(ITEMS)
    for place in (1, len(ITEMS)):
        at = -1
        for _ in range(place):
            at = data.index(f'"{key}"'.encode(), at + 1)
        with pytest.raises(InventoryError, match=f"instead of {key}") as caught:
            taken(data[: at + 2] + bytes([data[at + 2] ^ 1]) + data[at + 3 :], "JSON")
        assert caught.value.row == place


def test_nan_is_nothing():
    """Python writes it for a missing cell of a table."""
    bare = {"ArchiveId": "a", "Size": 12}
    assert json_item(bare | {"ArchiveDescription": float("nan")}) == json_item(bare)
    with pytest.raises(InventoryError, match="no size"):
        json_item(bare | {"Size": float("nan")})


def test_unknown_names_are_no_attributes():
    """The schema alone is looked up late."""
    assert inventories.LISTED is LISTED
    with pytest.raises(AttributeError, match="nothing"):
        _ = inventories.nothing
