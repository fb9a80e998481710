"""Limits, saved plans and the history, as words that a face hears."""

import json
from contextlib import ExitStack

import pytest

from glacier_magic import cli
from glacier_magic.administration import Capacity
from glacier_magic.base.paths import data_folder
from glacier_magic.commands import VERBS, Console, run
from glacier_magic.commands.setting_values import Settings
from glacier_magic.errors import InputError, LocalError, NotFound, OverBudget, PriceUnknown
from glacier_magic.jobs import Batch
from glacier_magic.plans import RestorePlan
from glacier_magic.plans.past_plans import PastPlan
from tests.catalogue import wanted
from tests.counting import counting
from tests.faces import Face, Terminal

PATIENCE = 30.0
PRICES = """
[all]
retrieval-standard = 1024
retrieval-standard-requests = 1000
transfer-out-internet = 0
"""


@pytest.fixture
def face():
    return Face()


@pytest.fixture
def glacier(face, emulator, region, files, tmp_path, monkeypatch, sessions):
    """Run a line of words on a console with a vault of two archives of 1,024 bytes."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "catalogue.sqlite"))
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PRICES)
    console = Console(face, sessions=sessions)

    def glacier(*words):
        return run(console, VERBS, words)

    glacier("connect", "--data", str(emulator.folder), "--region", region)
    glacier("create", "photos")
    for name in ("a.tif", "b.tif"):
        path = files(name, 1024)
        glacier("upload", name)
        path.unlink()
    glacier.session, glacier.sessions = console.session, sessions
    yield glacier
    console.close()


def test_a_restore_within_its_limit_runs(glacier, jobs_of):
    """2 requests at a dollar, 2 KiB at 1,024 dollars for a GB: 2 + 2/1,024 = 2.001953125."""
    outcome = glacier("restore", "*", "--max-cost", "$2.01", "--yes")
    assert isinstance(outcome, Batch)
    assert len(jobs_of()) == 2
    kept = glacier("history").iloc[0]
    assert kept["price"] == "$2.01"
    assert glacier.session.catalogue.plans.recent()[0].promised["quote"]["total"] == "2.001953125"


def test_an_extension_has_a_limit_too(glacier, held, jobs_of, later, until, tmp_path):
    """Two requests at a dollar; over the limit none is made, and a second line makes no more."""
    words = ("restore", "--extend", "--max-cost", "$2.01", "--yes")
    batch = glacier("restore", "*", "--to", str(tmp_path / "back"), "--yes")
    later(glacier.session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 2)
    later(glacier.session, hours=20)
    with pytest.raises(OverBudget, match=r"\$2\.01, over the limit of \$2\.00"):
        glacier("restore", "--extend", "--max-cost", "2", "--yes")
    assert len(jobs_of()) == 2
    glacier(*words)
    assert len(jobs_of()) == 4
    glacier(*words)
    assert len(jobs_of()) == 4


def test_a_restore_over_its_limit_asks_for_nothing(glacier, jobs_of):
    """With --yes at once, without by the button of the plan."""
    with pytest.raises(OverBudget, match=r"\$2\.01, over the limit of \$2\.00"):
        glacier("restore", "*", "--max-cost", "2", "--yes")
    plan = glacier("restore", "*", "--max-cost", "2")
    assert isinstance(plan, RestorePlan)
    assert "REFUSED" in plan.card_html()
    with pytest.raises(OverBudget):
        plan.run()
    with pytest.raises(PriceUnknown, match="bulk retrieval"):
        glacier("restore", "*", "--max-cost", "2", "--tier", "bulk", "--yes")
    with pytest.raises(PriceUnknown, match="another region"):
        glacier("restore", "*", "--max-cost", "5", "--destination", "region", "--yes")
    assert jobs_of() == []
    assert len(glacier("history")) == 0


def test_a_limit_and_a_destination_can_be_set_once(glacier, jobs_of, monkeypatch):
    """For every restore and saved plan that follows; the tier of a saved plan stays its own."""
    glacier("restore", "*", "--save", "plan.json")
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "2")
    monkeypatch.setenv("GLACIER_MAGIC_TIER", "bulk")
    plan = glacier("run", "plan.json", "--to", "theirs")
    assert plan.tier == "Standard"
    with pytest.raises(OverBudget):
        plan.run()
    with pytest.raises(OverBudget):
        glacier("restore", "*", "--tier", "standard", "--yes")
    monkeypatch.setenv("GLACIER_MAGIC_DESTINATION", "region")
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "9")
    with pytest.raises(PriceUnknown, match="another region"):
        glacier("run", "plan.json", "--yes")
    assert jobs_of() == []


def test_a_limit_that_is_set_holds_for_deletions_and_capacity(glacier, emulator, monkeypatch):
    """And is no option of what only shows something; the line comes before it."""
    prices = data_folder() / "prices.toml"
    prices.write_text("[all]\nearly-deletion = 1000\nprovisioned-capacity = 100\n")
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "0.01")
    assert isinstance(glacier("capacity"), Capacity)
    with counting(emulator, "DeleteArchive") as deletions, counting(emulator, "PurchaseProvisionedCapacity"):
        for words in (
            ("rm", "*", "--confirm", "photos"),
            ("rm", "a.tif", "--yes"),
            ("rm", "a.tif", "--yes", "--max-fee", "0.001"),
            ("capacity", "buy", "--yes"),
            ("capacity", "buy", "--yes", "--max-cost", "99", "--accept-unconfirmed"),
        ):
            for _ in range(2):
                with pytest.raises(OverBudget):
                    glacier(*words)
        assert deletions() == 0
        glacier("rm", "a.tif", "--yes", "--max-cost", "1")
        assert deletions() == 1
    assert glacier.session.capacity().units == []


def test_what_is_set_does_not_count_as_typed(glacier, monkeypatch):
    """Where an option would be refused; its spelling is that of the option in any case."""
    for name, value in {"TO": "elsewhere", "TIER": "Bulk", "MAX_COST": "5"}.items():
        monkeypatch.setenv(f"GLACIER_MAGIC_{name}", value)
    for words in (("--expired",), ("--extend",)):
        assert glacier("restore", *words).empty
        for typed in (("--to", "here"), ("--to=here",)):
            with pytest.raises(InputError, match="first folder"):
                glacier("restore", *words, *typed)
    assert "Nothing" in glacier("restore", "--stop")
    with pytest.raises(InputError, match="--stop takes"):
        glacier("restore", "--stop", "--tier", "bulk")
    with pytest.raises(InputError, match="at once, in the first tier"):
        glacier("restore", "--extend", "--tier", "bulk")
    plan = glacier("restore", "*")
    assert (plan.tier, plan.to.name) == ("Bulk", "elsewhere")


def test_a_face_sets_the_limit_of_all_plans(face, glacier, jobs_of):
    """From then on, also of plans that are made without a verb; nobody has to connect again."""
    values = {"max_cost": ""}
    console = Console(face, Settings(lambda name: values.get(name, "")), sessions=glacier.sessions)
    with ExitStack() as stack:
        stack.callback(console.close)
        photos = console.session.vault("photos")
        assert photos.restore("*").limit is None
        values["max_cost"] = "1"
        with pytest.raises(OverBudget):
            photos.restore("*").run()
        values["max_cost"] = "much"
        with pytest.raises(InputError, match="max_cost cannot be 'much'"):
            photos.restore("*")
    assert jobs_of() == []


def test_a_price_is_said_before_and_after(face, glacier):
    """Of all that is confirmed on the line; what costs nothing has none."""
    with pytest.raises(OverBudget):
        glacier("restore", "*", "--yes", "--max-cost", "1")
    glacier("restore", "*", "--yes", "--to", "back")
    before, after = face.notes[-2:]
    assert before.startswith("This costs $2.01")
    assert "started. Price: $2.01" in after
    assert after.endswith(" %glacier history 1 shows what it comes to.")
    said = len(face.notes)
    glacier("restore", "*", "--yes", "--to", "back")
    assert face.notes[said:] == ["Restore 2 archives (2 KiB) from photos to back: started."]


@pytest.mark.parametrize(
    "words",
    [
        ("--max-cost", "lots"),
        ("--max-cost", ""),
        ("--accept-unconfirmed",),
        ("--destination", "moon"),
        ("--save", "p.json", "--yes"),
        ("--save", "p.json", "--wait"),
    ],
)
def test_a_slip_is_an_error(glacier, files, jobs_of, words):
    """With a cure, and nothing asked or written."""
    with pytest.raises(InputError) as caught:
        glacier("restore", "*", *words)
    assert caught.value.cure
    assert jobs_of() == []
    assert not (files.folder / "p.json").exists()


def test_a_plan_is_saved_and_run(glacier, jobs_of, later, files):
    """Saving asks for nothing; running shows the plan first, or runs it within a limit."""
    said = glacier("restore", "*", "--save", "plan.json")
    assert "No request was made" in said
    assert "$2.01" in said
    assert "%glacier run plan.json" in said
    assert jobs_of() == []
    with pytest.raises(LocalError, match="exists already"):
        glacier("restore", "*", "--save", "plan.json")
    plan = glacier("run", "plan.json", "--to", "theirs", "--tier", "bulk")
    assert isinstance(plan, RestorePlan)
    assert plan.tier == "Bulk"
    with pytest.raises(OverBudget):
        glacier("run", "plan.json", "--to", "theirs", "--max-cost", "1", "--yes")
    assert jobs_of() == []
    batch = glacier("run", "plan.json", "--to", "theirs", "--max-cost", "3", "--yes")
    later(glacier.session, hours=4.1)
    batch.wait(PATIENCE)
    assert sorted(p.name for p in (files.folder / "theirs").iterdir()) == ["a.tif", "b.tif"]


def test_a_plan_file_that_is_none_is_an_error(glacier, files):
    """Whatever else the words say."""
    files("x.json", json.dumps({"format": "x"}).encode())
    with pytest.raises(InputError, match="not a restore plan"):
        glacier("run", "x.json", "--yes", "--max-cost", "5")
    with pytest.raises(LocalError, match="no file"):
        glacier("run", "absent.json")


def test_the_history_shows_what_was_promised_and_what_happened(glacier, later, client):
    """A frame of all, and one in full; the archive that was deleted meanwhile is named."""
    assert len(glacier("history")) == 0
    ids = glacier("ls").set_index("name")["archive_id"]
    client.delete_archive(vaultName="photos", archiveId=ids["b.tif"])
    batch = glacier("restore", "*", "--yes")
    assert glacier("history")["state"].tolist() == ["under way"]
    later(glacier.session, hours=4.1)
    with pytest.raises(Exception, match=r"b\.tif"):
        batch.wait(PATIENCE)
    glacier("rm", "a.tif", "--yes")
    table = glacier("history")
    assert table["kind"].tolist() == ["delete", "restore"]
    assert table["state"].tolist() == ["done", "incomplete"]
    restore = table.iloc[1]
    assert (restore["archives"], restore["size"], restore["asked"]) == (2, 2048, 2)
    assert (restore["done"], restore["failed"], restore["size_done"]) == (1, 1, 1024)
    assert restore["run"] < restore["ended"]
    assert str(table["run"].dtype).endswith("UTC]")
    assert len(glacier("history", "--limit", "1")) == 1
    past = glacier("history", str(restore["id"]))
    assert isinstance(past, PastPlan)
    for words in ("failed: b.tif", "incomplete", "$2.01 at the promised prices", "prices.toml"):
        assert words in repr(past)
        assert words in past._repr_mimebundle_()["text/html"]


def test_a_number_that_is_none_is_an_error(glacier):
    """Of a plan, or of how many."""
    with pytest.raises(NotFound, match="number 7"):
        glacier("history", "7")
    for words in (("0",), ("x",), ("--limit", "0"), ("--limit", "-1"), ("9" * 30,)):
        with pytest.raises(InputError):
            glacier("history", *words)


def test_names_in_the_history_can_neither_write_html_nor_move_the_cursor(glacier, vault, put):
    """They come from strangers."""
    plans = glacier.session.catalogue.plans
    evil = "<script>\x1b[2J"
    number = plans.begin("restore", "photos", {"title": evil, "facts": [[evil, evil]]}, made=1, run=1)
    downloads = glacier.session.catalogue.downloads
    ids = downloads.want([wanted(name=evil, state="waiting")])
    plans.link(number, [(ids[0], True, 1)])
    downloads.update(ids[0], state="failed", error=evil)
    past = glacier("history", str(number))
    assert "\x1b" not in repr(past)
    html = past._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "\x1b" not in html


def test_the_command_line_ends_with_a_code_of_its_own(glacier, capsys, jobs_of):
    """8 for what a limit refuses; the plan is printed where nobody agreed to it."""
    assert cli.main(["restore", "*", "--max-cost", "1", "--yes"]) == 8
    assert "OverBudget" in capsys.readouterr().err
    assert cli.main(["restore", "*", "--max-cost", "5"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert cli.main(["history"]) == 0
    assert "nothing" in capsys.readouterr().out
    assert jobs_of() == []


def test_a_refused_plan_is_not_asked_about(glacier, capsys, monkeypatch, jobs_of):
    """Nobody is asked to agree to what would be refused: the reason, what to change, the error's code."""
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert cli.main(["restore", "*", "--max-cost", "1"]) == OverBudget.exit_code
    out, err = capsys.readouterr()
    assert out.startswith("Restore 2 archives (2 KiB) from photos to")
    assert "would be refused" in out
    assert "over the limit of $1.00. Raise the limit" in err
    assert "[y/N]" not in out + err
    assert "--yes" not in out + err
    assert jobs_of() == []


def test_a_plan_begins_with_what_it_costs_and_when_it_is_ready(glacier):
    """In one line, of text and of the card; also where the price is not known."""
    plan = glacier("restore", "*")
    assert " · $2.01 · ready " in repr(plan).splitlines()[0]
    assert "&nbsp;· <span>$2.01</span>&nbsp;· <span>ready " in plan.card_html()
    first = repr(glacier("restore", "*", "--tier", "bulk")).splitlines()[0]
    assert " · price unknown · ready " in first
