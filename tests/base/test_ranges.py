"""Ranges of bytes: how they are written, and that what is retrieved for them is the least."""

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base import ranges
from glacier_magic.base.ranges import Asked, ByteRange, cover, megabyte_cover, node_over, pieces
from glacier_magic.base.treehash import is_megabyte_aligned, is_tree_hash_aligned, tree_hash
from glacier_magic.errors import InputError

MIB = 1 << 20


@st.composite
def asked(draw):
    """A size, and a range within it, often near a border of a MiB."""

    def position(most):
        near = draw(st.integers(0, most // MIB)) * MIB + draw(st.integers(-2, 2))
        return min(most, max(0, draw(st.sampled_from([near, draw(st.integers(0, most))]))))

    size = position(70 * MIB) + 1
    first, last = sorted((position(size - 1), position(size - 1)))
    return ByteRange(first, last), size


def nodes(size):
    """Every range of which the service tells a tree hash, by its rule."""
    count = -(-size // MIB)
    for first in range(count):
        for behind in range(first + 1, count + 1):
            found = ByteRange(first * MIB, min(behind * MIB, size) - 1)
            if is_tree_hash_aligned(found.first, found.last, size):
                yield found


@given(asked())
def test_the_megabyte_cover_is_allowed_and_has_no_whole_mib_too_many(given):
    """Less than a MiB on either side."""
    part, size = given
    found = megabyte_cover(part, size)
    assert is_megabyte_aligned(found.first, found.last, size)
    assert found.holds(part)
    assert part.first - found.first < MIB
    assert found.last - part.last < MIB


@given(asked())
def test_the_node_is_the_smallest_that_has_a_hash(given):
    """Held against all there are."""
    part, size = given
    assert node_over(part, size) == min(
        (node for node in nodes(size) if node.holds(part)), key=lambda node: node.size
    )


@given(asked())
def test_a_cover_has_what_was_asked_for_and_is_allowed(given):
    """It has a hash unless that cost more than a little."""
    part, size = given
    found, least = cover(part, size), megabyte_cover(part, size)
    assert is_megabyte_aligned(found.first, found.last, size)
    assert found.holds(part)
    if not is_tree_hash_aligned(found.first, found.last, size):
        assert found == least
        extra = node_over(part, size).size - least.size
        assert extra > max(ranges.EXTRA, least.size // ranges.EXTRA_SHARE)


@given(asked(), st.sampled_from([MIB, 4 * MIB, 16 * MIB]))
def test_pieces_are_nodes_side_by_side_that_make_up_the_megabyte_cover(given, largest):
    """So that each is verified by itself, of whichever output it is a part."""
    part, size = given
    found = pieces(part, size, largest)
    assert all(is_tree_hash_aligned(piece.first, piece.last, size) for piece in found)
    assert all(piece.size <= largest for piece in found)
    assert [found[0].first, *(piece.last + 1 for piece in found)] == [
        *(piece.first for piece in found),
        megabyte_cover(part, size).last + 1,
    ]
    assert found[0].first == megabyte_cover(part, size).first


def test_the_service_accepts_every_cover_and_sends_the_hashes_that_are_expected(client, emulator, put):
    """Of an output that is no node of the tree it sends none, not even for a node within it."""
    client.create_vault(vaultName="photos")
    size = 10 * MIB + 5
    archive = put("x", os.urandom(size))
    chunks = [ByteRange(n * MIB, min((n + 1) * MIB, size) - 1) for n in range(11)]
    jobs = {}
    for first, last in itertools.combinations_with_replacement(chunks, 2):
        retrieved = ByteRange(first.first, last.last)
        parameters = {"Type": "archive-retrieval", "ArchiveId": archive, "RetrievalByteRange": str(retrieved)}
        jobs[retrieved] = client.initiate_job(vaultName="photos", jobParameters=parameters)["jobId"]
    emulator.advance(hours=4.1)
    for retrieved, job in jobs.items():
        for piece in pieces(retrieved, size, 4 * MIB):
            within = f"bytes={piece.first - retrieved.first}-{piece.last - retrieved.first}"
            answer = client.get_job_output(vaultName="photos", jobId=job, range=within)
            data, told = answer["body"].read(), answer.get("checksum")
            assert told == (tree_hash(data) if ranges.is_verifiable(retrieved, size) else None)
        grown = cover(retrieved, size)
        assert grown in jobs
        assert ranges.is_verifiable(grown, size)
        assert grown.size == min(each.size for each in nodes(size) if each.holds(retrieved))


def test_a_small_part_of_a_huge_archive_does_not_grow_to_a_node_of_gigabytes():
    """Across the middle of 32 GiB only the whole is a node."""
    size, middle = 32 << 30, 16 << 30
    part = ByteRange(middle - 1, middle)
    assert cover(part, size) == ByteRange(middle - MIB, middle + MIB - 1)
    assert not ranges.is_verifiable(cover(part, size), size)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("0-1048575", 0, MIB - 1),
        ("5-5", 5, 5),
        ("10MiB-20MiB", 10 * MIB, 20 * MIB - 1),
        (" 1.5MiB - 2MB ", MIB + MIB // 2, 1_999_999),
        ("1MiB-", MIB, 30 * MIB - 1),
        ("0-", 0, 30 * MIB - 1),
        ("-1MB", 30 * MIB - 1_000_000, 30 * MIB - 1),
        ("-10", 30 * MIB - 10, 30 * MIB - 1),
        ("-1GB", 0, 30 * MIB - 1),
    ],
)
def test_a_range_is_read_as_documented(text, first, last):
    """Plain numbers are positions, both included; numbers with units are borders."""
    assert Asked.parse(text).within("x", 30 * MIB) == ByteRange(first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "1-2-3",
        "a-b",
        "2-1",
        "1MiB-1MiB",
        "-0",
        "-1-2",
        "1e3-2e3",
        "0x1-0x2",
        "\u0661-\u0662",
        "9" * 5000 + "-",
        "9" * 400 + "MB-",
    ],
)
def test_what_is_no_range_is_an_error_with_a_cure(text):
    """Empty, backwards, negative, or something else."""
    with pytest.raises(InputError) as caught:
        Asked.parse(text)
    assert caught.value.cure


@pytest.mark.parametrize("given", [(-1, 5), (5, 4), (-5, -1)])
def test_two_numbers_must_be_a_range(given):
    """In Python too."""
    with pytest.raises(InputError):
        Asked.of(given)


@pytest.mark.parametrize("text", ["100-100", "0-100", "99-200", "200-"])
def test_a_range_beyond_the_end_is_an_error_that_tells_the_size(text):
    """Nothing is cut off silently."""
    with pytest.raises(InputError, match="100 bytes"):
        Asked.parse(text).within("x", 100)


@pytest.mark.parametrize("size", [None, 0])
def test_no_part_of_an_archive_of_unknown_size(size):
    """Its last MiB could not be named."""
    with pytest.raises(InputError, match="size"):
        Asked.head(1).within("x", size)


def test_heads_and_tails_of_small_archives_are_all_of_them():
    """As in head and tail."""
    assert Asked.head(1000).within("x", 10) == Asked.tail(1000).within("x", 10) == ByteRange(0, 9)
    with pytest.raises(InputError):
        Asked.head(0)
