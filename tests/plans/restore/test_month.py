"""A month of a paced restore under a data retrieval policy, day by day; -s prints its log."""

import random
from collections import Counter

import pytest

from glacier_magic.base.rendering import text_table
from glacier_magic.errors import GlacierError

pytestmark = pytest.mark.usefixtures("soon")

PATIENCE = 30.0
HOUR = 3_600_000
DAY = 24 * HOUR
DAYS = 30
PER_HOUR = 24_000
"""What the policy lets through: a wave of 96,000 bytes, and so two waves or three for a day."""
SIZES = [random.Random(n).randint(20_000, 90_000) for n in range(74)]
THEIRS = 96_000
"""Of somebody else's archive: while it is retrieved, nothing else is let through."""
BUSY_DAYS = (9, 20)
CLOSED_AFTER = 15


@pytest.fixture
def filled(vault, files):
    """A vault with a month's archives; the local files are gone."""
    contents = {}
    for number, size in enumerate(SIZES):
        contents[f"{number:03}.bin"] = random.Random(number).randbytes(size)
        files(f"{number:03}.bin", contents[f"{number:03}.bin"])
    vault.upload_all(["*.bin"])
    for name in contents:
        (files.folder / name).unlink()
    vault.contents = contents
    return vault


@pytest.fixture
def busy(client, put):
    """Retrieve an archive of another vault in the same account, which fills the policy."""
    client.create_vault(vaultName="theirs")
    archive = put("large", b"x" * THEIRS, vault="theirs")
    return lambda: client.initiate_job(
        vaultName="theirs", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive}
    )


@pytest.fixture
def refused(calls):
    """The moments at which the service refused, with the code."""
    found, original = [], calls.of("start_retrieval")

    def start(service, *arguments):
        try:
            return original(service, *arguments)
        except GlacierError as error:
            found.append((service.clock.now_ms(), error.code))
            raise

    calls.replace("start_retrieval", start)
    return found


def hours_to_next(snapshot):
    """Return how long nothing happens: until a request is due or an output is there."""
    moments = [row.due or row.expected for row in snapshot.rows if not row.ended]
    return max(0.01, (min(moments) - snapshot.now).total_seconds() / 3600)


def print_log(planned, seen, sizes, refused, start):
    """Print the plan and the log of requests, one line a day."""
    asked, said = Counter(), Counter((at - start) // DAY + 1 for at, _ in refused)
    bytes_asked = Counter()
    for at, archive in seen:
        asked[(at - start) // DAY + 1] += 1
        bytes_asked[(at - start) // DAY + 1] += sizes[archive]
    planned = {row.day: (row.archives, row.size) for row in planned.reset_index().itertuples()}
    rows = []
    for day in range(1, max([*asked, *planned]) + 1):
        numbers = (*planned.get(day, (0, 0)), asked[day], bytes_asked[day], said[day])
        rows.append((str(day), *(f"{number:,}" for number in numbers)))
    head = ("day", "planned", "bytes", "asked", "bytes", "refused and moved")
    print(f"\n{text_table(head, rows, numbers=range(6))}")


def test_a_month_under_a_policy(
    session, connect, filled, policy, busy, refused, later, asked, settle, tmp_path
):
    """No day over its allowance, no archive asked for twice, every one verified at the end.

    Twice somebody else is in the way, and half-way the session ends and another goes on.
    """
    sizes = filled.archives().set_index("archive_id")["size"].to_dict()
    free = filled.restore("*", to=tmp_path / "back", spread=f"{DAYS}d").schedule
    assert len(free) == DAYS
    allowance = int(free["size"].max())
    policy("BytesPerHour", PER_HOUR)
    session.tracker.policies.current(fresh=True)
    plan = filled.restore("*", to=tmp_path / "back", spread=f"{DAYS}d")
    planned = plan.schedule.set_index("day")
    assert "instead of 30" in dict(plan.facts)["schedule"]
    batch, seen, start = plan.run(), [], None
    to_come, closed = list(BUSY_DAYS), False
    for _ in range(60 * DAYS):
        settle(batch)
        seen += [job for job in asked() if job not in seen]
        start = start or seen[0][0]
        snapshot = batch.snapshot
        if snapshot.finished:
            break
        day = (snapshot.now.timestamp() * 1000 - start) / DAY
        idle = not snapshot.count("in progress")
        if to_come and day > to_come[0] and idle and hours_to_next(snapshot) > 1:
            later(session, hours=hours_to_next(snapshot) - 1)
            busy()
            to_come.pop(0)
        if not closed and day > CLOSED_AFTER:
            session.close()
            session, closed = connect(), True
            batch = session.jobs()
        later(session, hours=hours_to_next(batch.snapshot))
    print_log(planned, seen, sizes, refused, start)
    assert batch.snapshot.finished
    assert closed
    restored = {path.name: path.read_bytes() for path in (tmp_path / "back").glob("*.bin")}
    assert restored == filled.contents
    assert sorted(archive for _, archive in seen) == sorted(sizes)
    assert {code for _, code in refused} == {"PolicyEnforcedException"}
    for at, _ in seen:
        assert sum(sizes[a] for t, a in seen if at - DAY < t <= at) <= allowance
    assert (seen[-1][0] - start) // DAY <= DAYS
