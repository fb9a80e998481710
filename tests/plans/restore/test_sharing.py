"""A plan as a file: a colleague runs it, and nobody is harmed by a hostile one."""

import json

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.errors import AccessDenied, InputError, LocalError, NotFound, OverBudget
from glacier_magic.plans.restore import sharing

PATIENCE = 30.0
ID, HASH = "a" * 138, "0" * 64


@pytest.fixture
def plan_file(filled, tmp_path):
    """A plan of all three archives, saved."""
    return filled.restore("*", tier="bulk", to=tmp_path / "mine").save(tmp_path / "plan.json")


@pytest.fixture
def colleague(connect, tmp_path):
    """Another one's session: the same account, a catalogue that knows nothing."""
    return connect(catalogue=tmp_path / "colleague.sqlite")


def files_below(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


# To run


def test_a_colleague_runs_a_plan_without_an_inventory(colleague, plan_file, later, jobs_of, tmp_path):
    """Names, sizes and hashes come from the file, the bytes from the vault, verified."""
    plan = colleague.open_plan(plan_file, to=tmp_path / "theirs")
    assert plan.tier == "Bulk"
    assert plan.requests == 3
    assert jobs_of() == []
    batch = plan.run()
    later(colleague, hours=12.1)
    batch.wait(PATIENCE)
    names = ("scans/a.tif", "scans/b.tif", "c.txt")
    assert files_below(tmp_path / "theirs") == {name: name.encode() * 100 for name in names}
    assert colleague.catalogue.plans.recent()[0].state == "done"


def test_a_plan_is_decided_anew_where_it_is_run(session, colleague, plan_file, jobs_of, tmp_path):
    """What is there, or was asked for by whoever saved it, is not requested again."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "c.txt").write_bytes(b"c.txt" * 100)
    session.vault("photos").restore("scans/a.tif", to=tmp_path / "mine").run()
    plan = colleague.open_plan(plan_file, to=tmp_path / "theirs", tier="standard")
    assert sorted(item.action for item in plan.items) == ["already requested", "already restored", "request"]
    plan.run()
    assert len(jobs_of()) == 2


def test_a_file_holds_four_digits_of_the_account(session, plan_file):
    """And neither the account nor where anything lies on this computer."""
    text = plan_file.read_text()
    assert session.account not in text
    assert json.loads(text)["account_ends"] == session.account[-4:]
    assert str(plan_file.parent) not in text


def test_a_file_that_is_there_is_kept(filled, plan_file, tmp_path):
    """Whatever it is; nor is anything left where nothing can be written."""
    before = plan_file.read_bytes()
    plan = filled.restore("c.txt", to=tmp_path / "mine")
    with pytest.raises(LocalError, match="exists already"):
        plan.save(plan_file)
    assert plan_file.read_bytes() == before
    for wrong in (tmp_path / "absent" / "plan.json", plan_file / "plan.json"):
        with pytest.raises(LocalError):
            plan.save(wrong)
    assert [p.name for p in tmp_path.glob("*.part")] + [p.name for p in tmp_path.glob(".*")] == []


def test_a_plan_that_could_not_be_read_again_is_not_written(filled, monkeypatch, tmp_path):
    """What is too large for one file."""
    monkeypatch.setattr(sharing, "LARGEST", 100)
    with pytest.raises(InputError, match="3 archives"):
        filled.restore("*", to=tmp_path).save(tmp_path / "plan.json")
    assert list(tmp_path.glob("*.json")) == []


def test_hostile_names_of_a_vault_can_be_saved_and_run(session, vault, put, listed, later, tmp_path):
    """They are made safe when they are written, so that a file with unsafe ones is a forgery."""
    put("../../up", b"1")
    put("/etc/passwd", b"22")
    put("twin", b"333")
    put("twin", b"4444")
    listed(vault)
    path = vault.restore("*", to=tmp_path / "mine").save(tmp_path / "plan.json")
    assert ".." not in path.read_text()
    batch = session.open_plan(path, to=tmp_path / "theirs").run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    there = [p for p in (tmp_path / "theirs").rglob("*") if p.is_file()]
    assert sorted(p.read_bytes() for p in there) == [b"1", b"22", b"333", b"4444"]


# Whose it is


def test_a_plan_for_another_region_says_where_to_go(connect, plan_file, region, tmp_path):
    """The vault of the same name there is not it."""
    elsewhere = connect(region="elsewhere-1", catalogue=tmp_path / "c.sqlite")
    with pytest.raises(InputError, match=f"{region}.*elsewhere-1") as caught:
        elsewhere.open_plan(plan_file)
    assert f"region={region!r}" in caught.value.cure


def test_a_plan_for_another_account_says_how_to_be_let_in(session, plan_file):
    """With digits enough to see which."""
    told = json.loads(plan_file.read_text())
    other = f"{(int(told['account_ends']) + 1) % 10_000:04}"
    plan_file.write_text(json.dumps({**told, "account_ends": other}))
    with pytest.raises(InputError, match=other) as caught:
        session.open_plan(plan_file)
    assert "account=" in caught.value.cure
    assert session.account not in str(caught.value)


def test_the_owner_of_a_vault_can_be_named(connect, session, plan_file, later, tmp_path):
    """Every request goes to that account; one that does not let us in is an error, not a bill."""
    shared = connect(account=session.account, catalogue=tmp_path / "c.sqlite")
    assert shared.account == session.account
    batch = shared.open_plan(plan_file, to=tmp_path / "theirs").run()
    later(shared, hours=12.1)
    batch.wait(PATIENCE)
    stranger = connect(account="999999999999", catalogue=tmp_path / "d.sqlite")
    assert stranger.account == "999999999999"
    assert list(stranger.vaults()["vault"]) == []
    told = json.loads(plan_file.read_text())
    plan_file.write_text(json.dumps({**told, "account_ends": "9999"}))
    with pytest.raises(AccessDenied):
        stranger.open_plan(plan_file, to=tmp_path / "stolen").run()
    with pytest.raises(InputError, match="account"):
        connect(account="12", catalogue=tmp_path / "e.sqlite")


# What it claims


def changed(path, archive=0, **values):
    told = json.loads(path.read_text())
    told["archives"][archive].update(values)
    path.write_text(json.dumps(told))


@pytest.mark.parametrize("hours", [0, 4.1])
def test_the_size_that_the_service_tells_outranks_what_a_file_claims(
    client, session, colleague, vault, files, later, jobs_of, disk, tmp_path, hours
):
    """Of a job in progress or finished: for the price, its limit and the room on the disk."""
    data_folder().mkdir(parents=True, exist_ok=True)
    (data_folder() / "prices.toml").write_text("[all]\ntransfer-out-internet = 1024\n")
    archive = vault.upload(files("large", 3 << 20))
    saved = vault.restore("large", to=tmp_path / "mine").save(tmp_path / "plan.json")
    content = json.loads(saved.read_text())
    content["archives"][0]["size"] = 1
    saved.write_text(json.dumps(content))
    client.initiate_job(
        vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive.id}
    )
    later(colleague, hours=hours)
    plan = colleague.open_plan(saved, to=tmp_path / "theirs")
    assert (plan.needed, plan.quote.total) == (3 << 20, 3)
    for _ in range(2):
        with pytest.raises(OverBudget):
            plan.run(max_cost="2.99")
    disk(1 << 20)
    with pytest.raises(LocalError, match="no room"):
        plan.run(max_cost=3)
    assert colleague.catalogue.downloads.open() == []
    assert len(jobs_of()) == 1


@pytest.mark.parametrize(("key", "value"), [("size", 1), ("tree_hash", HASH)])
def test_a_file_that_contradicts_the_catalogue_is_refused(session, plan_file, key, value):
    """Another size would fool a limit, another hash let other bytes pass."""
    changed(plan_file, **{key: value})
    with pytest.raises(InputError, match="your catalogue knows") as caught:
        session.open_plan(plan_file)
    assert "Do not trust" in caught.value.cure


def test_a_plan_of_a_deleted_archive_is_refused(session, filled, plan_file):
    """It could only fail, after hours."""
    filled.delete("c.txt").run()
    with pytest.raises(InputError, match=r"c\.txt.*deleted"):
        session.open_plan(plan_file)


def test_a_plan_of_a_vault_that_is_gone_is_refused(session, plan_file):
    """By the service."""
    told = json.loads(plan_file.read_text())
    plan_file.write_text(json.dumps({**told, "vault": "gone"}))
    with pytest.raises(NotFound, match="Vault not found"):
        session.open_plan(plan_file)


def test_bytes_that_differ_from_the_file_never_get_their_name(colleague, plan_file, later, tmp_path):
    """A colleague without an inventory has only the file's hash; the archive's own wins."""
    changed(plan_file, tree_hash=HASH)
    batch = colleague.open_plan(plan_file, to=tmp_path / "theirs").run()
    later(colleague, hours=12.1)
    with pytest.raises(Exception, match="1 job of 3 failed"):
        batch.wait(PATIENCE)
    assert len(batch.files) == 2


# Hostile files

GOOD = {
    "format": sharing.FORMAT,
    "version": 1,
    "saved": "2026-11-25T12:00:00+00:00",
    "vault": "photos",
    "region": "us-east-1",
    "account_ends": "1234",
    "tier": "Bulk",
    "price": "$1.00",
    "archives": [{"id": ID, "name": "a/b.txt", "size": 1, "tree_hash": HASH, "mtime": None}],
}


def with_archive(**values):
    return {**GOOD, "archives": [{**GOOD["archives"][0], **values}]}


HOSTILE = [
    None,
    [],
    1,
    "x",
    {},
    [GOOD],
    {**GOOD, "format": "something"},
    *({**GOOD, "version": v} for v in (0, 2, True, 1.0, "1", None)),
    *({**GOOD, "vault": v} for v in ("", "..", "a/b", "x" * 256, 7, None, ["photos"], "a\nb")),
    *({**GOOD, "region": v} for v in ("", "../x", 7, "US EAST", "x" * 40)),
    *({**GOOD, "account_ends": v} for v in ("", "12345", "\uff11\uff12\uff13\uff14", 1234, None)),
    *({**GOOD, "tier": v} for v in ("Fast", "bulk", 1, None, ["Bulk"])),
    *({**GOOD, "archives": v} for v in ([], {}, "x", None, 7, [None], [[]], [ID])),
    {**GOOD, "archives": GOOD["archives"] * 2},
    {**GOOD, "more": 1},
    {k: v for k, v in GOOD.items() if k != "price"},
    *(with_archive(id=v) for v in ("", "a" * 137, "a" * 139, "a" * 137 + "/", 7, None)),
    *(with_archive(tree_hash=v) for v in ("", "0" * 63, "G" * 64, "A" * 64, 7, [HASH])),
    *(with_archive(size=v) for v in (0, -1, 1.5, True, "1", 1 << 70)),
    *(with_archive(mtime=v) for v in (1.5, "1", True, 1 << 70, -(1 << 70))),
    *(
        with_archive(name=v)
        for v in (
            "",
            "../up",
            "a/../../up",
            "/etc/passwd",
            "C:\\x",
            "a\0b",
            "a\nb",
            "CON",
            "a//b",
            "a/",
            "~" * 5000,
            7,
            None,
            ["x"],
            "\u202etxt",
            "\ud800",
            "<script>",
        )
    ),
    with_archive(more=1),
]


def test_the_example_of_a_good_file_is_one(tmp_path):
    """So that each of the others differs from it by what is wrong."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(GOOD))
    shared = sharing.read(path)
    assert (shared.vault, shared.tier, shared.archives[0].name) == ("photos", "Bulk", "a/b.txt")


@pytest.mark.parametrize("told", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_file_is_refused_with_a_reason(told, tmp_path):
    """No traceback, and not a word of it taken."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(told))
    with pytest.raises(InputError, match="not a restore plan") as caught:
        sharing.read(path)
    assert ".save(...)" in caught.value.cure
    assert len(str(caught.value)) < 500


RAW = [
    b"",
    b"\xff\xfe",
    b"{",
    b"[" * 100_000,
    b'{"a": 1}',
    b'{"version": ' + b"9" * 10_000 + b"}",
    b"\0" * 1000,
]


@pytest.mark.parametrize("data", RAW, ids=range(len(RAW)))
def test_bytes_that_are_no_plan_are_refused(data, tmp_path):
    """Deep nesting and long numbers among them."""
    path = tmp_path / "plan.json"
    path.write_bytes(data)
    with pytest.raises(InputError):
        sharing.read(path)


def test_a_file_of_a_hundred_megabytes_is_not_read_to_its_end(tmp_path):
    """No more than the limit and a byte."""
    path = tmp_path / "plan.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(InputError, match="64 MiB"):
        sharing.read(path)


def test_what_is_no_file_is_refused(tmp_path):
    """A folder, a device that never ends, and nothing."""
    for path in (tmp_path, tmp_path / "absent", tmp_path / "x" / "y"):
        with pytest.raises(LocalError):
            sharing.read(path)
    with pytest.raises(LocalError):
        sharing.read(sharing.Path("/dev/zero"))
    with pytest.raises(LocalError):
        sharing.read(sharing.Path("a\0b"))
