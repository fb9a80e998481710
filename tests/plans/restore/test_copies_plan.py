"""Restores of objects that are changed: by a faster tier, and with copies that are kept longer."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from html import escape

import pytest

from glacier_magic.errors import InputError, NotReady, OverBudget, Refused, Unavailable
from tests.counting import counting

CLASSES = {"2019/a.tif": "DEEP_ARCHIVE", "2019/b.tif": "GLACIER", "now.txt": "STANDARD"}
MIB = 1 << 20


@pytest.fixture
def scans(s3, bucket, listed_bucket):
    """A folder with an object of each class, of 1 MiB."""
    for name, storage_class in CLASSES.items():
        s3.put_object(Bucket=bucket, Key=f"scans/{name}", Body=b"x" * MIB, StorageClass=storage_class)
    return listed_bucket()


@pytest.fixture
def back(tmp_path):
    return tmp_path / "back"


@pytest.fixture
def restores(emulator):
    """The number of requests for restores that came since."""
    with counting(emulator, "s3:RestoreObject") as count:
        yield count


@pytest.fixture
def copy_of(s3, bucket):
    """The header of the restore of an object."""
    return lambda name: s3.head_object(Bucket=bucket, Key=f"scans/{name}").get("Restore", "")


def end_of(header):
    return parsedate_to_datetime(header.partition('expiry-date="')[2].rstrip('"'))


def left_out(plan):
    return [words for label, words in plan.facts if label == "left out"]


def test_a_restore_that_runs_is_speeded_up_once(scans, restores, copy_of, later, back):
    """Its days stay; it is charged as the faster tier; it comes then, and nothing is asked twice."""
    batch = scans.restore("2019", tier="Bulk", to=back, days=9).run()
    assert restores() == 2
    plan, twin = scans.hurry(tier="Standard"), scans.hurry("2019", tier="Standard")
    assert restores() == 2
    gigabyte = Decimal(MIB) / (1 << 30)
    assert plan.quote.total == gigabyte * Decimal("0.03") + Decimal("0.15") / 1000
    assert "charged as well is not documented" in repr(plan.quote)
    assert "Speed up" in plan.card_html()
    with pytest.raises(OverBudget):
        plan.run(max_cost="0.0001", accept_unconfirmed=True)
    assert restores() == 2
    assert len(plan.run()) == 2
    plan.run()
    twin.run()
    assert restores() == 4
    assert "Standard already" in left_out(twin)[0]
    assert {row.tier for row in batch.snapshot.rows} == {"Standard"}
    assert plan.title in repr(scans.session.history())
    later(scans.session, hours=5)
    scans.session.tracker.wait(lambda seen: seen.count("verified") == 1, 30)
    later(scans.session, hours=8)
    batch.wait(30)
    assert restores() == 4
    now = scans.session.service.clock.now()
    assert all(end_of(copy_of(name)) - now > timedelta(days=8) for name in ("2019/a.tif", "2019/b.tif"))
    assert scans.hurry("2019", tier="Standard").empty


def test_what_s3_would_refuse_is_not_asked(scans, s3, bucket, emulator, restores, back):
    """A slower tier, and another's restore; what S3 refuses all the same stays as it was."""
    s3.restore_object(
        Bucket=bucket,
        Key="scans/2019/a.tif",
        RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Bulk"}},
    )
    scans.restore("2019", tier="Standard", to=back).run()
    plan = scans.hurry("*", tier="Expedited")
    assert [item.archive.name for item in plan.items] == ["2019/b.tif"]
    assert sorted(left_out(plan)) == [
        "1 object: its restore was not started from here, and S3 does not tell its days",
        "1 object: there is no restore of it",
    ]
    assert scans.hurry("2019/b.tif", tier="Bulk").empty
    s3.restore_object(  # by another client, meanwhile
        Bucket=bucket,
        Key="scans/2019/b.tif",
        RestoreRequest={"Days": 3, "GlacierJobParameters": {"Tier": "Expedited"}},
    )
    with pytest.raises(Refused, match="as fast"):
        plan.run()
    assert scans.session.tracker.snapshot().rows[0].tier == "Standard"
    with pytest.raises(InputError, match="no tier"):
        scans.hurry(tier="now")


def test_deep_archive_has_no_faster_tier_than_standard(scans, restores, back):
    """The refusal names the cure, and nothing is sent."""
    scans.restore("2019/a.tif", tier="Bulk", to=back).run()
    with pytest.raises(InputError, match="Deep Archive") as caught:
        scans.hurry(tier="Expedited")
    assert "standard" in caught.value.cure
    assert restores() == 1


def test_a_lost_answer_to_a_speed_up_is_no_second_charge(scans, emulator, back):
    """S3 refuses the repetition: it is not faster."""
    before = emulator.status()["requests"].get("s3:RestoreObject", 0)
    scans.restore("2019/b.tif", tier="Bulk", to=back).run()
    emulator.fault("reset-after", "s3:RestoreObject")
    plan = scans.hurry(tier="Standard")
    with pytest.raises(Unavailable):
        plan.run()
    with pytest.raises(Refused, match="as fast"):
        plan.run()
    assert emulator.status()["requests"]["s3:RestoreObject"] - before == 3


def test_one_refusal_stops_no_other_and_is_asked_again_alone(scans, emulator, back):
    """The board has its reason; what S3 accepted is not sent twice."""
    batch = scans.restore("2019", tier="Bulk", to=back).run()
    before = emulator.status()["requests"]["s3:RestoreObject"]
    emulator.fault("slow-down", "s3:RestoreObject")
    plan = scans.hurry(tier="Standard")
    plan.run()
    assert sorted(row.tier for row in batch.snapshot.rows) == ["Bulk", "Standard"]
    assert [row.tier for row in batch.snapshot.rows if "fewer requests" in row.error] == ["Bulk"]
    assert scans.session.catalogue.plans.get(plan.number).happened == {"extended": 1}
    scans.hurry(tier="Standard").run()
    assert {row.tier for row in batch.snapshot.rows} == {"Standard"}
    assert [row.error for row in batch.snapshot.rows] == ["", ""]
    assert emulator.status()["requests"]["s3:RestoreObject"] - before == 3


def test_a_copy_that_ended_before_the_yes_is_not_restored_by_it(scans, restores, later, back):
    """Its bytes would be paid again: another restore shows that price."""
    scans.restore("2019/b.tif", to=back, days=1).run()
    later(scans.session, hours=5)
    scans.session.tracker.wait(lambda seen: seen.count("verified") == 1, 30)
    plan = scans.extend("2019/b.tif", days=9)
    assert len(plan.items) == 1
    later(scans.session, days=3)
    plan.run()
    assert restores() == 1
    assert left_out(plan) == ["1 object: there is no restore of it"]
    with pytest.raises(InputError, match="for days"):
        scans.session.extend("2019", vault=scans.name)


def test_a_copy_is_kept_longer_for_its_request_and_its_days(scans, restores, copy_of, later, back):
    """Its end moves; nothing is retrieved again; what lasts longer already, or runs, is left out."""
    scans.restore("2019", to=back, days=1).run()
    later(scans.session, hours=5)
    scans.session.tracker.wait(lambda seen: seen.count("verified") == 1, 30)
    before = end_of(copy_of("2019/b.tif"))
    plan = scans.extend("*", days=5)
    assert [item.archive.name for item in plan.items] == ["2019/b.tif"]
    assert any("runs" in words for words in left_out(plan))
    assert restores() == 2
    days = (plan.until - before).days
    assert plan.quote.total == Decimal(MIB) / (1 << 30) * days / 30 * Decimal("0.023")
    assert "kept until" in plan.card_html()
    row = plan.run().snapshot.rows[0]
    assert restores() == 3
    assert row.state == "ready"
    assert row.ready_until == end_of(copy_of("2019/b.tif")) == plan.until
    assert plan.until > before
    again = scans.extend("2019/b.tif", days=5)
    again.run()
    assert restores() == 3
    assert "5 days or longer" in left_out(again)[0]
    assert plan.until.astimezone(UTC) == datetime(*plan.until.timetuple()[:3], tzinfo=UTC)


@pytest.fixture
def ready(scans, later, back):
    """The folder, once the copies of its two objects are there for two days."""
    scans.restore("2019", to=back, days=2).run()
    later(scans.session, hours=13)
    scans.session.tracker.wait(lambda seen: seen.count("verified") == 2, 30)
    return scans


@pytest.fixture
def together(calls):
    """Run plans at the same moment: each has read the list of the bucket before one of them asks."""

    def together(*plans):
        barrier, here = threading.Barrier(len(plans)), threading.local()

        def jobs(service, vault):
            found = list(service.jobs(vault))
            if not getattr(here, "read", True):
                here.read = True
                barrier.wait(30)
            return found

        def run(plan):
            here.read = False
            with suppress(NotReady):  # the other one asks for some of it
                plan.run()

        calls.replace("jobs", jobs)
        with ThreadPoolExecutor(len(plans)) as pool:
            list(pool.map(run, plans))
        calls.restore("jobs")

    return together


@pytest.mark.each_backend
def test_two_processes_keep_a_copy_longer_by_one_request(ready, connect, restores, together):
    """All of them or a part, once and again; each counts what it has asked for."""
    other = connect(region="us-east-1").vault(ready.name)
    for days, words in ((9, "2019"), (20, "2019/a.tif")):
        before = restores()
        plans = [ready.extend("2019", days=days), other.extend(words, days=days)]
        together(*plans)
        assert restores() == before + 2
        done = [ready.session.catalogue.plans.get(plan.number).happened for plan in plans]
        assert sum(each["extended"] for each in done if each) == 2
        assert ready.extend("2019", days=days).empty


def test_a_claim_to_keep_a_copy_that_no_request_follows_ends(ready, connect, limits, emulator):
    """That of a killed process in a minute, that of a refused request at once."""

    def asked():
        return emulator.status()["requests"]["s3:RestoreObject"]

    plan, before = ready.extend("2019/a.tif", days=9), asked()
    assert ready.session.catalogue.jobs.claim_renewal(plan.items[0].job, 60.0)
    claimed = "Another process keeps the copy of '2019/a.tif' longer"
    with pytest.raises(NotReady, match=re.escape(claimed)):
        plan.run()
    both = ready.extend("2019", days=9).run()  # the other one is asked for
    assert claimed in repr(both)
    assert escape(claimed) in both._repr_html()
    assert ready.extend("2019/b.tif", days=9).empty
    before += 1
    assert asked() == before
    other = connect(region="us-east-1", limits=replace(limits, lost_renewal=0.0)).vault(ready.name)
    other.extend("2019/a.tif", days=9).run()
    assert asked() == before + 1
    emulator.fault("slow-down", "s3:RestoreObject")
    plan = ready.extend("2019/b.tif", days=12)
    with pytest.raises(Unavailable):
        plan.run()
    plan.run()
    assert asked() == before + 3
