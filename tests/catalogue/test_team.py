"""Two users of one catalogue on a server, each on a computer of their own."""

import pytest

PATIENCE = 30.0


@pytest.fixture
def as_user(connect, database_url, tmp_path, monkeypatch):
    """Connect as a user who has a data folder of that name."""

    def as_user(name):
        monkeypatch.setenv("GLACIER_MAGIC_HOME", str(tmp_path / name))
        return connect(catalogue=database_url)

    return as_user


def test_each_has_a_vault_in_use_of_their_own(as_user):
    """Otherwise one user's choice would decide what another's rm deletes; the choice is stored."""
    ann, bob = as_user("ann"), as_user("bob")
    ann.create_vault("photos")
    ann.vault_in_use = "photos"
    assert bob.vault_in_use is None
    assert as_user("ann").vault_in_use == "photos"
    assert bob.vault_names() == ["photos"]


def test_what_one_stored_the_other_has_at_once(as_user, files, tmp_path, later, jobs_of):
    """By name, and from the existing job: nothing is requested twice."""
    ann = as_user("ann")
    files("a.txt", b"content")
    ann.create_vault("photos").upload("a.txt")
    ann.vault("photos").restore("a.txt", to=tmp_path / "anns").run()
    bob = as_user("bob")
    assert list(bob.vault("photos").archives()["name"]) == ["a.txt"]
    bob.vault("photos").restore("a.txt", to=tmp_path / "bobs").run()
    later(ann, bob, hours=4.1)
    for session in (ann, bob):
        session.jobs().wait(PATIENCE)
    assert len(jobs_of()) == 1
    for whose in ("anns", "bobs"):
        assert (tmp_path / whose / "a.txt").read_bytes() == b"content"


def test_a_file_goes_to_the_computer_of_whom_it_is_for(as_user, files, tmp_path, later):
    """Another user who watches sees a job of somebody else, and does not wait for it."""
    ann = as_user("ann")
    files("a.txt", b"content")
    ann.create_vault("photos").upload("a.txt")
    ann.vault("photos").restore("a.txt", to=tmp_path / "anns").run()
    ann.close()
    bob = as_user("bob")
    later(bob, hours=4.1)
    seen = bob.jobs()
    seen.wait(PATIENCE)
    (row,) = seen.snapshot.rows
    assert (row.state, row.ours) == ("ready", False)
    assert not (tmp_path / "anns" / "a.txt").exists()
    as_user("ann").jobs().wait(PATIENCE)
    assert (tmp_path / "anns" / "a.txt").read_bytes() == b"content"


@pytest.mark.limits(lost_request=0.0)
@pytest.mark.parametrize("arrived", [True, False])
def test_a_request_that_one_left_unclear_is_settled_by_the_other(
    as_user, files, tmp_path, later, jobs_of, arrived, calls
):
    """Who wants the same archive neither asks twice nor waits for a computer that is off."""

    ann = as_user("ann")
    files("a.txt", b"content")
    ann.create_vault("photos").upload("a.txt")
    original = calls.of("start_retrieval")

    def lost(*arguments):
        if arrived:
            original(*arguments)
        raise KeyboardInterrupt

    with calls.replaced("start_retrieval", lost), pytest.raises(KeyboardInterrupt):
        ann.vault("photos").restore("a.txt", to=tmp_path / "anns").run()
    ann.catalogue.database.execute("UPDATE downloads SET owner=NULL, lease_until=0")
    ann.close()
    bob = as_user("bob")
    batch = bob.vault("photos").restore("a.txt", to=tmp_path / "bobs").run()
    later(bob, hours=4.1)
    for _ in range(3):
        bob.tracker.refresh(["photos"])
        later(bob, hours=4.1)
    batch.wait(PATIENCE)
    assert len(jobs_of()) == 1
    assert (tmp_path / "bobs" / "a.txt").read_bytes() == b"content"
