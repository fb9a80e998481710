"""Restores: tiers on the virtual clock, copies that end at midnight, and what is refused meanwhile."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

MINUTE, HOUR = 60, 3600
TIMES = {
    ("GLACIER", "Expedited"): 3 * MINUTE,
    ("GLACIER", "Standard"): 4 * HOUR,
    ("GLACIER", "Bulk"): 8 * HOUR,
    ("DEEP_ARCHIVE", "Standard"): 11 * HOUR,
    ("DEEP_ARCHIVE", "Bulk"): 40 * HOUR,
}


@pytest.fixture
def archived(s3, bucket):
    """Store an object; return its name."""

    def archived(storage_class, key="key"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"cold", StorageClass=storage_class)
        return {"Bucket": bucket, "Key": key}

    return archived


@pytest.fixture
def restore(s3):
    """Ask for a restore; return the status."""

    def restore(named, days=1, tier="Standard"):
        asked = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        answer = s3.restore_object(**named, RestoreRequest=asked)
        return answer["ResponseMetadata"]["HTTPStatusCode"]

    return restore


@pytest.fixture
def time(emulator):
    """Return the virtual time."""
    return lambda: datetime.fromisoformat(emulator.status()["time"])


@pytest.mark.parametrize(("storage_class", "tier"), TIMES)
def test_a_restore_takes_the_time_of_its_tier(
    s3, emulator, archived, restore, refused, time, storage_class, tier
):
    """Before it is over the object is refused; then it can be read until a midnight, and no longer."""
    named = archived(storage_class)
    answer = refused(s3.get_object, **named)
    assert answer == ("InvalidObjectState", 403, "The operation is not valid for the object's storage class")
    assert restore(named, days=2, tier=tier) == 202
    emulator.advance(TIMES[storage_class, tier] - 1)
    assert s3.head_object(**named)["Restore"] == 'ongoing-request="true"'
    assert refused(s3.get_object, **named)[:2] == ("InvalidObjectState", 403)
    assert refused(restore, named=named, tier=tier)[:2] == ("RestoreAlreadyInProgress", 409)
    emulator.advance(1)
    assert s3.get_object(**named)["Body"].read() == b"cold"
    head = s3.head_object(**named)
    assert head["StorageClass"] == storage_class
    kept = head["Restore"]
    assert kept.startswith('ongoing-request="false", expiry-date="')
    assert kept.endswith(' 00:00:00 GMT"')
    until = parsedate_to_datetime(kept.split('"')[3])
    assert timedelta(days=2) <= until - time() <= timedelta(days=3)
    emulator.advance((until - time()).total_seconds())
    assert "Restore" not in s3.head_object(**named)
    assert refused(s3.get_object, **named)[:2] == ("InvalidObjectState", 403)


def test_the_end_of_a_copy_can_be_moved(s3, emulator, archived, restore, time):
    """A repeated request for an available copy returns 200, and its days count from now."""
    named = archived("GLACIER")
    restore(named, tier="Expedited")
    emulator.advance(3 * MINUTE)
    first = s3.head_object(**named)["Restore"]
    assert restore(named, days=30) == 200
    assert s3.head_object(**named)["Restore"] != first
    emulator.advance(days=29)
    assert s3.get_object(**named)["Body"].read() == b"cold"


def test_a_restore_can_be_sped_up_but_not_slowed(s3, emulator, archived, restore, refused):
    """A faster tier takes over; a slower one or the same is refused."""
    named = archived("GLACIER")
    restore(named, tier="Bulk")
    emulator.advance(HOUR)
    assert restore(named, tier="Expedited") == 202
    assert refused(restore, named=named, tier="Standard")[:2] == ("RestoreAlreadyInProgress", 409)
    emulator.advance(3 * MINUTE)
    assert s3.get_object(**named)["Body"].read() == b"cold"


@pytest.mark.parametrize("storage_class", ["STANDARD", "STANDARD_IA", "GLACIER_IR"])
def test_other_classes_are_read_at_once_and_not_restored(s3, archived, restore, refused, storage_class):
    named = archived(storage_class)
    assert s3.get_object(**named)["Body"].read() == b"cold"
    text = "Restore is not allowed for the object's current storage class"
    assert refused(restore, named=named) == ("InvalidObjectState", 403, text)


def test_intelligent_tiering_is_active_already(archived, restore, refused):
    named = archived("INTELLIGENT_TIERING")
    assert refused(restore, named=named)[:2] == ("ObjectAlreadyInActiveTierError", 403)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, "MalformedXML"),
        ({"Days": 0}, "InvalidArgument"),
        ({"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}}, "InvalidArgument"),
        ({"Days": 1, "GlacierJobParameters": {"Tier": "Express"}}, "MalformedXML"),
    ],
)
def test_a_restore_that_makes_no_sense_is_refused(s3, archived, refused, request_, code):
    """No days, or a tier that the class does not have; nothing is restored then."""
    named = archived("DEEP_ARCHIVE")
    assert refused(s3.restore_object, **named, RestoreRequest=request_)[:2] == (code, 400)
    assert "Restore" not in s3.head_object(**named)


def test_what_is_archived_is_not_copied(s3, emulator, archived, restore, refused, upload):
    """Neither whole nor as a part; but it can be looked at, listed and deleted."""
    named = archived("DEEP_ARCHIVE", "cold")
    copied = {"Bucket": named["Bucket"], "CopySource": named}
    assert refused(s3.copy_object, **copied, Key="copy")[:2] == ("ObjectNotInActiveTierError", 403)
    part = upload() | {"PartNumber": 1, "CopySource": named}
    assert refused(s3.upload_part_copy, **part)[1] == 403
    assert s3.get_object_attributes(**named, ObjectAttributes=["ObjectSize"])["ObjectSize"] == 4
    restore(named)
    emulator.advance(11 * HOUR)
    s3.copy_object(**copied, Key="copy")
    assert s3.get_object(Bucket=named["Bucket"], Key="copy")["Body"].read() == b"cold"
    s3.upload_part_copy(**part)
    s3.delete_object(**named)
    assert s3.list_objects_v2(Bucket=named["Bucket"])["KeyCount"] == 1


def test_lists_say_what_is_restored(s3, emulator, archived, restore, time):
    """On request; a thousand objects a request instead of one."""
    named = archived("GLACIER", "a")
    restore(named, tier="Expedited")
    emulator.advance(3 * MINUTE)
    restore(archived("GLACIER", "b"), tier="Bulk")
    archived("GLACIER", "c")
    asked = {"Bucket": named["Bucket"], "OptionalObjectAttributes": ["RestoreStatus"]}
    listed = [each.get("RestoreStatus") for each in s3.list_objects_v2(**asked)["Contents"]]
    assert [each and each["IsRestoreInProgress"] for each in listed] == [False, True, None]
    assert listed[0]["RestoreExpiryDate"] > time()
    assert "RestoreStatus" not in s3.list_objects_v2(Bucket=named["Bucket"])["Contents"][0]


def test_expedited_capacity_and_copies_that_end_early(s3, emulator, archived, restore, refused):
    """Two faults of restores."""
    named = archived("GLACIER")
    emulator.fault("insufficient-capacity", "RestoreObject")
    answer = refused(restore, named=named, tier="Expedited")
    assert answer[:2] == ("GlacierExpeditedRetrievalNotAvailable", 503)
    emulator.fault("expired-copy", after=60)
    restore(named, days=5, tier="Expedited")
    emulator.advance(3 * MINUTE)
    assert s3.get_object(**named)["Body"].read() == b"cold"
    emulator.advance(60)
    assert refused(s3.get_object, **named)[:2] == ("InvalidObjectState", 403)
