"""Moves are proven again by S3's record and by their bytes: counted by the requests that arrive."""

import pytest

from glacier_magic.errors import InputError, IntegrityError
from tests.transfer.migrate.conftest import MIB, archives, bucket, objects, proofs, requests, s3, to

__all__ = ["archives", "bucket", "objects", "requests", "s3", "to"]

PART = 8 * MIB
SIZES = {"small": 10, "mib": MIB, "parts": 2 * PART + 1}

pytestmark = pytest.mark.limits(object_part=PART, first_pause=0.01, longest_pause=0.05)


@pytest.fixture
def move(vault, archives, to, ready):
    """Store archives, and move all to objects of a class; return the vault."""

    def move(storage_class="STANDARD", **sizes):
        archives(**sizes or SIZES)
        ready(vault.migrate("*", to=to, storage_class=storage_class, tier="Standard").run())
        return vault

    return move


def levels(session, bucket):
    """Return the level of proof of each move, by the last part of its key."""
    return {key.rpartition("/")[2]: proof for key, (_, proof) in proofs(session, bucket).items()}


def test_both_levels_of_chosen_moves(move, requests, session, bucket):
    """A request for each object; to read them, one for 64 MiB besides, and a list; nothing twice."""
    vault = move()
    requests.again()
    plan = vault.migrations("small").prove()
    assert (len(plan.items), plan.refusal) == (1, "")
    assert list(plan.table.columns) == ["name", "size", "archive_id", "proof", "action", "bucket", "key"]
    assert "small" in plan.card_html()
    assert requests("s3:GetObjectAttributes") == 0
    assert "1 stored" in repr(plan.run())
    plan.run()
    assert (requests("s3:GetObjectAttributes"), requests("s3:GetObject")) == (1, 0)
    plan = vault.migrations().prove(4, destination="internet")
    assert "transfer" in str([line.figure.item for line in plan.quote.lines])
    done = plan.run()
    assert set(done.table.proof) == {4}
    assert (requests("s3:GetObject"), requests("s3:GetObjectAttributes")) == (3, 1 + 3)
    assert levels(session, bucket) == dict.fromkeys(SIZES, 4)
    vault.migrations().prove(2).run()
    assert levels(session, bucket) == dict.fromkeys(SIZES, 4)
    assert "read back" in repr(vault.migrations())
    with pytest.raises(InputError, match="level 1"):
        vault.migrations().prove(1)


def test_damage_at_rest_is_found_by_reading_and_no_source_goes(
    move, emulator, session, bucket, requests, later, to
):
    """S3's record is as sent, so the second level holds; afterwards only reading makes it good again."""
    emulator.fault("corrupt-at-rest")
    move(damaged=PART + 1)
    vault = move(good=20)
    later(session, days=91)
    assert vault.migrations().prove(2).run().failed == []
    assert levels(session, bucket) == {"damaged": 2, "good": 2}
    done = vault.migrations().prove(4).run()
    assert [verdict.download.name for verdict in done.failed] == ["damaged"]
    assert isinstance(done.failure, IntegrityError)
    assert levels(session, bucket) == {"damaged": 0, "good": 4}
    vault.migrations().prove(2).run()
    assert levels(session, bucket) == {"damaged": 0, "good": 4}
    assert "another tree hash" in vault.migrations("damaged").table.error[0]
    plan = vault.delete_migrated()
    assert [archive.name for archive in plan.archives] == ["good"]
    found = vault.migrate("*", to=to, storage_class="STANDARD").table.set_index("name").action
    assert found["damaged"] == "its key has another object"
    assert requests("DeleteArchive") == 0


def test_damage_on_the_way_is_no_damage(move, emulator, session, bucket):
    """The object is read a second time."""
    vault = move(parts=PART + 1)
    emulator.fault("flip", "s3:GetObject")
    vault.migrations().prove(4).run()
    emulator.clear_faults()
    assert levels(session, bucket) == {"parts": 4}


def test_what_is_gone_or_replaced_is_proven_no_more(move, s3, bucket, session):
    """Its source is kept."""
    vault = move()
    s3.delete_object(Bucket=bucket, Key="in/small")
    s3.put_object(Bucket=bucket, Key="in/mib", Body=b"other")
    done = vault.migrations().prove().run()
    assert len(done.failed) == 2
    assert levels(session, bucket) == {"small": 0, "mib": 0, "parts": 2}
    assert "not there any more" in repr(done)
    assert "not there any more" in done._repr_mimebundle_()["text/html"]
    with pytest.raises(InputError):
        vault.migrations("nothing")


def test_objects_of_archive_classes_are_restored_first(move, requests, session, bucket, later, s3):
    """Once: neither the plan nor a second one asks again; when the copies are there, they are read."""
    vault = move("DEEP_ARCHIVE", a=10, b=20)
    requests.again()
    plan = vault.migrations().prove(4, destination="here")
    assert requests("s3:RestoreObject") == 0
    assert {"deep-archive-retrieval-bulk", "s3-standard-storage"} <= {
        line.figure.item for line in plan.quote.lines
    }
    assert "2 objects, Bulk" in dict(plan.facts)["restored first"]
    assert (plan.run().waiting, requests("s3:RestoreObject")) == (2, 2)
    again = vault.migrations().prove(4)
    assert again.empty
    assert again.run().waiting == 2
    later(session, hours=49)
    last = vault.migrations().prove(4)
    last.run()
    assert levels(session, bucket) == {"a": 4, "b": 4}
    assert (requests("s3:RestoreObject"), requests("s3:GetObject")) == (2, 2)
    with pytest.raises(InputError, match="Deep Archive"):
        move("DEEP_ARCHIVE", c=30).migrations().prove(4, tier="Expedited")


def test_sources_wait_for_the_proof_that_is_asked_for(move, session, later, requests, bucket):
    """Also when the deletion is resumed: the level is in its queue."""
    vault = move(a=10, b=20)
    later(session, days=91)
    with pytest.raises(InputError, match="read back"):
        vault.delete_migrated(proof=4)
    vault.migrations("a").prove(4).run()
    plan = vault.delete_migrated(proof=4)
    assert [archive.name for archive in plan.archives] == ["a"]
    moved = next(m for m, row in session.catalogue.moved.of_vault("photos") if row.name == "a")
    session.catalogue.moved.update(moved, proof=2)
    done = plan.run
    with pytest.raises(Exception, match="not proven"):
        done()
    assert requests("DeleteArchive") == 0
    session.catalogue.moved.update(moved, proof=4)
    assert session.resume_deletion(session.catalogue.deletions.unfinished()[0]).deleted == 1
    with pytest.raises(InputError, match="level 1"):
        vault.delete_migrated(proof=1)
