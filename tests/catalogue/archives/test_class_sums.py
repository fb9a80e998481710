"""The objects of a bucket by storage class, in both databases, compared with Python."""

from contextlib import closing

from glacier_magic.catalogue import ArchiveRecord, Catalogue, Scope
from glacier_magic.catalogue.archives.class_sums import HOUR, ClassSum, class_sums

HERE = Scope("111111111111", "eu-west-1")
BUCKET = "s3://archive-2026"
DAY = 24 * HOUR
NOW = 1000 * DAY
HOURS = {"GLACIER": 90 * 24, "DEEP_ARCHIVE": 180 * 24}
OBJECTS = [
    ("GLACIER", 0, NOW),
    ("GLACIER", 10, NOW - 90 * DAY),
    ("GLACIER", 48 << 40, NOW - 89 * DAY - 1),
    ("DEEP_ARCHIVE", 200, NOW - 60 * DAY),
    *[("DEEP_ARCHIVE", 48 << 40, NOW)] * 100,  # byte-hours of more than 64 bits
    ("STANDARD", 5, NOW),
]


def test_the_sums_are_those_of_python(place):
    """Also of an object whose key is the name of its class, and of a list that is empty."""
    with closing(Catalogue(place, HERE)) as catalogue:
        for number, (storage_class, size, created) in enumerate(OBJECTS):
            archive = ArchiveRecord(
                vault=BUCKET,
                archive_id=f"{storage_class}:{number}:key",
                name=storage_class if number % 2 else f"{number}",
                description=storage_class,
                format=storage_class,
                mtime=None,
                size=size,
                created=created,
                tree_hash=None,
                state="uploaded",
                seen=None,
            )
            catalogue.archives.record(archive, now=NOW)
        database = catalogue.database
        found = class_sums(database, HERE, BUCKET, smallest=128, overhead=32, hours=HOURS, now=NOW)
        empty = class_sums(database, HERE, "s3://other", smallest=128, overhead=32, hours=HOURS, now=NOW)
    expected = []
    for kind in sorted({storage_class for storage_class, _, _ in OBJECTS}):
        mine = [(size, created) for storage_class, size, created in OBJECTS if storage_class == kind]
        left = [(size, HOURS.get(kind, 0) - (NOW - created) // HOUR) for size, created in mine]
        young = [(size, hours) for size, hours in left if hours > 0]
        expected.append(
            ClassSum(
                kind,
                len(mine),
                sum(size for size, _ in mine),
                sum(max(size, 128) for size, _ in mine),
                sum((size + 32) * hours for size, hours in young),
                len(young),
            )
        )
    assert empty == []
    for one, other in zip(found, expected, strict=True):
        assert abs(one.early - other.early) <= other.early / 10**12
        assert {**vars(one), "early": 0} == {**vars(other), "early": 0}
