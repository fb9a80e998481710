"""The restore form: a plan whose tier, folder and budget are chosen on its card."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from ..errors import GlacierError
from ..jobs import TIERS
from ..plans import RestorePlan
from ..plans.restore.quoting import DESTINATIONS
from ..prices import parse_money
from .card import PlanCard
from .display import said


class RestoreForm(PlanCard):
    """The card of a restore plan; a change makes the plan anew, and nothing is asked for yet."""

    def __init__(self, plan: RestorePlan) -> None:
        self._made = plan
        self._tier = widgets.ToggleButtons(
            description="Tier", options=list(TIERS), value=plan.tier,
            style={"button_width": "auto"},
        )  # fmt: skip
        self._folder = widgets.Text(
            description="Folder", value=str(plan.to), continuous_update=False,
            layout=widgets.Layout(width="auto"),
        )  # fmt: skip
        self._way = widgets.Dropdown(
            description="This computer",
            options=[(words, word) for word, words in _PLACES.items()],
            value=plan.destination,
            layout=widgets.Layout(width="30em"),
            style={"description_width": "initial"},
        )
        self._budget = widgets.Text(
            description="Budget, USD", placeholder="no limit", continuous_update=False,
            value="" if plan.limit is None else f"{plan.limit:f}",
            style={"description_width": "initial"}, layout=widgets.Layout(width="15em"),
        )  # fmt: skip
        self._trusting = widgets.Checkbox(
            description="rely on prices that nobody has confirmed",
            value=plan.accepts_unconfirmed, indent=False,
        )  # fmt: skip
        self._fields = (self._tier, self._folder, self._way, self._budget, self._trusting)
        super().__init__(plan)
        for field in (self._tier, self._folder, self._way):
            field.observe(lambda _: self._change(self._planned_anew), "value")
        for field in (self._budget, self._trusting):
            field.observe(lambda _: self._change(self._limited), "value")
        budget = widgets.HBox([self._budget, self._trusting])
        controls = widgets.VBox([self._tier, self._folder, self._way, budget])
        self.children = [self._text, controls, self._buttons, self._status]
        self._lock_fields()

    def _change(self, revise: Callable[[], RestorePlan]) -> None:
        with self._guard:
            if self._running:
                return
            self._running = self._start.disabled = True
            self._status.value = said("Making the plan anew …")
        self._lock_fields()
        threading.Thread(
            target=self._revise, args=(revise,), name="glacier-form", daemon=True
        ).start()

    def _revise(self, revise: Callable[[], RestorePlan]) -> None:
        words = ""
        try:
            made = revise()
        except (GlacierError, ValueError) as error:
            words = str(error)
        except Exception as error:  # a thread has nobody to raise to
            words = f"{type(error).__name__}: {error}"
        else:
            self._made = made
            self._take(made)
        with self._guard:
            self._running = False
            self._status.value = said(words or ("There is nothing to do." if self._made.empty else
                                                "Nothing has been asked for yet."))  # fmt: skip
            self._allow()
        self._lock_fields()

    def _planned_anew(self) -> RestorePlan:
        return self._made.revised(
            tier=self._tier.value, to=self._folder.value.strip() or ".",
            destination=self._way.value,
        )  # fmt: skip

    def _limited(self) -> RestorePlan:
        text = self._budget.value.strip().removeprefix("$")
        if not text:
            return self._made.without_limit()
        return self._made.limit_to(parse_money(text), accept_unconfirmed=self._trusting.value)

    def _run(self) -> None:
        super()._run()
        self._lock_fields()

    def _fail(self, text: str) -> None:
        super()._fail(text)
        self._lock_fields()

    def _lock_fields(self) -> None:
        still = self._running or self._plan.result is not None
        for field in self._fields:
            field.disabled = still


_PLACES = {
    "internet": "gets its bytes over the internet",
    "region": "is in another region of AWS",
    "here": "is in the region of the vault",
}
assert _PLACES.keys() == DESTINATIONS.keys()  # noqa: S101 - one for each, whatever is added


def card_of(plan: Any) -> PlanCard:
    """Return the card for a plan: a form where there is something to choose."""
    return RestoreForm(plan) if isinstance(plan, RestorePlan) else PlanCard(plan)
