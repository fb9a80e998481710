"""S3 hashes what it stores: requested once, followed by any computer, compared with what was sent."""

import json
from importlib.util import find_spec

import pytest

from glacier_magic.errors import InputError, IntegrityError, Refused
from glacier_magic.transfer.migrate.at_rest import RestingProof, grouped
from tests.transfer.migrate.conftest import MIB, archives, bucket, objects, proofs, requests, s3, to

__all__ = ["archives", "bucket", "objects", "requests", "s3", "to"]

PART = 8 * MIB
ROLE = "arn:aws:iam::123456789012:role/hashing"

pytestmark = pytest.mark.limits(object_part=PART, first_pause=0.01, longest_pause=0.05)


@pytest.fixture
def move(vault, archives, to, ready):
    """Store archives, and move all to objects of a class; return the vault."""

    def move(storage_class="DEEP_ARCHIVE", **sizes):
        archives(**sizes)
        ready(vault.migrate("*", to=to, storage_class=storage_class, tier="Standard").run())
        return vault

    return move


def levels(session, bucket):
    """Return the level of proof of each move, by the last part of its key."""
    return {key.rpartition("/")[2]: proof for key, (_, proof) in proofs(session, bucket).items()}


def test_nothing_is_read_or_restored(move, emulator, requests, session, bucket, later, to):
    """A job for whole objects and one for those in parts; while they run, nothing is requested again."""
    vault = move(**{"small": 10, "parts": PART + 1, "some more % ä": 20})
    requests.again()
    plan = vault.migrations().prove(3)
    assert isinstance(plan.refused, InputError)
    assert list(plan.table.proof) == [2, 2, 2]
    assert "role" in plan.card_html()
    with pytest.raises(InputError, match="role"):
        plan.run()
    assert requests("s3:CreateJob") == 0
    plan = vault.migrations().prove(3, role=ROLE)
    assert ROLE.split(":")[4] not in f"{plan.facts} {plan.card_html()} {plan!r}"
    assert {"compute-checksum", "batch-objects", "batch-jobs"} <= {
        line.figure.item for line in plan.quote.lines
    }
    emulator.fault("reset-after", "s3:CreateJob")  # repeated with the same token
    assert (plan.run().waiting, requests("s3:CreateJob"), requests("s3:PutObject")) == (2, 3, 2)
    requests.again()
    again = vault.migrations().prove(3, role=ROLE)
    assert (again.empty, again.run().waiting, requests("s3:CreateJob")) == (True, 2, 0)
    later(session, hours=1.1)
    done = vault.migrations("small").prove(3).run()
    assert {verdict.download.name for verdict in done.verdicts} == {"small", "parts", "some more % ä"}
    assert levels(session, bucket) == {"small": 3, "parts": 3, "some more % ä": 3}
    assert "at rest" in repr(done)
    assert requests("s3:CreateJob") == 0
    assert requests("s3:RestoreObject") == 0
    assert vault.migrations().prove(3, role=ROLE).title.startswith("Let S3 hash 3 objects")
    assert "nothing to learn" in vault.recover_migrations(to).run()


@pytest.mark.skipif(find_spec("awscrt") is None, reason="the extra crt is not installed")
def test_the_checksum_of_the_move_is_computed(vault, archives, to, ready, session, bucket, later, requests):
    """CRC-64/NVME, or up to 1 MiB SHA-256: a job for each."""
    archives(small=10, parts=PART + 1)
    ready(vault.migrate("*", to=to, storage_class="GLACIER", checksum="crc64nvme").run())
    requests.again()
    assert (vault.migrations().prove(3, role=ROLE).run().waiting, requests("s3:CreateJob")) == (2, 2)
    later(session, hours=1.1)
    assert {each.error for each in vault.migrations().prove(3).run().verdicts} == {None}
    assert levels(session, bucket) == {"small": 3, "parts": 3}


def test_damage_at_rest_is_found_and_no_source_goes(move, emulator, requests, session, bucket, later, s3):
    """Of whole objects and of those in parts; one that is gone is no damage."""
    emulator.fault("corrupt-at-rest", times=2)
    move(damaged=10, parts=PART + 1)
    vault = move(good=20, gone=30)
    assert set(levels(session, bucket).values()) == {2}
    assert vault.migrations().prove(3, role=ROLE).run().waiting == 2
    s3.delete_object(Bucket=bucket, Key="in/gone")
    later(session, hours=1.1)
    done = vault.migrations().prove(3).run()
    errors = {verdict.download.name: type(verdict.error) for verdict in done.failed}
    assert errors == {"damaged": IntegrityError, "parts": IntegrityError, "gone": Refused}
    assert levels(session, bucket) == {"damaged": 0, "parts": 0, "good": 3, "gone": 2}
    later(session, days=91)
    plan = vault.delete_migrated(proof=3)
    assert [archive.name for archive in plan.archives] == ["good"]
    assert requests("DeleteArchive") == 0


def test_a_second_computer_follows_the_same_jobs(
    move, requests, connect, tmp_path, listed, later, to, bucket
):
    """It requests none, and its own moves are proven by the same report."""
    vault = move("STANDARD", a=10)
    vault.migrations().prove(3, role=ROLE).run()
    there = connect(catalogue=tmp_path / "there.sqlite").vault("photos")
    listed(there)
    there.recover_migrations(to).run()
    there.migrations().prove(2).run()
    requests.again()
    plan = there.migrations().prove(3, role=ROLE)
    assert plan.title.startswith("Read 1 report")
    plan.run()
    assert requests("s3:CreateJob") == 0
    assert levels(there.session, bucket) == {"a": 3}
    assert levels(vault.session, bucket) == {"a": 2}


def test_two_computers_that_request_at_once_get_one_job(
    move, connect, tmp_path, listed, later, to, bucket, requests, region
):
    """In any order of their moves; later, or of a part of the objects, it is another one."""
    vault = move("STANDARD", a=10, b=20)
    there = connect(catalogue=tmp_path / "there.sqlite").vault("photos")
    listed(there)
    there.recover_migrations(to).run()
    there.migrations().prove(2).run()
    computers = [RestingProof(each.session.engine, "photos") for each in (vault, there)]
    ((group, found),) = grouped(vault.session.catalogue.moved.of_vault("photos")).items()
    for _ in range(2):
        assert [proof.open_jobs([region]) for proof in computers] == [[], []]
        requests.again()
        jobs = {computers[0].request(group, found, ROLE), computers[1].request(group, found[::-1], ROLE)}
        assert (len(jobs), requests("s3:CreateJob")) == (1, 2)
        assert {job.id for proof in computers for job in proof.open_jobs([region])} == jobs
        later(vault.session, hours=1.1)
        for each in (vault, there):
            each.migrations().prove(3).run()
            assert levels(each.session, bucket) == {"a": 3, "b": 3}
    assert [proof.open_jobs([region]) for proof in computers] == [[], []]
    assert computers[0].request(group, found, ROLE) != computers[1].request(group, found[:1], ROLE)


def test_a_report_that_cannot_be_read_is_waited_for_a_day(move, later, session, s3, bucket, requests):
    """Then its job is forgotten, and another one can be requested; so it is after a failed one."""
    vault = move("STANDARD", a=10)
    vault.migrations().prove(3, role=ROLE).run()
    manifest = next(
        each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"] if each["Key"].endswith(".csv")
    )
    s3.put_object(Bucket=bucket, Key=manifest, Body=b"other")
    later(session, hours=1.1)
    with pytest.raises(Refused, match="manifest"):
        vault.migrations().prove(3).run()
    vault.migrations().prove(3, role=ROLE).run()
    later(session, hours=1.1)
    assert not vault.migrations().prove(3).empty
    report = next(
        each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"] if each["Key"].endswith(".json")
    )
    for body in (b"[", b"[]", json.dumps({"Results": 3}).encode()):
        s3.put_object(Bucket=bucket, Key=report, Body=body)
        with pytest.raises(IntegrityError, match="report"):
            vault.migrations().prove(3).run()
    later(session, days=2)
    s3.delete_object(Bucket=bucket, Key=report)
    with pytest.raises(Refused):
        vault.migrations().prove(3).run()
    assert len(vault.migrations().prove(3, role=ROLE).items) == 1
    with pytest.raises(InputError, match="no role"):
        vault.migrations().prove(3, role="hashing")
    assert levels(session, bucket) == {"a": 2}
