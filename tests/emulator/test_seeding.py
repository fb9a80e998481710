"""Generated content and vaults full of it."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic import emulator as process
from glacier_magic.base.treehash import TreeHasher, tree_hash
from glacier_magic.emulator.generated import Recipe
from glacier_magic.emulator.testing import running

MIB = 1 << 20


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 15), st.integers(1, 36 * MIB))
def test_the_tree_hash_of_generated_content_is_that_of_its_bytes(phase, size):
    """Worked out from subtrees that repeat, never from all the bytes."""
    recipe, hasher = Recipe(phase), TreeHasher()
    for piece in recipe.chunks(0, size):
        hasher.update(piece)
    assert recipe.tree_hash(size) == hasher.hexdigest()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 15), st.integers(0, 20 * MIB), st.integers(0, 3 * MIB))
def test_any_range_of_generated_content_is_the_same_bytes(phase, start, count):
    """Wherever one starts to read."""
    found = b"".join(Recipe(phase).chunks(start, count))
    whole = b"".join(Recipe(phase).chunks(0, start + count))
    assert found == whole[start:]


def test_neighbouring_mebibytes_differ():
    """A client that mixes up its parts is found out."""
    blocks = {hashlib.sha256(piece).digest() for piece in Recipe(0).chunks(0, 16 * MIB)}
    assert len(blocks) == 16


def test_a_seeded_vault_has_its_inventory_at_once(client, emulator, retrieve):
    """Typical descriptions, all of them allowed, oldest first."""
    seeded = process.seed(emulator.folder, "seeded", 2000)
    assert len(seeded["archive_ids"]) == 1000
    described = client.describe_vault(vaultName="seeded")
    assert described["NumberOfArchives"] == 2000
    job = retrieve("seeded", Type="inventory-retrieval")
    output = client.get_job_output(vaultName="seeded", jobId=job)
    archives = json.loads(output["body"].read())["ArchiveList"]
    assert [item["ArchiveId"] for item in archives[:1000]] == seeded["archive_ids"]
    assert sum(item["Size"] + 32768 for item in archives) == described["SizeInBytes"]
    descriptions = [item["ArchiveDescription"] for item in archives]
    assert all(len(text) <= 1024 and text.isascii() for text in descriptions)
    starts = ("mt2 ", "<m><v>4</v>", "<m><v>2</v>", '{"Path":', '{"path":', "SHA256E-s", "Photos/")
    assert all(any(text.startswith(start) for text in descriptions) for start in starts)
    dates = [item["CreationDate"] for item in archives]
    assert dates == sorted(dates)
    assert dates[-1] < described["LastInventoryDate"]


def test_seeding_an_existing_vault_adds_to_what_is_there(client, emulator, vault):
    """Archives that wait for an inventory go on waiting."""
    client.upload_archive(vaultName=vault, body=b"x")
    process.seed(emulator.folder, vault, 10)
    assert client.describe_vault(vaultName=vault)["NumberOfArchives"] == 10
    emulator.advance(days=1)
    assert client.describe_vault(vaultName=vault)["NumberOfArchives"] == 11


def test_an_archive_of_terabytes_takes_no_disk(client, emulator, retrieve):
    """Any range of it comes back, with its tree hash."""
    size = 3 << 40
    (archive,) = process.seed(emulator.folder, "huge", 1, size=size)["archive_ids"]
    job = retrieve("huge", ArchiveId=archive)
    assert client.describe_job(vaultName="huge", jobId=job)["ArchiveSizeInBytes"] == size
    start = (1 << 40) + 4 * MIB
    output = client.get_job_output(vaultName="huge", jobId=job, range=f"bytes={start}-{start + 4 * MIB - 1}")
    assert output["checksum"] == tree_hash(output["body"].read())


@pytest.mark.parametrize("asked", [("a b", 1), ("v", 0)])
def test_seeding_what_cannot_be_is_an_error(emulator, asked):
    """One sentence."""
    with pytest.raises(process.EmulatorError):
        process.seed(emulator.folder, *asked)


def test_discard_keeps_hashes_and_no_bytes(tmp_path):
    """A retrieval then fails, and says why."""
    with running(tmp_path / "data", extra=["--discard"]) as emulator:
        client = emulator.client()
        client.create_vault(vaultName="v")
        stored = client.upload_archive(vaultName="v", body=b"x" * MIB)
        assert stored["checksum"] == tree_hash(b"x" * MIB)
        parameters = {"Type": "archive-retrieval", "ArchiveId": stored["archiveId"]}
        job = client.initiate_job(vaultName="v", jobParameters=parameters)["jobId"]
        emulator.advance(hours=4)
        found = client.describe_job(vaultName="v", jobId=job)
        assert found["StatusCode"] == "Failed"
        assert "--discard" in found["StatusMessage"]
        assert not list((tmp_path / "data" / "archives").rglob("*"))


def test_trust_checks_no_hash_and_says_so_loudly(tmp_path):
    """For measuring clients only."""
    with running(tmp_path / "data", extra=["--trust"]) as emulator:
        client = emulator.client()
        client.create_vault(vaultName="v")
        stored = client.upload_archive(vaultName="v", body=b"x", checksum="1" * 64)
        assert stored["checksum"] == "1" * 64
    assert "WARNING: --trust" in (tmp_path / "data" / "emulator.log").read_text()
