"""Ranges of sealed files: against the public vectors, and against pyrage, which seals whole ones."""

import hashlib
import io
import os
import random
import re
import tarfile
import zlib
from functools import cache
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.errors import IntegrityError, WrongKey
from glacier_magic.packs.encryption import Identity, SealedFile
from glacier_magic.packs.encryption.age_format import CHUNK, HEAD, MOST_STANZAS, TAG
from tests.packs.encryption.passphrases import sealed_by

SEALED_CHUNK = CHUNK + TAG
DAMAGES = int(os.environ.get("GLACIER_MAGIC_DAMAGES", "1000"))
"""Flips and cuts of sealed files."""


def vectors():
    """Return the public vectors, by name."""
    with tarfile.open(Path(__file__).parent / "vectors/age.tar.xz") as packed:
        return {member.name: packed.extractfile(member).read() for member in packed}


VECTORS = vectors()
OUTCOMES = {"success": None, "no match": WrongKey}  # all others are damages


def whole(sealed, *identities, **options):
    """Return all of a sealed file, read chunk by chunk."""
    file = SealedFile(lambda start, end: sealed[start:end], len(sealed), identities, **options)
    return b"".join(file.read(at, at + CHUNK) for at in range(0, max(1, file.size), CHUNK))


@pytest.mark.parametrize("name", VECTORS)
def test_the_public_vectors_have_their_outcome(name):
    """Each tests one mistake, or one thing that is allowed."""
    head, _, sealed = VECTORS[name].partition(b"\n\n")
    lines = [line.split(": ", 1) for line in head.decode().splitlines()]
    given = dict(lines)
    if given.get("compressed") == "zlib":
        sealed = zlib.decompress(sealed)
    identities = [Identity(value) for key, value in lines if key == "identity"]
    expected = OUTCOMES.get(given["expect"], IntegrityError)
    if expected is None:
        content = whole(sealed, *identities, passphrase=given.get("passphrase", ""))
        assert hashlib.sha256(content).hexdigest() == given["payload"]
    else:
        with pytest.raises(expected):
            whole(sealed, *identities, passphrase=given.get("passphrase", ""))


def test_all_vectors_that_concern_it_are_there():
    """An archive that is cut would have fewer."""
    assert len(VECTORS) == 92


@cache
def key():
    return Identity.new()


def sealed_by_pyrage(content, *identities):
    target = io.BytesIO()
    recipients = [pyrage.x25519.Recipient.from_str(each.recipient) for each in identities or (key(),)]
    pyrage.encrypt_io(io.BytesIO(content), target, recipients)
    return target.getvalue()


def pattern(size):
    """Return bytes without a repetition at the length of a chunk."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


edges = st.builds(
    lambda chunks, more: max(0, chunks * CHUNK + more), st.integers(0, 3), st.integers(-17, 17)
) | st.integers(0, 3 * CHUNK)


@given(edges, edges, edges)
def test_each_range_of_what_pyrage_seals(size, one, other):
    """Only the chunks of the range are fetched, in one piece."""
    content, fetched = pattern(size), []
    sealed = sealed_by_pyrage(content)

    def fetch(start, end):
        fetched.append((start, end))
        return sealed[start:end]

    file = SealedFile(fetch, len(sealed), [key()])
    assert file.size == size
    assert fetched == [(0, min(HEAD, len(sealed)))]
    start, end = sorted((one, other))
    assert file.read(start, end) == content[start:end]
    assert fetched[1:] == [file.span(start, end)]
    wanted = max(1, -(-min(end, size) // CHUNK) - min(start, size) // CHUNK)
    assert fetched[1][1] - fetched[1][0] <= wanted * SEALED_CHUNK


def test_no_flip_and_no_cut_goes_unseen():
    """At random places of files that end at an edge of a chunk, or beside it."""
    chosen = random.Random(18)
    files = [sealed_by_pyrage(pattern(size)) for size in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 99)]
    for number in range(DAMAGES):
        whole_file = files[number % len(files)]
        # Half of them in the header and the first tag, of which a file has only 200 bytes.
        where = chosen.randrange((len(whole_file), 300)[number // len(files) % 2]) % len(whole_file)
        end = whole_file[where + 1 :] if number % 3 else b""
        damaged = whole_file[:where] + bytes([whole_file[where] ^ 1 << chosen.randrange(8)])[: len(end)] + end
        assert damaged != whole_file
        with pytest.raises((IntegrityError, WrongKey)):
            whole(damaged, key())


def test_chunks_that_change_places_are_seen():
    """Each is authentic, but not there."""
    sealed = sealed_by_pyrage(pattern(3 * CHUNK))
    start = len(sealed) - 3 * SEALED_CHUNK
    parts = [sealed[at : at + SEALED_CHUNK] for at in range(start, len(sealed), SEALED_CHUNK)]
    with pytest.raises(IntegrityError, match="changed or cut"):
        whole(sealed[:start] + parts[1] + parts[0] + parts[2], key())
    with pytest.raises(IntegrityError, match="changed or cut"):
        whole(sealed[:-SEALED_CHUNK], key())


def test_each_of_several_recipients_opens_it_and_no_other():
    """A machine's key, and one that lies on paper."""
    first, second, stranger = Identity.new(), Identity.new(), Identity.new()
    sealed = sealed_by_pyrage(b"content", first, second)
    assert whole(sealed, second) == whole(sealed, first) == whole(sealed, stranger, second) == b"content"
    with pytest.raises(WrongKey, match="None of the given keys") as caught:
        whole(sealed, stranger)
    assert caught.value.exit_code == 11
    with pytest.raises(WrongKey):
        whole(sealed)


def test_a_passphrase():
    """As pyrage reads it, too."""
    sealed = sealed_by("correct horse", b"content")
    assert pyrage.passphrase.decrypt(sealed, "correct horse") == b"content"
    assert whole(sealed, key(), passphrase="correct horse") == b"content"
    for wrong in ("battery", ""):
        with pytest.raises(WrongKey, match="passphrase"):
            whole(sealed, passphrase=wrong)


def test_a_recorded_head_saves_a_fetch():
    """The catalogue has it, so that a key can be tried before anything is paid for."""
    sealed = sealed_by_pyrage(pattern(2 * CHUNK))
    head = SealedFile(lambda start, end: sealed[start:end], len(sealed), [key()]).head
    file = SealedFile(lambda start, end: sealed[start:end] if start else b"", len(sealed), [key()], head=head)
    assert file.read(CHUNK, 2 * CHUNK) == pattern(2 * CHUNK)[CHUNK:]
    with pytest.raises(WrongKey):
        SealedFile(lambda *_: pytest.fail("fetched"), len(sealed), [Identity.new()], head=head)


def test_the_number_of_stanzas_is_limited():
    """Each would cost a key agreement."""
    sealed = sealed_by_pyrage(b"content")
    first, stanza, rest = re.match(rb"(.*?\n)(-> X25519 .*?\n.*?\n)(.*)", sealed, re.S).groups()
    with pytest.raises(IntegrityError, match="header was changed"):  # it was read
        whole(first + stanza * (MOST_STANZAS - 20) + rest, key())
    for count in (MOST_STANZAS + 1, 5_000):
        with pytest.raises(IntegrityError, match="header is damaged"):
            whole(first + stanza * count + rest, key())


def test_what_is_no_sealed_file_is_refused():
    """With words that say so."""
    for sealed in (b"", b"hello", b"PK\3\4" + bytes(5000)):
        with pytest.raises(IntegrityError, match="does not begin as one"):
            whole(sealed, key())
