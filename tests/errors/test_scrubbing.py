"""No secret comes out of any text, and no id that a user needs is lost."""

import html
import json
import string
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from glacier_magic.catalogue import JobRecord
from glacier_magic.errors import LocalError, describe
from glacier_magic.errors.scrubbing import SHORTEST, STARS, Scrubber, scrub

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQDx+Zz9=="

WRITTEN = {
    "as it is": str,
    "repr": repr,
    "repr of a repr": lambda value: repr(repr(value)),
    "bytes": lambda value: repr(value.encode()),
    "JSON": json.dumps,
    "a URL": lambda value: f"https://host/?X={quote(value, safe='')}",
    "a lower-case URL": lambda value: quote(value, safe="").replace("%2F", "%2f"),
    "HTML": lambda value: html.escape(value, quote=True),
    "escape": lambda value: value.encode("unicode_escape").decode(),
}

secrets = st.text(string.printable + "äé", min_size=SHORTEST, max_size=80)
ids = st.text(string.ascii_letters + string.digits + "-_", min_size=138, max_size=138)
job_ids = st.text(string.ascii_letters + string.digits + "-_", min_size=92, max_size=92)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(secrets, st.text(), st.text(), st.sampled_from(sorted(WRITTEN)))
@example(SECRET + "\n", "", "", "bytes")
@example(TOKEN, "b'", "\\n'", "as it is")
@example("'quotes' \"and\" \\backslashes\\", "", "", "repr")
def test_a_secret_in_use_never_comes_out(secret, before, after, way):
    """Whatever surrounds it, and however it is written."""
    core = secret.strip()
    assume(len(core) >= SHORTEST)
    scrubber = Scrubber()
    scrubber.hide(secret)
    shown = scrubber.scrub(f"{before}{WRITTEN[way](secret)}{after}")
    for spell in WRITTEN.values():
        assert spell(core).strip("'\"b") not in shown


PATH = "/123456789012/vaults/Photos2019/archives/"
around = st.sampled_from(
    [
        *("", " ", "'", '"', "/", "=", ":", "id:", "(", ")", ",", ".", "\n", "b'", "?marker="),
        *("/-/vaults/photos/archives/", PATH, "/output", "Signature ", "Credential "),
        "arn:aws:glacier:us-east-1:123456789012:vaults/x/",
    ]
)


@given(st.one_of(ids, job_ids, hashes), around, around)
@example("aB3" * 46, PATH, "/output")
@example("aB3x" * 23, "/123456789012/vaults/Photos2019aB3xaB3xaB3xaB3xaB3xaB3x/jobs/", "/output")
def test_ids_and_hashes_stay_whole(wanted, before, after):
    """The user has to copy them from messages."""
    assert wanted in scrub(f"{before}{wanted}{after}")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIAIOSFODNN7EXAMPLE is wrong", "AKIAIOSFODNN7EXAMPLE"),
        ("'ASIAIOSFODNN7EXAMPLE'", "ASIAIOSFODNN7EXAMPLE"),
        (f"aws_secret_access_key = {SECRET}", SECRET),
        (f"the key is {SECRET}.", SECRET),
        (f'{{"SecretAccessKey": "{SECRET}"}}', SECRET),
        (f"Invalid header value b'{TOKEN}\\n'", TOKEN),
        (f"token {quote(TOKEN, safe='')}", quote(TOKEN, safe="")),
        ("token " + "aB3/xY7+" * 40, "aB3/xY7+" * 2),
        ("x-amz-security-token:abcdef123456\nhost:x", "abcdef123456"),
        ("?X-Amz-Security-Token=abcdef123456&X-Amz-Date=1", "abcdef123456"),
        ("?X-Amz-Signature=0123abcd&x", "0123abcd"),
        ("X-Amz-Credential=EXAMPLE%2F20260101", "EXAMPLE"),
        (
            "AWS4-HMAC-SHA256 Credential=EXAMPLE/20260101/us-east-1, SignedHeaders=host, Signature=0123abcd'",
            "0123abcd",
        ),
        ("AWS4-HMAC-SHA256 Credential=EXAMPLE\\n/20260101/us-east-1", "EXAMPLE"),
        ("Authorization: Basic dXNlcjpwdw==", "dXNlcjpwdw"),
        ("{'Authorization': b'Bearer abc.def'}", "abc.def"),
        ("postgresql://me:hunter2@host/db", "hunter2"),
        ("http://me:hunter%402@proxy:3128", "hunter"),
        ("host=x password=hunter2 user=me", "hunter2"),
        ("host=x password='hunter2' user=me", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_starred(text, secret):
    """Also one of another login, which nobody has named."""
    shown = scrub(text)
    assert secret not in shown
    assert STARS in shown
    assert scrub(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "The service does not accept the signature: The request signature we calculated",
        "The service does not know this access key: no such key",
        "password authentication failed for user 'me'",
        "User: me is not authorized to perform: glacier:ListVaults",
        "/home/Alice/Pictures/Holiday/InItaly/2019x",
        "/home/alice/" + "documents/projects/" * 12 + "report.txt",
        "http://127.0.0.1:4566/@x and https://glacier.us-east-1.amazonaws.com:443/",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "the emulator in /home/me/glacier-emulator",
        "Qc5bvSHT9xbxNQ5GHJXFD0SXLt_nMRvjeF-evo5VwshsMgk",
    ],
)
def test_what_only_resembles_a_secret_stays(text):
    """Sentences, paths, hashes of other kinds, request ids."""
    assert scrub(text) == text


def test_a_word_as_a_key_hides_nothing():
    """The emulator's keys are the word "emulator"; a key of AWS is longer."""
    scrubber = Scrubber()
    scrubber.hide("emulator", "s", "", None)
    assert scrubber.scrub("the emulator's") == "the emulator's"


def test_only_the_latest_secrets_are_held():
    """Tokens are replaced every hour, in a kernel that runs for months."""
    scrubber = Scrubber()
    for number in range(1000):
        scrubber.hide(f"a temporary token {number:04}")
    assert scrubber.scrub("a temporary token 0999") == STARS
    assert scrubber.scrub("a temporary token 0000") != STARS


def test_errors_and_records_are_scrubbed_where_they_are_made():
    """Message and cure of an error of ours, words of one of a library, a message of a job."""
    error = LocalError(f"no: {SECRET}", cure=f"Not {TOKEN}.")
    for text in (str(error), repr(error), error.message, error.cure, *error.args):
        assert SECRET not in text
        assert TOKEN not in text
    assert describe(ValueError(TOKEN)) == f"ValueError: {STARS}"
    told = {"JobId": "j", "Action": "a", "StatusCode": "Failed", "StatusMessage": f"not {SECRET}"}
    assert JobRecord.from_service("photos", told).message == f"not {STARS}"
