"""The restore form without a page: its fields make the plan anew, and Start asks once."""

from __future__ import annotations

from typing import Any

import pytest

from glacier_magic.notebook.display import said
from glacier_magic.notebook.picker import folders
from glacier_magic.notebook.restore_form import RestoreForm
from glacier_magic.notebook.views import view_of
from tests.conftest import wait_until

PRICES = """
[all]
retrieval-bulk = 0.0025
retrieval-bulk-requests = 0.025
retrieval-standard = 0.01
retrieval-standard-requests = 0.03
"""


@pytest.fixture
def form(filled: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> RestoreForm:
    (tmp_path / "prices.toml").write_text(PRICES)
    monkeypatch.setenv("GLACIER_MAGIC_PRICES", str(tmp_path / "prices.toml"))
    made = view_of(filled.restore("*", to=tmp_path / "back", destination="here"))
    assert isinstance(made, RestoreForm)
    return made


def settled(form: RestoreForm) -> None:
    wait_until(lambda: not form._running)
    with form._guard:  # what follows from it is written by then
        pass


def test_it_shows_the_tiers_and_asks_for_nothing(form: RestoreForm, jobs_of: Any) -> None:
    """Three tiers with price and time, the folder and its room, and a button."""
    shown = form._text.value + form._details.value + str(form._tier.options)
    for words in ("Expedited", "Standard", "Bulk", "free space", ">requested<"):
        assert words in shown
    assert form._tier.value == "Standard"
    assert not form._start.disabled
    assert jobs_of() == []


def test_another_tier_and_folder_make_another_plan(form: RestoreForm, jobs_of: Any, tmp_path: Any) -> None:
    """What Start then asks for is what is shown."""
    form._tier.value = "Bulk"
    settled(form)
    form._folder.value = str(tmp_path / "elsewhere")
    settled(form)
    assert "elsewhere" in form._text.value
    form._start.click()
    wait_until(lambda: form._plan.result is not None)
    assert len(jobs_of()) == 3
    assert {row.tier for row in form._plan.result.snapshot.rows} == {"Bulk"}
    wait_until(lambda: form._tier.disabled)
    form._start.click()
    assert len(jobs_of()) == 3


def test_a_budget_that_is_too_small_refuses(form: RestoreForm, jobs_of: Any) -> None:
    """The button is off and the reason beside it as soon as the budget is written."""
    form._budget.value = "$0.00001"
    settled(form)
    assert "REFUSED" in form._details.value
    assert form._start.disabled
    assert "over the limit" in form._beside.value
    form._start.click()
    assert form._plan.result is None
    assert jobs_of() == []
    form._budget.value = "1"
    settled(form)
    assert "kept" in form._text.value
    assert form._beside.value == said("")
    form._start.click()
    wait_until(lambda: form._plan.result is not None)
    assert len(jobs_of()) == 3


def test_a_tier_changed_later_keeps_the_budget(form: RestoreForm) -> None:
    """One field does not undo the other."""
    form._budget.value = "0.00001"
    settled(form)
    form._tier.value = "Bulk"
    settled(form)
    assert "REFUSED" in form._details.value
    form._budget.value = ""
    settled(form)
    assert "REFUSED" not in form._details.value


@pytest.mark.parametrize("text", ["abc", "5,50", "-3", "0,0001 USD", "1.000,50", "lots", "NaN", "<b>"])
def test_a_budget_that_is_not_understood_starts_nothing(form: RestoreForm, jobs_of: Any, text: str) -> None:
    """The reason stands beside the button, inert, until the field is understood again."""
    form._budget.value = text
    settled(form)
    assert form._start.disabled
    assert "not an amount of US dollars" in form._beside.value
    assert "<b>" not in form._beside.value
    form._start.click()
    form._tier.value = "Bulk"  # another field does not make up for it
    settled(form)
    assert form._start.disabled
    assert "not an amount of US dollars" in form._beside.value
    form._start.click()
    assert form._plan.result is None
    assert jobs_of() == []
    form._budget.value = "2"
    settled(form)
    assert not form._start.disabled
    form._start.click()
    wait_until(lambda: form._plan.result is not None)
    assert len(jobs_of()) == 3
    assert form._plan.limit == 2


def test_a_budget_written_and_started_at_once_counts(form: RestoreForm, jobs_of: Any) -> None:
    """A click that comes while the plan is made again does nothing: it was of another budget."""
    form._budget.value = "0.00001"
    form._start.click()
    settled(form)
    assert form._start.disabled
    assert form._plan.result is None
    assert jobs_of() == []


def test_the_choices_say_price_time_and_what_the_budget_excludes(form: RestoreForm, tmp_path: Any) -> None:
    """Side by side, and still the same ones after another tier is chosen: the page keeps the focus."""
    standard = form._tier.options[1]
    assert standard[:2] == ["Standard", "Standard"]
    assert standard[3] == "in 3 to 5 h"
    assert [place[1] for place in form._way.options] == [
        "outside AWS",
        "in another region",
        "in the vault's region",
    ]
    assert form._way.options[2][2] == "$0"
    before = form._tier.options
    form._tier.value = "Bulk"
    assert not form._tier.disabled
    settled(form)
    assert form._tier.options == before
    form._budget.value = "0.0000801"
    settled(form)
    assert [tier[-1] == "over the limit" for tier in form._tier.options[1:]] == [True, False]


def test_unconfirmed_prices_are_a_question_only_where_they_matter(form: RestoreForm, jobs_of: Any) -> None:
    """With a budget, and a price that it cannot rely on."""
    assert form._trusting.layout.display == "none"
    form._budget.value = "5"
    settled(form)
    assert form._trusting.layout.display == "none"
    form._tier.value = "Expedited"
    settled(form)
    assert form._tier.options[0][2] == "price unknown"
    assert form._trusting.layout.display == ""
    assert form._start.disabled
    form._budget.value = ""
    settled(form)
    assert form._trusting.layout.display == "none"
    assert jobs_of() == []


def test_what_was_agreed_stays_above_the_jobs(form: RestoreForm, jobs_of: Any) -> None:
    """In one line, with the tier, the price, the limit and when."""
    form._budget.value = "1"
    settled(form)
    form._start.click()
    wait_until(lambda: form._plan.result is not None and "Agreed" in form._plan.result.title)
    assert form._plan.result.title.startswith("Restore 3 archives")
    assert form._plan.result.title.endswith(": Standard, <$0.0001, limit $1.00")
    assert len(jobs_of()) == 3


def test_the_folder_field_suggests_folders_in_it_and_beside_it(tmp_path: Any) -> None:
    """Without files, hidden ones, and one that does not exist."""
    for name in ("photos/2019", "photos/.hidden", "music"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "photos" / "a.txt").write_text("")
    found = folders(tmp_path / "photos")
    assert [path.removeprefix(f"{tmp_path}/") for path in found] == ["photos/2019", "music", "photos"]
    assert folders(tmp_path / "none")[0] == f"{tmp_path}/music"


def test_too_little_room_is_said_beside_the_button(
    filled: Any, session: Any, jobs_of: Any, tmp_path: Any
) -> None:
    """Nothing is requested that could not be written."""
    session.catalogue.database.execute("UPDATE archive_rows SET size=?", (1 << 60,))
    form = view_of(filled.restore("*", to=tmp_path / "back"))
    assert form._start.disabled
    assert "there is no room in" in form._beside.value
    form._start.click()
    assert form._plan.result is None
    assert jobs_of() == []


def test_a_limit_that_refuses_turns_off_the_button_of_every_card(filled: Any) -> None:
    """Not of restores alone."""
    card = view_of(filled.delete("c.txt").limit_to("0"))
    assert card._start.disabled == bool(card._plan.refusal)
    assert card._beside.value == said(card._plan.refusal)


def test_other_plans_have_a_plain_card(filled: Any) -> None:
    """There is nothing to choose about a deletion."""
    assert not isinstance(view_of(filled.delete("c.txt")), RestoreForm)
