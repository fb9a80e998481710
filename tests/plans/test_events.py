"""The events of backups, recoveries and prunes."""

import pytest

from glacier_magic.backup.keep import Keep
from glacier_magic.backup.set_scan import spools
from glacier_magic.errors import InputError, LocalError
from glacier_magic.plans.events import NAMES
from tests.packed import place, write


def test_programs_are_told_as_plans_start_and_end(backup, key, later, session, tmp_path):
    """With their outcomes; a recovery is done when its files are written."""
    heard = []
    for name in NAMES:
        backup.vault.on(name, lambda event: heard.append((event.name, event.set, event.outcome)))
    session.vault("other").on("backup.done", lambda _: heard.append("of another vault"))
    write(backup.root, a=b"1")
    ran = backup.run()
    assert heard == [("backup.start", "home", None), ("backup.done", "home", ran)]
    (tmp_path / "set.key").write_text(key.file())
    plan = backup.vault.recover("home", to=tmp_path / "to", key=tmp_path / "set.key")
    batch = plan.run()
    later(session, hours=4.1)
    batch.wait(30.0)
    assert [name for name, *_ in heard[2:]] == ["recover.start"]
    done = plan.extract()
    place(backup.root / "a", b"2")
    backup.run()
    heard[:4] = []
    pruned = backup.vault.prune("home", Keep(last=1), now=True)
    gone = pruned.run(confirm="photos")
    assert done.files == 1
    assert heard[-2:] == [("prune.start", "home", None), ("prune.done", "home", gone)]


def test_a_failure_is_told_with_its_reason(backup, session):
    heard = []
    backup.vault.on("backup.failed", heard.append)
    write(backup.root, a=b"1")
    plan = backup.plan()
    place(spools(session.catalogue) / session.region / "photos/home", b"")  # no folder can be made there
    with pytest.raises(LocalError) as caught:
        plan.run()
    assert [event.error for event in heard] == [caught.value]
    with pytest.raises(InputError, match="There is no event"):
        backup.vault.on("backup.begun", print)
