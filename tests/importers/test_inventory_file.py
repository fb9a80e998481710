"""Inventories as other programs save them: read rightly, or refused with what they are."""

import csv
import gzip
import io
import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic import importers
from glacier_magic.errors import InputError
from tests.importers.test_importers import CSV_HEADER, HASH, A, B, C, entry, inventory, whole, written

NAMES = CSV_HEADER.split(",")
DATE, MS = "2012-08-23T19:08:30Z", 1345748910000
TEXTS = [
    "a.txt",
    'say "hi", you',
    "tail\\",
    "..\\tmp",
    "",
    '{"Path":"a b","UTCDateModified":"20130322T120043Z"}',
]
ANSWER = '{\n    "status": 200,\n    "acceptRanges": "bytes",\n    "contentType": "application/json"\n}\n'


def cells(*texts, **changed):
    """Make the cells of archives with these descriptions."""
    common = {"CreationDate": DATE, "Size": "5", "SHA256TreeHash": HASH} | changed
    return [
        [f"{number:0138}", text, *(common[name] for name in NAMES[2:])] for number, text in enumerate(texts)
    ]


def saved(rows, header=NAMES, **dialect):
    """Write rows as Python's csv module does."""
    file = io.StringIO(newline="")
    csv.writer(file, **dialect).writerows([header, *rows])
    return file.getvalue()


def own(*texts):
    """Write a CSV as the service does."""
    rows = cells(*texts)
    lines = [",".join([row[0], '"' + row[1].replace('"', '\\"') + '"', *row[2:]]) for row in rows]
    return "\n".join([CSV_HEADER, *lines, ""])


def texts_of(path):
    """Read a file; return the descriptions of its archives, none of which is left."""
    archives, _, left, _ = whole(path)
    assert left == []
    for number, archive in enumerate(archives):
        assert (archive.archive_id, archive.size) == (f"{number:0138}", 5)
        assert (archive.created_ms, archive.tree_hash) == (MS, HASH)
    return [archive.description for archive in archives]


def reasons(path):
    """Read a file; return its descriptions, and why other rows were left."""
    archives, _, left, _ = whole(path)
    return [a.description for a in archives], [why for _, why in left]


# CSV


@pytest.mark.parametrize(
    "dialect",
    [
        {},
        {"lineterminator": "\n"},
        {"lineterminator": "\r"},
        {"delimiter": ";"},
        {"delimiter": "\t"},
        {"delimiter": "|"},
        {"quoting": csv.QUOTE_ALL},
        {"quoting": csv.QUOTE_NONNUMERIC, "delimiter": ";"},
    ],
    ids=str,
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_csv_saved_again_gives_the_same_names(tmp_path, dialect, encoding):
    """Doubled quotes, other separators and encodings."""
    # Python does not quote a line feed where another character ends the lines.
    texts = TEXTS if dialect.get("lineterminator") == "\r" else [*TEXTS, "two\nlines"]
    assert texts_of(written(tmp_path, saved(cells(*texts), **dialect).encode(encoding))) == texts


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("write", ["to_csv", "to_parquet", "to_json", "json_lines"])
def test_a_dataframe_saved_again_gives_the_same_names(tmp_path, index, write):
    """As CSV with an index and dates parsed, Parquet, and both forms of JSON; missing cells are empty."""
    frame = pd.DataFrame(cells(*TEXTS), columns=NAMES).astype({"Size": float})
    path = tmp_path / "file"
    if "json" not in write:
        frame["CreationDate"] = pd.to_datetime(frame["CreationDate"])
        frame["ArchiveDescription"] = frame["ArchiveDescription"].replace("", None)
        getattr(frame, write)(path, index=index)
    else:
        frame = frame.astype({"Size": int})
        frame.to_json(path, orient="records", lines=write == "json_lines")
    assert texts_of(path) == TEXTS


def test_the_services_own_csv_stays_what_it_is(tmp_path):
    """Also in UTF-16, compressed, behind a mark, with a line end in a name, and what the AWS CLI prints."""
    texts = [*TEXTS, "\\\\", "two\nlines"]
    for data in (
        own(*texts).encode(),
        own(*texts).encode("utf-16"),
        gzip.compress(own(*texts)[:500].encode()) + gzip.compress(own(*texts)[500:].encode()),
        b"\xef\xbb\xbf" + own(*texts).replace("\n", "\r\n").replace("two\r\n", "two\n").encode(),
        (own(*texts).rstrip() + ANSWER.replace("application/json", "text/csv")).encode(),
    ):
        assert texts_of(written(tmp_path, data)) == texts


def test_excels_first_line_and_further_columns_are_passed_over(tmp_path):
    """The columns are known by their names, in any order."""
    rows = [["x", *reversed(row), "=1+1"] for row in cells(*TEXTS)]
    text = saved(rows, ["", *reversed(NAMES), "Notes"], delimiter=";")
    assert texts_of(written(tmp_path, "sep=;\r\n" + text)) == TEXTS


@settings(max_examples=60)
@given(
    st.lists(
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=9) | st.text("\"\\,;' a\n")
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]),
    st.sampled_from([None, "\\"]),
    st.booleans(),
    st.sampled_from("\"'"),
)
def test_no_dialect_is_taken_wrongly(tmp_path_factory, texts, separator, end, quoting, escape, double, quote):
    """Every row has the name that was written, or is refused; by RFC 4180, only odd names are."""
    try:
        text = saved(
            cells(*texts),
            delimiter=separator,
            lineterminator=end,
            quoting=quoting,
            escapechar=escape,
            doublequote=double,
            quotechar=quote,
        )
    except csv.Error:  # this dialect cannot write these texts
        return
    path = written(tmp_path_factory.mktemp("dialect"), text)
    plain = double and escape is None and quote == '"' and quoting != csv.QUOTE_NONE
    try:
        archives, _, left, _ = whole(path)
    except InputError:
        assert "\\\\" in text or "\\'" in text or not plain
        return
    for archive in archives:
        text = texts[int(archive.archive_id)]
        # Where ' is the quote, a text in " looks quoted, which nothing can tell.
        assert archive.description == text or (quote == "'" and text.strip("\n")[:1] == '"')
    if plain:
        assert all("looks like one" in why for _, why in left)
        assert len(archives) + len(left) == len(texts)


@pytest.mark.parametrize("text", ['"', '""', 'a"', "a\\", '\\"', "it's", "a\nb", ""])
@pytest.mark.parametrize("dialect", [{}, {"quoting": csv.QUOTE_ALL}, {"lineterminator": "\n"}], ids=str)
def test_one_row_alone_shows_its_dialect(tmp_path, text, dialect):
    """No other row is there to tell it by."""
    assert texts_of(written(tmp_path, saved(cells(text), **dialect))) == [text]
    assert texts_of(written(tmp_path, own(text))) == [text]


@pytest.mark.parametrize("text", [",".join(cells('"')[0]), own("").split("\n")[1].replace('""', '"')])
def test_single_quotes_take_no_rows_with_them(tmp_path, text):
    """Between two of them is the end of a row, which is no part of a description."""
    found, left = reasons(written(tmp_path, f"{CSV_HEADER}\n{text}\n{text}\n"))
    assert found == []
    assert left


@given(st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=9)))
def test_every_csv_of_the_service_is_taken_rightly(tmp_path_factory, texts):
    """Whatever its descriptions, for they are never those of RFC 4180."""
    assert texts_of(written(tmp_path_factory.mktemp("own"), own(*texts))) == texts


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("ArchiveId", "A" * 130, "does not have 138"),
        ("ArchiveId", "1.23E+137", "does not have 138"),
        ("Size", "1.5E+10", "its size"),
        ("Size", "1,234,567", "its size"),
        ("Size", "1.234", "its size"),
        ("Size", "", "its size"),
        ("Size", "NaN", "its size"),
        ("Size", str(10**14), "its size"),
        ("CreationDate", "3/22/2013 12:00", "its date"),
        ("CreationDate", "2013-03-22 12:00:43", "its date"),
        ("CreationDate", "41355.5", "its date"),
        ("SHA256TreeHash", HASH[:-1], "its tree hash"),
        ("SHA256TreeHash", "9.1E+60", "its tree hash"),
        ("ArchiveDescription", "#NAME?", "its description"),
        ("ArchiveDescription", "NaN", "its description"),
    ],
)
def test_a_cell_that_a_spreadsheet_has_rewritten_is_refused(tmp_path, column, value, why):
    """Its row is left with the reason; the others are taken."""
    rows = cells("a", "b", "c")
    rows[1][NAMES.index(column)] = value
    for path in (written(tmp_path, saved(rows, delimiter=";")), written(tmp_path, b"", "parquet")):
        if not path.stat().st_size:
            pd.DataFrame(rows, columns=NAMES).to_parquet(path)
        found, left = reasons(path)
        assert found == ["a", "c"]
        assert len(left) == 1
        assert why in left[0]


@pytest.mark.parametrize("value", ["", "NaN", "None"])
def test_a_missing_date_or_hash_is_not_known(tmp_path, value):
    """The archive is there all the same."""
    text = saved(cells("a", CreationDate=value, SHA256TreeHash=value), delimiter=";")
    ((archive,), _, left, _) = whole(written(tmp_path, text))
    assert (archive.created_ms, archive.tree_hash, left) == (None, None, [])


def test_both_kinds_of_quotes_are_refused(tmp_path):
    """Both readings are named, and nothing is taken."""
    text = own('a "b"') + saved(cells('c "d"')).split("\n", 1)[1]
    with pytest.raises(InputError, match=r'line 2 has \\" for a quote, and line 3 has ""'):
        importers.read(written(tmp_path, text))


@pytest.mark.parametrize("separator", [",", ";"])
def test_backslashes_that_may_be_escapes_are_refused(tmp_path, separator):
    """They are single or double; one that is certainly single decides."""
    rows = cells("a\\\\b")
    with pytest.raises(InputError, match="all backslashes are in pairs"):
        importers.read(written(tmp_path, saved(rows, delimiter=separator)))
    rows = cells("\\\\server\\b")
    assert texts_of(written(tmp_path, saved(rows, delimiter=separator))) == ["\\\\server\\b"]


def test_a_damaged_row_of_others_costs_no_other_row(tmp_path):
    """An open quote takes the next row with it, and both are told as one."""
    lines = saved(cells(*"abcdef"), delimiter=";").splitlines(keepends=True)
    lines[2] = lines[2][:-40] + "\r\n"
    lines[4] = lines[4].replace(";d;", ';"d;')
    found, left = reasons(written(tmp_path, "".join(lines)))
    assert found == ["a", "c"]
    assert left == ["its tree hash does not have 64 hexadecimal digits", "its quotes are not those of a CSV"]


# JSON


@pytest.mark.parametrize(
    "behind",
    [
        ANSWER,
        "\n" + ANSWER,
        json.dumps(json.loads(ANSWER)),
        "bytes\tapplication/json\t200\n",
        "acceptRanges: bytes\ncontentType: application/json\nstatus: 200\n",
    ],
)
def test_what_the_aws_cli_prints_behind_an_inventory_is_no_damage(tmp_path, behind):
    """In each form of its output that is no drawing."""
    path = written(tmp_path, json.dumps(inventory(entry(A), entry(B))) + behind)
    imported = importers.read(path)
    assert len(list(imported.items)) == 2
    assert (list(imported.left), imported.left.cut) == ([], False)


def test_anything_else_behind_it_is_told(tmp_path):
    """What is whole is taken, and that there is more is an error."""
    whole_one = json.dumps(inventory(entry(A)))
    for behind in (whole_one, ANSWER.replace("200", "206"), "}"):
        imported = importers.read(written(tmp_path, whole_one + behind))
        assert len(list(imported.items)) == 1
        assert imported.left.cut


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda rows: json.dumps(rows, indent=4),
        lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
        lambda rows: "".join(json.dumps(row, indent=2) + "\r\n" for row in rows),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_archives_without_their_inventory_are_read(tmp_path, write, encoding):
    """A list alone, or one object after another, in lines or not."""
    rows = [entry(A), entry(B, CreationDate="2012-08-23 21:08:30+02:00"), entry(C, float("nan"))]
    archives, _, left, kind = whole(written(tmp_path, write(rows).encode(encoding)))
    assert (kind, left) == ("a saved inventory (JSON)", [])
    assert [(a.archive_id, a.description) for a in archives] == [(A, "a.txt"), (B, "a.txt"), (C, "")]
    assert {a.created_ms for a in archives} == {MS}


def test_a_list_of_objects_that_breaks_off_gives_what_is_whole(tmp_path):
    """And says so."""
    text = "".join(json.dumps(entry(each)) + "\n" for each in (A, B))
    imported = importers.read(written(tmp_path, text[:-9]))
    assert [a.archive_id for a in imported.items] == [A]
    assert imported.left.cut
    archives, _, left, _ = whole(written(tmp_path, text + '{"ArchiveId": "x"}\n7\n'))
    assert (len(archives), len(left)) == (2, 2)


@pytest.mark.parametrize("text", [own("a", "b"), saved(cells("a", 'b"')), json.dumps(inventory(entry(A)))])
def test_a_compressed_file_that_breaks_off_is_told(tmp_path, text):
    """Its end is not known, whatever could be read."""
    imported = importers.read(written(tmp_path, gzip.compress(text.encode())[:-12]))
    list(imported.items)
    assert imported.left.cut


# What is refused


def test_files_of_other_kinds_are_named(tmp_path):
    """Each with what to do; an answer without the inventory is not one."""
    workbook = b"PK\x03\x04\x14\x00[Content_Types].xml" + b"\x00" * 99 + b"xl/workbook.xml"
    boto3 = json.dumps({"ResponseMetadata": {}, "body": "<botocore.response.StreamingBody object at 0x7f>"})
    for data, what in [
        (workbook, "an Excel workbook"),
        (b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "an OpenDocument table"),
        (b"PK\x03\x04inventory.csv", "a zip file"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "an old Excel workbook"),
        (b"BZh91AY", "a compressed file other than gzip"),
        (boto3.encode(), "without the inventory"),
        (ANSWER.encode(), "without the inventory"),
    ]:
        with pytest.raises(InputError, match=what) as caught:
            importers.read(written(tmp_path, data))
        assert caught.value.cure


@given(
    st.binary(max_size=200),
    st.sampled_from([b"\x1f\x8b", b"\xff\xfe", b"PAR1", b"{\x00", saved([]).encode()]),
)
def test_no_bytes_do_more_than_be_refused(tmp_path_factory, data, begin):
    """Compressed or encoded, whole or not."""
    path = written(tmp_path_factory.mktemp("any"), begin + data)
    try:
        list(importers.read(path).items)
    except InputError:
        return
