"""The restore form without a page: its fields make the plan anew, and Start asks once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from glacier_magic.notebook.restore_form import RestoreForm
from glacier_magic.notebook.views import view_of

PRICES = """
[all]
retrieval-bulk = 0.0025
retrieval-bulk-requests = 0.025
retrieval-standard = 0.01
retrieval-standard-requests = 0.03
"""


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.fixture
def form(filled: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> RestoreForm:
    (tmp_path / "prices.toml").write_text(PRICES)
    monkeypatch.setenv("GLACIER_MAGIC_PRICES", str(tmp_path / "prices.toml"))
    made = view_of(filled.restore("*", to=tmp_path / "back", destination="here"))
    assert isinstance(made, RestoreForm)
    return made


def settled(form: RestoreForm) -> None:
    until(lambda: not form._running)


def test_it_shows_the_tiers_and_asks_for_nothing(form: RestoreForm, jobs_of: Any) -> None:
    """Three tiers with price and time, the folder and its room, and a button."""
    shown = form._text.value
    for words in ("Expedited", "Standard", "Bulk", "free space", "asked of the service"):
        assert words in shown
    assert form._tier.value == "Standard"
    assert not form._start.disabled
    assert jobs_of() == []


def test_another_tier_and_folder_make_another_plan(
    form: RestoreForm, jobs_of: Any, tmp_path: Any
) -> None:
    """What Start then asks for is what is shown."""
    form._tier.value = "Bulk"
    settled(form)
    form._folder.value = str(tmp_path / "elsewhere")
    settled(form)
    assert "elsewhere" in form._text.value
    form._start.click()
    until(lambda: form._plan.result is not None)
    assert len(jobs_of()) == 3
    assert {row.tier for row in form._plan.result.snapshot.rows} == {"Bulk"}
    until(lambda: form._tier.disabled)
    form._start.click()
    assert len(jobs_of()) == 3


def test_a_budget_that_is_too_small_refuses(form: RestoreForm, jobs_of: Any) -> None:
    """Said on the card as soon as it is typed, and again by Start; nothing is asked for."""
    form._budget.value = "$0.00001"
    settled(form)
    assert "REFUSED" in form._text.value
    form._start.click()
    until(lambda: "OverBudget" in form._status.value)
    assert jobs_of() == []
    form._budget.value = "1"
    settled(form)
    assert "kept" in form._text.value
    form._start.click()
    until(lambda: form._plan.result is not None)
    assert len(jobs_of()) == 3


def test_a_tier_changed_later_keeps_the_budget(form: RestoreForm) -> None:
    """One field does not undo the other."""
    form._budget.value = "0.00001"
    settled(form)
    form._tier.value = "Bulk"
    settled(form)
    assert "REFUSED" in form._text.value
    form._budget.value = ""
    settled(form)
    assert "REFUSED" not in form._text.value


@pytest.mark.parametrize("text", ["lots", "-1", "NaN", "<b>"])
def test_what_is_no_budget_is_said(form: RestoreForm, text: str) -> None:
    """In words, inert, and the plan is as before."""
    form._budget.value = text
    settled(form)
    assert "<b>" not in form._status.value
    assert "limit" not in form._text.value
    assert form._status.value.count(">") < 12
    assert "Nothing has been asked for yet" not in form._status.value


def test_other_plans_have_a_plain_card(filled: Any) -> None:
    """There is nothing to choose about a deletion."""
    assert not isinstance(view_of(filled.remove("c.txt")), RestoreForm)
