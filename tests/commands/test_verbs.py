"""The verbs as a face hears them: words in, results out, the same for a notebook and a shell."""

import pandas as pd
import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.commands import VERBS, Console, Help, run
from glacier_magic.errors import ConnectionFailed, InputError, JobExpired, NameNotKnown, NotFound, NotReady
from glacier_magic.jobs import Batch, InventoryJob
from glacier_magic.notebook.card import PlanCard
from glacier_magic.notebook.views import view_of
from glacier_magic.plans import DeletePlan, DropPlan, RestorePlan, UploadPlan
from tests.catalogue import archive_record
from tests.faces import Face

PATIENCE = 30.0
NAMES = [name for name in VERBS if name]


@pytest.fixture
def face():
    return Face()


@pytest.fixture
def console(face, sessions):
    console = Console(face, sessions=sessions)
    yield console
    console.close()


@pytest.fixture
def glacier(session_place, console, emulator, region, monkeypatch):
    """Run a line of words on a console that is connected to the emulator."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))

    def glacier(*words):
        return run(console, VERBS, words)

    glacier("connect", "--data", str(emulator.folder), "--region", region)
    return glacier


# Help and slips: no connection is needed, and nothing leaves the process


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("verb", NAMES)
def test_every_verb_has_help(console, verb, flag):
    """What it does, examples, usage: a text, returned like any result."""
    found = run(console, VERBS, [verb, flag])
    assert isinstance(found, Help)
    summary = VERBS[verb].summary
    assert repr(found).startswith(f"{summary[:1].upper()}{summary[1:]}.\n")
    for line, _ in VERBS[verb].examples:
        assert f"%glacier {line}" in repr(found)
    assert f"usage: %glacier {verb}" in repr(found)
    assert repr(run(console, VERBS, ["help", verb])) == repr(found)
    assert console.connected is None


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_alone_lists_all_verbs(console, words):
    """Each with its summary."""
    text = repr(run(console, VERBS, words))
    for name in NAMES:
        assert f"  {name} " in text
        assert VERBS[name].summary in text


def test_help_wins_over_other_words(console):
    """Also over missing and surplus ones."""
    assert isinstance(run(console, VERBS, ["restore", "x", "--to", "y", "--help"]), Help)


@pytest.mark.parametrize(
    ("typo", "meant"), [("uplaod", "upload"), ("vault", "vaults"), ("restor", "restore")]
)
def test_a_typo_gets_the_verb_that_was_meant(console, typo, meant):
    """And the way to the list."""
    with pytest.raises(InputError, match=typo) as caught:
        run(console, VERBS, [typo])
    assert f"%glacier {meant}?" in caught.value.cure
    assert "--help" in caught.value.cure


@pytest.mark.parametrize(
    "words",
    [
        ["upload"],
        ["restore"],
        ["rm"],
        ["create"],
        ["use"],
        ["drop", "a", "b"],
        ["ls", "a", "b"],
        ["ls", "--valt", "x"],
        ["restore", "x", "--tier", "fast"],
        ["restore", "x", "--timeout", "soon"],
        ["restore", "x", "--to"],
        ["connect", "--speed", "fast"],
        ["connect", "--speed", "2"],
        ["connect", "--emulator", "--profile", "x"],
        ["emulator", "dance"],
        ["emulator", "advance"],
        ["emulator", "stop", "now"],
        ["emulator", "advance", "soon"],
        ["--nonsense"],
        [""],
        ["help", "nonsense"],
        ["jobs", "surplus"],
        ["vaults", "--yes"],
    ],
)
def test_words_that_make_no_sense_are_an_input_error(console, words):
    """Never SystemExit, never a traceback; nothing is connected for it."""
    with pytest.raises(InputError) as caught:
        run(console, VERBS, words)
    assert "Namespace" not in str(caught.value)
    assert "\0" not in str(caught.value)
    assert "invalid parse_" not in str(caught.value)


def test_a_length_of_time_that_is_none_says_how_to_write_one(console):
    """Not the name of the function that did not understand it."""
    with pytest.raises(InputError, match="90s"):
        run(console, VERBS, ["wait", "--timeout", "soon"])


def test_without_credentials_every_verb_says_how_to_connect(console):
    """On a fresh machine with nothing set."""
    for words in ([], ["vaults"], ["ls"], ["jobs"], ["upload", "x"], ["restore", "x"]):
        with pytest.raises(ConnectionFailed) as caught:
            run(console, VERBS, words)
        assert "connect" in caught.value.cure


# Connecting


def test_status_says_where_i_am_and_what_to_type_next(glacier, console, emulator, region):
    """From an empty region to the first vault."""
    text = repr(glacier())
    for words in (region, str(emulator.folder), "the emulator in", "%glacier create NAME"):
        assert words in text
    glacier("create", "photos")
    text = repr(glacier())
    assert "photos" in text
    assert "%glacier upload" in text


def test_the_account_is_masked_unless_asked_for(glacier, emulator):
    """In text and in HTML, in both verbs that show it."""
    for words in ([], ["connect", "--data", str(emulator.folder)]):
        hidden = glacier(*words)._repr_mimebundle_()
        assert all(emulator.account not in text for text in hidden.values())
        assert all(f"********{emulator.account[-4:]}" in text for text in hidden.values())
        shown = glacier(*words, "--show-account")._repr_mimebundle_()
        assert all(emulator.account in text for text in shown.values())


def test_a_connection_is_remembered_by_the_next_console(glacier, emulator, region, face):
    """Another kernel, and after a restart; the note says so."""
    glacier("create", "photos")
    second = Console(face)
    try:
        assert list(run(second, VERBS, ["vaults"])["vault"]) == ["photos"]
        assert second.session.region == region
        assert "as last time" in face.notes[-1]
        assert second.vault_in_use == "photos"
    finally:
        second.close()


def test_a_connection_that_fails_leaves_the_one_there_is(glacier, console):
    """A slip does not cost the session."""
    before = console.session
    with pytest.raises(ConnectionFailed):
        glacier("connect", "--region", "nowhere-1")
    assert console.session is before
    assert isinstance(glacier("vaults"), pd.DataFrame)


def test_a_damaged_memory_of_the_connection_is_no_hindrance(glacier, home, face):
    """It is forgotten."""
    (home / "own" / "connection.json").write_text("{damaged")
    second = Console(face)
    with pytest.raises(ConnectionFailed):
        run(second, VERBS, ["vaults"])


# Vaults


def test_vaults_are_made_used_listed_and_dropped(glacier, console, later):
    """Each with a result, and a plan before what destroys."""
    glacier("create", "one")
    assert console.vault_in_use == "one"
    glacier("create", "two")
    glacier("use", "one")
    assert list(glacier("vaults")["vault"]) == ["one", "two"]
    plan = glacier("drop", "one")
    assert isinstance(plan, DropPlan)
    assert console.vault_in_use == "one"
    later(days=1.2)
    glacier("drop", "one", "--yes")
    assert console.vault_in_use is None
    assert list(glacier("vaults")["vault"]) == ["two"]


def test_using_a_vault_that_is_not_there_is_an_error(glacier, console):
    """The one in use stays."""
    glacier("create", "one")
    with pytest.raises(NotFound):
        glacier("use", "absent")
    assert console.vault_in_use == "one"


def test_without_a_choice_the_only_vault_is_meant(glacier, client, files):
    """With several, the cure lists them."""
    with pytest.raises(InputError, match="Which vault"):
        glacier("ls")
    client.create_vault(vaultName="one")
    glacier("vaults")
    assert len(glacier("ls")) == 0
    client.create_vault(vaultName="two")
    glacier("vaults")
    with pytest.raises(InputError, match="Which vault") as caught:
        glacier("ls")
    assert "one, two" in caught.value.cure
    assert len(glacier("ls", "--vault", "two")) == 0


# Archives


def test_the_whole_loop_in_words(glacier, files, later, console, tmp_path, face):
    """Upload, list, restore, wait, compare."""
    glacier("create", "photos")
    original = files("scans/a.tif", 5000)
    stored = glacier("upload", "-r", "scans")
    assert list(stored["state"]) == ["stored"]
    assert face.reports[-1].finished
    assert list(glacier("ls", "scans/")["name"]) == ["scans/a.tif"]
    plan = glacier("restore", "scans/*", "--to", str(tmp_path / "back"))
    assert isinstance(plan, RestorePlan)
    assert face.offers == [plan]
    batch = glacier("restore", "scans/*", "--to", str(tmp_path / "back"), "--yes")
    assert isinstance(batch, Batch)
    assert len(glacier("jobs")) == 1
    with pytest.raises(NotReady):
        glacier("wait", "--timeout", "0")
    later(console.session, hours=4.1)
    glacier("wait")
    assert (tmp_path / "back" / "scans" / "a.tif").read_bytes() == original.read_bytes()
    again = glacier("upload", "-r", "scans")
    assert list(again["state"]) == ["already stored"]
    assert "1 file unchanged" in face.notes[-1]


def test_restoring_and_waiting_in_one_line(glacier, files, later, console, tmp_path, face):
    """``--wait`` follows what was begun."""
    glacier("create", "photos")
    files("a")
    glacier("upload", "a")
    with pytest.raises(NotReady):
        glacier("restore", "a", "--yes", "--wait", "--timeout", "0s", "--to", str(tmp_path / "x"))
    later(console.session, hours=4.1)
    glacier("restore", "a", "--yes", "--wait", "--to", str(tmp_path / "x"))
    assert (tmp_path / "x" / "a").exists()
    assert glacier("wait").files == []


def test_waiting_for_nothing_is_over_at_once(glacier):
    """No jobs, no error."""
    assert len(glacier("wait")) == 0


def test_an_expired_job_is_told_by_the_wait_of_the_next_session(glacier, files, later, console, tmp_path):
    """The outcome has a type of its own."""
    glacier("create", "photos")
    files("a")
    glacier("upload", "a")
    glacier("restore", "a", "--yes", "--to", str(tmp_path / "x"))
    console.close()
    later(hours=4.1)
    later(hours=25)
    with pytest.raises(JobExpired):
        glacier("wait")


def test_what_expired_is_planned_again_in_words(glacier, files, later, console, tmp_path, face):
    """Into the same folder, at its pace; and what is about to go is kept longer."""
    content = files("a.bin", 1000).read_bytes()
    glacier("create", "photos")
    glacier("upload", "a.bin")
    glacier("restore", "a.bin", "--daily", "1MB", "--to", str(tmp_path / "back"), "--yes")
    console.close()
    later(hours=5)
    later(hours=25)
    plan = glacier("restore", "--expired")
    assert "1 archive" in repr(plan)
    glacier("restore", "--expired", "--yes")
    assert glacier("restore", "--extend").empty
    assert "no output expires" in repr(glacier("restore", "--extend"))
    assert glacier("restore", "--extend").title == "No output has to be kept for longer"
    later(console.session, hours=4.1)
    console.session.jobs().wait(PATIENCE)
    assert (tmp_path / "back" / "a.bin").read_bytes() == content
    assert "Nothing has expired" in repr(glacier("restore", "--expired"))


def test_an_inventory_is_a_job_first_and_a_table_later(glacier, files, later, console, face):
    """How old the table is stands beside it."""
    glacier("create", "photos")
    files("a")
    glacier("upload", "a")
    glacier("ls")
    assert "no inventory read yet" in face.notes[-1]
    assert "1 archive stored since, not in the inventory yet" in face.notes[-1]
    later(days=1.2)
    assert isinstance(glacier("inventory"), InventoryJob)
    later(console.session, hours=4.1)
    assert list(glacier("inventory", "photos", "--wait")["name"]) == ["a"]
    assert "as of the inventory of" in face.notes[-1]


def test_a_dear_upload_is_shown_with_a_button_first(glacier, face, files, counted):
    """A cell shows the plan as a card; nothing is sent before it is run."""
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[all]\nupload-requests = 1000\n")
    files("a", b"a")
    glacier("create", "photos")
    plan = glacier("upload", "a", "--max-cost", "1")
    assert isinstance(plan, UploadPlan)
    assert face.offers == [plan]
    assert isinstance(view_of(plan), PlanCard)
    assert counted["upload_archive"] == 0
    assert plan.limit == 1
    plan.run()
    assert len(glacier("ls")) == 1


def test_what_was_left_out_of_an_upload_is_said(glacier, files, face):
    """With the reason."""
    glacier("create", "photos")
    files("scans/a")
    files("scans/empty", b"")
    glacier("upload", "scans", "--recursive")
    assert "empty" in face.notes[-1]


def test_removing_is_a_plan_until_yes(glacier, files, face):
    """And names nothing that is not there."""
    glacier("create", "photos")
    files("a")
    glacier("upload", "a")
    assert isinstance(glacier("rm", "a"), DeletePlan)
    assert len(glacier("ls")) == 1
    assert list(glacier("rm", "a", "--yes").table["state"]) == ["deleted"]
    assert len(glacier("ls")) == 0
    with pytest.raises(NameNotKnown):
        glacier("rm", "a")


# Ids that begin with a hyphen


@pytest.fixture
def dashed(glacier, console):
    """A catalogue with an archive whose id begins with a hyphen."""

    glacier("create", "photos")
    identifier = "-" + "Ab_-9" * 27 + "xy"
    assert len(identifier) == 138
    console.session.catalogue.archives.record(archive_record("dashed.txt", archive_id=identifier))
    return identifier


@pytest.mark.parametrize("verb", ["restore", "rm"])
@pytest.mark.parametrize("form", ["{}", "id:{}"])
@pytest.mark.parametrize("second", ["--", "-v", "-A"])
def test_an_id_that_begins_with_a_hyphen_is_an_id(glacier, dashed, verb, form, second, console):
    """Wherever one is accepted: bare, after ``id:``, before and after options."""
    other = f"{second}{'a' * (138 - len(second))}"
    word = form.format(dashed)
    for words in ([word], [word, "--vault", "photos"], ["--vault", "photos", word]):
        plan = glacier(verb, *words)
        archives = [i.archive for i in plan.items] if verb == "restore" else plan.archives
        assert [a.name for a in archives] == ["dashed.txt"]
    plan = glacier(verb, form.format(other))  # one that the catalogue never saw
    archives = [i.archive for i in plan.items] if verb == "restore" else plan.archives
    assert [a.archive_id for a in archives] == [other]


@pytest.mark.parametrize("verb", ["restore", "rm"])
def test_the_beginning_of_such_an_id_works_after_the_prefix(glacier, dashed, verb):
    """A short word with a hyphen would be an option."""
    assert "1 archive" in repr(glacier(verb, f"id:{dashed[:8]}"))


def test_an_error_about_such_an_id_shows_it_as_it_was_typed(glacier, dashed):
    """Without the mark that protected it."""
    with pytest.raises(InputError) as caught:
        glacier("ls", dashed, dashed)
    assert "\0" not in str(caught.value)
    assert "\\x00" not in str(caught.value)


# The emulator


def test_the_emulator_is_seen_and_turned(glacier, emulator, console):
    """Status, speed, pause, resume and jumps; the session hears of it."""
    assert emulator.url in repr(glacier("emulator"))
    before = console.session.service.clock.now()
    text = repr(glacier("emulator", "advance", "4h"))
    assert "time:" in text
    assert (console.session.service.clock.now() - before).total_seconds() >= 4 * 3600
    try:
        assert "1440 seconds per second" in repr(glacier("emulator", "speed", "1440"))
        assert "paused" in repr(glacier("emulator", "pause"))
        assert "1440" in repr(glacier("emulator", "resume"))
    finally:
        glacier("emulator", "pause")


@pytest.mark.parametrize(
    "words", [["speed", "-3"], ["speed", "x"], ["speed", "nan"], ["advance", "-4h"], ["speed", "inf"]]
)
def test_the_emulators_clock_takes_only_sense(glacier, words):
    """Whatever refuses it, the error is one of ours."""
    with pytest.raises((InputError, ConnectionFailed)):
        glacier("emulator", *words)


def test_the_emulator_stops_and_starts_again_with_its_data(console, tmp_path, stopped_emulators):
    """The next verb starts it by itself."""
    folder = tmp_path / "mine"
    stopped_emulators.append(folder)

    def glacier(*words):
        return run(console, VERBS, words)

    glacier("connect", "--emulator", "--data", str(folder), "--speed", "100")
    glacier("create", "photos")
    assert "is stopped" in glacier("emulator", "stop")
    assert "was not running" in glacier("emulator", "stop")
    with pytest.raises(ConnectionFailed) as caught:
        glacier("emulator", "advance", "4h")
    assert "start" in caught.value.cure
    assert list(glacier("vaults")["vault"]) == ["photos"]
    assert "100 times real time" in repr(glacier())
    assert "100 seconds per second" in repr(glacier("emulator", "status"))
