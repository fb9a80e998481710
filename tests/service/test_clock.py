"""Signatures are dated by the service's clock; a body that takes too long is told from a wrong clock."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from glacier_magic.errors import CredentialsError, Unavailable
from glacier_magic.service import Connection, ServiceClock, open_service
from glacier_magic.service.bodies import MemoryBody
from glacier_magic.service.clock import TOO_SLOW
from tests.answering import Answer, answering

STAMP = "%Y%m%dT%H%M%SZ"
FIVE = timedelta(minutes=5)
VAULT = {"VaultARN": "arn:aws:glacier:us-west-2:123456789012:vaults/v", "VaultName": "v"}
VAULT |= {"CreationDate": "2012-03-20T17:03:43.221Z"}


class Strict:
    """A service whose clock is ahead of this computer's, and that refuses other dates."""

    def __init__(self):
        self.ahead = timedelta()
        self.words, self.dated = True, True
        self.dates = []

    def __call__(self, request):
        signed = datetime.strptime(request.headers["x-amz-date"], STAMP).replace(tzinfo=UTC)
        self.dates.append(signed)
        now = datetime.now(UTC) + self.ahead
        headers = {"Date": format_datetime(now, usegmt=True) if self.dated else "Mon, 99 Xyz"}
        if abs(now - signed) > FIVE:
            sign, words = ("-", "expired") if now > signed else ("+", "not yet current")
            text = f"Signature {words}: {signed:{STAMP}} is off"
            text += f" ({now:{STAMP}} {sign} 5 min.)" if self.words else ""
            code = {"code": "InvalidSignatureException", "message": text, "type": "Client"}
            return Answer(403, json.dumps(code).encode(), headers)
        headers |= {"x-amz-job-id": "job", "x-amz-archive-id": "archive"}
        headers |= {"x-amz-sha256-tree-hash": request.headers.get("x-amz-sha256-tree-hash", "")}
        return Answer(200, json.dumps(VAULT).encode() if request.method == "GET" else b"", headers)


@pytest.fixture
def strict(monkeypatch):
    """A strict service, and a client of it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    strict = Strict()
    with answering(strict) as url:
        strict.service = open_service(Connection(endpoint_url=url, region="us-west-2"))
        yield strict


class Pace:
    """Counts the bytes of a body."""

    moved = 0

    def __call__(self, count):
        """Let all go."""
        self.moved += count
        return count

    def uncount(self):
        """Forget them."""
        self.moved = 0


@pytest.mark.parametrize("hours", [-30, -0.2, 0.2, 1000])
@pytest.mark.parametrize("words", [True, False])
def test_a_wrong_clock_is_corrected_from_the_refusal(strict, hours, words):
    """Each kind of request is sent once more, and the next ones are right at once."""
    strict.ahead, strict.words, strict.dated = timedelta(hours=hours), words, not words
    body = MemoryBody(b"x" * 1000)
    body.pace = Pace()
    assert strict.service.upload_part("v", "upload", 0, body) == body.tree.hex()
    assert len(strict.dates) == 2
    assert body.pace.moved == 1000
    strict.service.describe_vault("v")
    assert strict.service.start_retrieval("v", "a", "Bulk", "token") == "job"
    assert len(strict.dates) == 4


def test_a_clock_that_is_set_in_between_is_corrected_back(strict):
    """The correction belongs to the clock that was wrong."""
    strict.ahead = timedelta(hours=1)
    strict.service.describe_vault("v")
    strict.ahead = timedelta()
    strict.service.start_retrieval("v", "a", "Bulk", "token")
    assert len(strict.dates) == 4


def test_without_a_date_the_clock_is_blamed_and_nothing_is_repeated(strict):
    """Nothing is known to correct it from."""
    strict.ahead, strict.words, strict.dated = timedelta(hours=1), False, False
    with pytest.raises(CredentialsError, match="clock") as caught:
        strict.service.describe_vault("v")
    assert caught.value.code == "RequestExpired"
    assert len(strict.dates) == 1


@pytest.fixture
def signed_long_ago(strict):
    """Let the first request look as if it had been signed six minutes before it arrives."""

    def age(request, **_):
        if not strict.dates:
            stamp = f"{datetime.now(UTC) - timedelta(minutes=6):{STAMP}}"
            request.context["timestamp"] = stamp
            request.headers.replace_header("X-Amz-Date", stamp)

    strict.service._once.meta.events.register_last("request-created.glacier", age)


def test_a_body_that_takes_too_long_is_not_blamed_on_the_clock(strict, signed_long_ago):
    """The clock agrees: the body was too large for the line, and is not sent a second time at once."""
    with pytest.raises(Unavailable, match=r"took 6 min.*5 minutes") as caught:
        strict.service.upload_part("v", "upload", 0, MemoryBody(b"x" * 1000))
    assert caught.value.code == TOO_SLOW
    assert len(strict.dates) == 1


def test_a_request_without_a_body_that_was_held_up_is_signed_again(strict, signed_long_ago):
    """The computer slept between the signature and the request."""
    assert strict.service.start_retrieval("v", "a", "Bulk", "token") == "job"
    assert len(strict.dates) == 2


def test_a_signature_with_a_corrected_date_is_valid(session, vault):
    """The emulator checks it with the secret key, and the day in it."""
    for minutes in (-4, 4):
        session.service.clock.shift = timedelta(minutes=minutes)
        assert session.service.describe_vault("photos")["VaultName"] == "photos"


def test_one_garbled_date_does_not_move_the_clock():
    """A flipped digit in a year would let every output expire; a second answer confirms a real change."""
    clock, now = ServiceClock(), datetime.now(UTC)
    clock.observe({"Date": format_datetime(now + timedelta(hours=1), usegmt=True)})
    hour = clock.now()
    assert timedelta(minutes=59) < hour - now < timedelta(minutes=61)
    for text in ("Mon, 01 Jan 2996 00:00:00 GMT", "Mon, 31 Feb 2026 99:00:00", "\udcff", ""):
        clock.observe({"Date": text})
    assert clock.now() - hour < timedelta(minutes=1)
    clock.observe({"Date": format_datetime(now + timedelta(hours=5), usegmt=True)})
    clock.observe({"Date": format_datetime(now + timedelta(hours=5), usegmt=True)})
    assert clock.now() - now > timedelta(hours=4)
