"""Sources are deleted only while S3 has them: counted by the requests that reach the emulator."""

import hashlib

import pytest

from glacier_magic.errors import InputError, OverBudget, Refused
from glacier_magic.transfer.deleting import Deleter
from tests.transfer.migrate.conftest import archives, bucket, objects, requests, s3, to

__all__ = ["archives", "bucket", "objects", "requests", "s3", "to"]

_ONE = hashlib.sha256(b"one").hexdigest()


@pytest.fixture
def moved(archives, vault, to, ready, session, later):
    """Move three archives; 91 days pass."""
    archives(a=10, b=20, c=30)
    ready(vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run())
    later(session, days=91)
    return vault


def test_what_s3_has_is_deleted(moved, requests, objects, client, session):
    """S3 is asked for each object; a second plan has nothing to delete."""
    plan = moved.delete_migrated()
    assert (len(plan.choice), plan.confirmation) == (3, "photos")
    done = plan.run(confirm="photos")
    assert (done.deleted, requests("DeleteArchive"), requests("s3:GetObjectAttributes")) == (3, 3, 3)
    assert len(objects()) == 3
    assert list(moved.migrations().table.source) == ["deleted"] * 3
    with pytest.raises(InputError, match="is proven in S3"):
        moved.delete_migrated()


def test_one_object_is_for_all_of_the_same_name_and_bytes(
    vault, files, to, ready, session, later, requests, objects
):
    """Its sources go together, by the equal hash; one of another name or other bytes stays."""
    for name, content in (("a", b"one"), ("a", b"one"), ("a", b"two"), ("b", b"one")):
        files(name, content)
        vault.upload(name, again=True)
    plan = vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard")
    chosen = {item.archive.archive_id: item for item in plan.items if item.archive.name == "a"}
    assert sum(item.action == "the same file as another" for item in chosen.values()) == 1
    some = [each for each, item in chosen.items() if item.archive.tree_hash == _ONE]
    ready(vault.migrate([some[0]], to=to, storage_class="STANDARD", tier="Standard").run())
    later(session, days=91)
    plan = vault.delete_migrated()
    assert "1 archive" in dict(plan.facts)["the same"]
    assert sorted(archive.archive_id for archive in plan.archives) == sorted(some)
    assert plan.run(confirm="photos").deleted == 2
    with pytest.raises(InputError, match="is proven in S3"):
        vault.delete_migrated()
    assert (requests("DeleteArchive"), len(objects())) == (2, 1)


def test_the_same_archives_stay_when_their_object_is_gone(
    vault, files, to, ready, session, later, requests, s3, bucket
):
    """None of them is deleted; one that comes later is deleted by the proof of the first."""
    files("a", b"one")
    vault.upload("a")
    ready(vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run())
    later(session, days=91)
    assert vault.delete_migrated().run(confirm="photos").deleted == 1
    vault.upload("a", again=True)
    later(session, days=91)
    plan = vault.delete_migrated()
    assert len(plan.choice) == 1
    s3.delete_object(Bucket=bucket, Key="in/a")
    with pytest.raises(Refused, match="not there any more"):
        plan.run(confirm="photos")
    assert requests("DeleteArchive") == 1


def test_what_has_vanished_or_changed_meanwhile_stays(moved, s3, bucket, requests, session):
    """Also when the deletion is resumed, which asks again."""
    plan = moved.delete_migrated()
    s3.delete_object(Bucket=bucket, Key="in/a")
    s3.put_object(Bucket=bucket, Key="in/b", Body=b"other")
    done = plan.run(confirm="photos")
    assert (done.deleted, done.failed, requests("DeleteArchive")) == (1, 2, 1)
    assert "is not there any more" in done.table.error[0]
    again = session.catalogue.deletions.get(done.number)
    assert session.resume_deletion(again).failed == 2
    assert requests("DeleteArchive") == 1
    with pytest.raises(InputError, match="only while S3 has them"):
        Deleter(session.engine, again)
    plan = moved.migrate("*", to=f"s3://{bucket}/in", storage_class="STANDARD")
    found = dict(zip(plan.table.name, plan.table.action, strict=True))
    assert found == {"a": "request", "b": "its key has another object"}


def test_nothing_below_the_second_level_is_deleted(archives, vault, to, ready, session, later, bucket, s3):
    """What is only sent, in conflict or not yet moved stays."""
    archives(a=10, b=20, c=30)
    batch = vault.migrate("a", "b", to=to, storage_class="STANDARD", tier="Standard").run()
    s3.put_object(Bucket=bucket, Key="in/b", Body=b"other")
    with pytest.raises(Refused):
        ready(batch)
    (moved, _), _ = session.catalogue.moved.of_vault("photos")
    session.catalogue.moved.update(moved, proof=1)
    later(session, days=91)
    with pytest.raises(InputError, match=r"No archive.*migrations.*shows"):
        vault.delete_migrated()


def test_young_archives_wait_or_cost_a_fee(archives, vault, to, ready, session, later, requests, region):
    """They are left out, unless the fee is within a limit."""
    archives(old=10)
    later(session, days=91)
    archives(young=10)
    ready(vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run())
    plan = vault.delete_migrated()
    assert [archive.name for archive in plan.archives] == ["old"]
    assert "1 archive" in dict(plan.facts)["left out"]
    assert len(vault.delete_migrated(max_fee=1).choice) == 2
    with pytest.raises((OverBudget, Refused)):
        vault.delete_migrated(max_fee=0).run(confirm="photos")
    assert requests("DeleteArchive") == 0


@pytest.mark.each_backend
def test_the_manifest(moved, tmp_path):
    """One row an archive, as a table and as a file; no file is overwritten."""
    import pandas as pd

    found = moved.migrations()
    assert list(found.table.state) == ["proven"] * 3
    for name, read in (("moved.csv", pd.read_csv), ("moved.parquet", pd.read_parquet)):
        frame = read(found.save(tmp_path / name))
        assert list(frame.columns) == list(found.table.columns)
        assert list(frame.key) == ["in/a", "in/b", "in/c"]
        with pytest.raises(OSError, match="cannot be written"):
            found.save(tmp_path / name)
    assert "3 moves" in repr(found)
    with pytest.raises(InputError):
        found.save(tmp_path / "moved.txt")
