"""Descriptions: every family's examples, damage, round trips and the service's limits."""

import json
import time
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.units import to_ms
from glacier_magic.descriptions import (
    FAMILIES,
    FORMATS,
    Decoded,
    DescriptionError,
    check,
    decode,
    decode_columns,
    encode,
    file_name,
)
from glacier_magic.descriptions.families import WHITE

WHEN = datetime(2013, 3, 13, 4, 0, 2, tzinfo=UTC)
EXAMPLES = [example for family in FAMILIES for example in family.EXAMPLES]
ENCODED_FORMATS = ["fastglacier", "mt2"]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))


def b64(text: str | bytes) -> str:
    """Return *text* in standard base64."""
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def mt2(text: str | bytes) -> str:
    """Return an mt2 description that holds *text*, with its padding."""
    raw = text.encode() if isinstance(text, str) else text
    return f"mt2 {urlsafe_b64encode(raw).decode()}"


@pytest.mark.parametrize(("description", "expected"), EXAMPLES, ids=lambda _: None)
def test_examples_of_every_family_hold(description, expected):
    """Every example reads as its module says, also quoted and with space around it."""
    assert decode(description) == expected
    if expected.format != "plain":
        assert decode(f' "{description}" ') == expected


def test_families_have_examples():
    """A new family comes with examples, one of them decoded."""
    for family in FAMILIES:
        assert any(expected.format != "plain" for _, expected in family.EXAMPLES)


def test_nothing_is_of_no_format():
    """An empty description has no name."""
    assert decode("") == Decoded("", None, "none")


@pytest.mark.parametrize(
    "description",
    [
        "DirFileWithSpaces.test",
        "No description.",
        "/home/me/photos 2013.tar.gz",
        "20151201-183007-0b3f9",
        "20151201-183007-0B3F9.tar",
        "documents.20130214103045",
        "duplicity-full.20130101T000000Z.vol1.difftar.xz",
        "backup.tgz",
        "mt2",
        "mt3 eyJh",
        '"',
        '""',
        "  two  ",
        "naïve — 日本",
        "SHA256E-s1048576--short.ext",
        "see SHA1--x",
    ],
)
def test_bare_names_stay_as_they_are(description):
    """What no family knows is the name, to the last space."""
    assert decode(description) == Decoded(description, None, "plain")


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("mt2 =", "begins like mt2, but it is not JSON"),
        ("mt2 a*b", "begins like mt2, but its base64 is damaged"),
        (mt2(b"\xff"), "begins like mt2, but its base64 does not hold UTF-8 text"),
        (mt2("[1]"), "begins like mt2, but its JSON is not an object"),
        (mt2("{}"), "begins like mt2, but it holds no file name"),
        (mt2('{"filename":""}'), "begins like mt2, but it holds no file name"),
        (mt2('{"filename":"\\ud800"}'), "begins like mt2, but its file name is not valid Unicode"),
        (f"mt1 {b64('Ж')}", "begins like mt1, but its text is not encoded twice"),
        ("<m>", "begins like FastGlacier's, but it holds no path"),
        ("<m><v>4</v><p></p></m>", "begins like FastGlacier's, but it holds no file name"),
        ("{draft} of May", "begins like JSON, but it is not JSON"),
        ('{"a":' * 9000, "begins like JSON, but it is not JSON"),
        ('{"Path":' + "9" * 5000 + "}", "begins like JSON, but it is not JSON"),
        ('{"Path":7}', "begins like JSON, but it holds no file name"),
    ],
    ids=lambda _: None,
)
def test_damaged_descriptions_stay_raw_and_say_why(description, reason):
    """Damage costs the decoding, never the text."""
    assert decode(description) == Decoded(description, None, "plain", reason)


@pytest.mark.parametrize(
    "description",
    [
        mt2('{"filename":"a","mtime":"20130229T000000Z"}'),
        mt2('{"filename":"a","mtime":1363147202}'),
        f"<m><v>4</v><p>{b64('a')}</p><lm>yesterday</lm></m>",
        '{"Path":"a","UTCDateModified":"2013"}',
    ],
    ids=lambda _: None,
)
def test_unreadable_time_does_not_cost_the_name(description):
    """The name is used, and the note tells of the time."""
    found = decode(description)
    assert (found.name, found.mtime) == ("a", None)
    assert found.note == "its modification time is unreadable"


def test_mt2_takes_padding():
    """Base64 with its padding is read as well."""
    found = decode(mt2('{"filename":"ab","mtime":"20130313T040002Z"}'))
    assert found == Decoded("ab", WHEN, "mt2")


def test_fastglacier_of_the_first_version_may_have_a_time():
    """Any element with a stamp counts, since its name is not documented."""
    text = f"<ArchiveMetadata><Path>{b64('a')}</Path><T>20130313T040002Z</T></ArchiveMetadata>"
    assert decode(text) == Decoded("a", WHEN, "fastglacier-1")


def test_fastglacier_of_a_later_version_is_read_like_the_fourth():
    """An unknown version is noted."""
    found = decode(f"<m><v>9</v><p>{b64('a')}</p></m>")
    assert found == Decoded("a", None, "fastglacier-4", "of the unknown version '9'")


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        (0, ""),
        (1, "compressed by the client"),
        (2, "encrypted by the client"),
        (3, "compressed, encrypted by the client"),
    ],
)
def test_cloudberry_flags_are_told(flags, note):
    """The flags say how the bytes differ from the file."""
    text = json.dumps({"Path": "a", "UTCDateModified": "20130313T040002Z", "Flags": flags})
    assert decode(text) == Decoded("a", WHEN, "cloudberry", note)


@pytest.mark.parametrize("path", ["a+b", "C++-", "1+1=2", "plain", "schon Ä +BEQ-", "+2AA-x"])
def test_text_that_is_no_utf7_stays(path):
    """A plus sign alone does not make a path UTF-7."""
    found = decode(json.dumps({"Path": path, "UTCDateModified": "20130313T040002Z"}))
    assert (found.name, found.format) == (path, "cloudberry")


def test_git_annex_key_behind_a_prefix_is_known():
    """The user's prefix is part of the name."""
    key = "my/prefix-MD5E-s12-m1289672605--d41d8cd98f00b204e9800998ecf8427e.tar.gz"
    found = decode(key)
    assert (found.name, found.format) == (key, "git-annex")
    assert found.mtime == datetime(2010, 11, 13, 18, 23, 25, tzinfo=UTC)


def test_decoded_is_frozen():
    """A result is a value."""
    with pytest.raises(AttributeError):
        decode("a").name = "b"


@given(st.text())
def test_decoding_never_raises(text):
    """Any text at all has an answer, and a plain one is the text."""
    found = decode(text)
    assert found.format != "plain" or found.name == text


@given(
    st.sampled_from(
        ["mt1 ", "mt2 ", "<m>", "<m><p>", "<ArchiveMetadata><Path>", '{"Path":"', "{", "grsync|"]
    ),
    st.text() | st.text('AQZz09+/-_=<>m{}":,plv\\ud8'),
    st.sampled_from(["", "</p></m>", '","UTCDateModified":""}', "}", "|1|99999999999.5|"]),
)
def test_decoding_never_raises_behind_a_mark(mark, middle, end):
    """Damage behind a family's mark is no error either, and no name is half a character."""
    found = decode(mark + middle + end)
    if found.format == "plain":
        assert found.name == mark + middle + end
    else:
        assert found.name.encode()


@given(NAMES, TIMES, st.sampled_from(ENCODED_FORMATS))
def test_encoded_names_come_back(name, mtime, form):
    """Any Unicode name and any time, to the second, survive, in a legal description."""
    description = encode(name, mtime, format=form)
    check(description)
    assert " " not in description.removeprefix("mt2 ")
    found = decode(description)
    assert found.name == name
    assert found.mtime == (mtime and mtime.replace(microsecond=0))
    assert found.format == {"fastglacier": "fastglacier-4"}.get(form, form)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("{name}.{time:%Y%m%d%H%M%S}.tgz", "{name}"),
        ("{name}.{time:%Y%m%d%H%M%S}.tgz.enc", "{name}"),
        ("{name}.{time:%Y%m%d%H%M%S}.enc", "{name}"),
        ("{name}{time:%Y%m%d%H%M%S}.tgz.enc", "{name}"),
        ("{name}-{time:%Y%m%d-%H%M%S}-0b3f9.tar.bz2.gpg", "{name}.tar.bz2.gpg"),
        ("{name}-{time:%Y%m%d-%H%M%S}-0b3f9-s0002.lst.asc", "{name}-s0002.lst.asc"),
        (
            "{name}/duplicity-new-signatures.20100101T000000Z.to.{time:%Y%m%dT%H%M%SZ}.sigtar.gpg",
            "{name}/duplicity-new-signatures.sigtar.gpg",
        ),
    ],
)
@given(
    base=st.text("aé0123456789/ -_|", max_size=9).map("n{}x".format),
    when=st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1)),  # noqa: DTZ001 - given its zone below
)
def test_backups_of_one_thing_have_one_name_and_their_own_files(form, name, base, when):
    """The name has no date, the time has; a file with the bytes keeps all that was stored."""
    text = form.format(name=base, time=when)
    found = decode(text)
    assert (found.name, found.file) == (name.format(name=base), text)
    assert found.mtime == when.replace(microsecond=0, tzinfo=UTC)
    assert found.encrypted == text.endswith((".enc", ".gpg"))
    assert file_name(found.name, text) == text
    assert file_name("named elsewhere", text) == "named elsewhere"


@given(
    st.text(min_size=1).filter(lambda path: path.isprintable() and "|" not in path),
    st.integers(0, 10**12),
    st.floats(1, 4e9),
    st.text().map(str.strip),
)
def test_glacier_rsyncs_fields_come_back(path, size, mtime, text):
    """The path and the time of the file, whatever the user added."""
    found = decode(f"grsync|{path}|{size}|{mtime!r}|{text}")
    assert (found.name, found.format) == (path, "glacier-rsync")
    assert found.mtime == datetime.fromtimestamp(int(mtime), UTC)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1))
def test_plain_names_come_back_or_are_refused(name):
    """What plain accepts, it carries."""
    try:
        description = encode(name, WHEN, format="plain")
    except DescriptionError:
        assert name != name.strip(" ") or decode(name).name != name
    else:
        assert decode(description).name == description == name


MARKED = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", " ", '"', "\u2003", "m", "mt2 ", "<m><p>", '{"Path":"', "{", "WORM-m7--"]),
    st.text() | st.text('AQZz09+/-_=<>m{}":,plv\\ud8'),
    st.sampled_from(
        [
            *("", " ", '"', "</p></m>", '"}', ".20130214103045.tgz", ".20130214103045.enc", ".enc", "--x"),
            *("20130214-103045-0b3f9.lst", "duplicity-full.20130214T103045Z.manifest", "|1|-1.5|"),
        ]
    ),
)


def column(texts):
    return pa.chunked_array([texts], pa.string())


@given(st.lists(MARKED | st.sampled_from([text for text, _ in EXAMPLES])))
def test_columns_hold_what_decode_says(descriptions):
    """A list of descriptions decodes to the same names, formats and times as each by itself."""
    each = [decode(description) for description in descriptions]
    names, raw, formats, mtimes = decode_columns(column(descriptions))
    assert names == [found.name for found in each]
    assert raw == [
        None if text == found.name else text for text, found in zip(descriptions, each, strict=True)
    ]
    assert formats == [found.format for found in each]
    assert mtimes == [to_ms(found.mtime) for found in each]


def test_no_description_is_no_name():
    assert decode_columns(pa.chunked_array([], pa.string())) == ([], [], [], [])


def test_examples_decode_in_columns_in_quotes_and_space():
    """No family's description is passed over for what stands around it."""
    for around in ("{}", ' "{}" ', '"{}"', "\u3000{}\x1f"):
        texts = [around.format(text) for text, _ in EXAMPLES]
        assert decode_columns(column(texts))[2] == [decode(text).format for text in texts]


def test_white_space_is_pythons():
    """The list of white space is complete."""
    assert set(WHITE) == {chr(code) for code in range(0x110000) if chr(code).isspace()}


def test_version_four_is_written_as_documented():
    """Our text is the one FastGlacier's page shows, without the optional element."""
    text = encode("glacier-dg.pdf", datetime(2012, 8, 21, 17, 8, 24, 999, tzinfo=UTC))
    assert text == "<m><v>4</v><p>Z2xhY2llci1kZy5wZGY=</p><lm>20120821T170824Z</lm></m>"


def test_mt2_is_written_as_mt_aws_glacier_does():
    """Our text is the one of mt-aws-glacier's own tests."""
    when = datetime(2012, 11, 5, 14, 2, 58, tzinfo=UTC)
    text = encode("file/a/b/c/d", when, format="mt2")
    assert text == "mt2 eyJmaWxlbmFtZSI6ImZpbGUvYS9iL2MvZCIsIm10aW1lIjoiMjAxMjExMDVUMTQwMjU4WiJ9"


def test_times_are_written_in_utc():
    """A time of another zone is converted."""
    there = WHEN.astimezone(timezone(timedelta(hours=-9)))
    assert encode("a", there) == encode("a", WHEN)
    assert decode(encode("a", datetime(7, 1, 1, tzinfo=UTC))).mtime == datetime(7, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("form", ENCODED_FORMATS)
@pytest.mark.parametrize(
    ("name", "mtime", "cure"),
    [
        ("", None, "give the archive a name"),
        ("ä" * 400, WHEN, "800 bytes in UTF-8.*shorten the name"),
        ("bad\udcff", None, "rename the file"),
        ("a", datetime(2013, 3, 13), "pass the time in UTC"),  # noqa: DTZ001 - one without a zone, on purpose
        ("a", datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), "leave it out"),
    ],
    ids=["empty", "long", "surrogate", "naive", "early"],
)
def test_what_cannot_be_encoded_is_refused_with_a_cure(form, name, mtime, cure):
    """The error says what to do."""
    with pytest.raises(DescriptionError, match=cure):
        encode(name, mtime, format=form)


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("naïve", "U\\+00EF at character 3"),
        (" a", "leading spaces"),
        ("a ", "choose the format fastglacier"),
        ("mt2 eyJmaWxlbmFtZSI6ImEifQ", "choose the format fastglacier"),
        ("x" * 1025, "1,025 characters"),
        ("\udcff" * 2000, "2,000 characters"),
        ("a\n", "U\\+000A"),
    ],
    ids=ascii,
)
def test_plain_refuses_what_it_cannot_carry(name, cure):
    """The bare form has the service's limits and may not look like another form."""
    with pytest.raises(DescriptionError, match=cure):
        encode(name, None, format="plain")


def test_unknown_format_names_the_known_ones():
    """A typing error lists the choices."""
    with pytest.raises(DescriptionError, match=", ".join(FORMATS)):
        encode("a", None, format="zip")


@pytest.mark.parametrize("text", ["a", "~", "a ", "a  b", '"\\', "x" * 1024], ids=lambda _: None)
def test_legal_texts_pass(text):
    """Everything printable passes, up to 1,024 characters."""
    assert check(text) is None


@pytest.mark.parametrize("text", ["", " a", "a\tb", "\x7f", "ä", "x" * 1025], ids=ascii)
def test_illegal_texts_are_refused(text):
    """Each limit of the service is an error of ours first."""
    with pytest.raises(DescriptionError):
        check(text)


def test_a_name_at_the_limit_fits():
    """The longest description has exactly 1,024 characters or just under."""
    name = next("x" * n for n in range(1024, 0, -1) if _fits("x" * n))
    assert 1020 <= len(encode(name, WHEN)) <= 1024


def _fits(name: str) -> bool:
    try:
        return bool(encode(name, WHEN))
    except DescriptionError:
        return False


def test_decoding_is_fast():
    """Bare names and our own form take microseconds, with a wide margin for busy machines."""
    ours = encode("photos/2013/IMG_0001.jpg", WHEN)
    began = time.process_time()  # other processes do not count
    for _ in range(10_000):
        decode("photos/2013/IMG_0001.jpg")
        decode(ours)
    assert time.process_time() - began < 2
