"""How long a plan says that its downloads take, and whether they end while the outputs are kept."""

from glacier_magic.jobs.fetching import MEASURED, measured_rate
from glacier_magic.plans.restore.download_time import download_time
from glacier_magic.plans.restore.timetable import Pace, timetable
from glacier_magic.service import ServiceClock

PATIENCE = 30.0


def words(session, size, days=None, max_rate=None):
    return download_time(size, days, session.catalogue, ServiceClock(), max_rate=max_rate)


def test_before_any_download_a_rate_of_100_megabits_is_assumed(session):
    """12.5 MB a second: 125 GB take 10,000 seconds, 2 h 46 min."""
    assert words(session, 125 * 10**9) == (
        "about 2 h 46 min at 11.9 MiB/s (100 Mbit/s: no download is measured yet); "
        "within the 24 hours that outputs are kept"
    )


def test_a_download_that_takes_longer_than_outputs_are_kept_is_to_be_spread(session):
    """24 hours at 12.5 MB a second are 1.08 TB: 2.5 TB take 2.3 times that, so three days."""
    assert "NOT end within the 24 hours that outputs are kept: add spread='3d'" in words(
        session, 2500 * 10**9
    )
    sizes = [10**9] * 2500
    spread = timetable(sizes, pace=Pace.of("3d"), policy=None, tier="Standard", now=0)
    assert "; within the 24 hours" in words(session, sum(sizes), spread)


def test_a_limit_of_all_transfers_makes_it_longer(session):
    """1 MB a second: 3.6 GB take an hour."""
    assert "about 1 h at 977 KiB/s (the limit of all transfers)" in words(session, 3600 * 10**6, max_rate=1e6)


def test_a_download_is_measured_and_the_next_plan_says_so(session, vault, files, ready, tmp_path):
    """Small ones say nothing about a connection."""
    vault.upload_all([files("small", 1000), files("large", MEASURED)])
    first = vault.restore("small", to=tmp_path / "back")
    ready(first.run()).wait(PATIENCE)
    assert measured_rate(session.catalogue) is None
    ready(vault.restore("large", to=tmp_path / "back").run()).wait(PATIENCE)
    assert measured_rate(session.catalogue) > 0
    facts = dict(vault.restore("large", to=tmp_path / "again").facts)
    assert "as the last downloads" in facts["download"]  # its output is still there
