"""The restore form: a plan whose tier, folder and budget are chosen on its card."""

from __future__ import annotations

import threading

import ipywidgets as widgets

from ..errors import GlacierError, InputError, describe
from ..jobs import TIERS
from ..plans import RestorePlan
from ..plans.restore.quoting import DESTINATIONS
from ..prices import parse_money
from .card import PlanCard
from .display import said


class RestoreForm(PlanCard):
    """The card of a restore plan; a change makes the plan again, and nothing is requested yet."""

    def __init__(self, plan: RestorePlan) -> None:
        self._made = plan
        self._tier = widgets.ToggleButtons(
            description="Tier", options=list(TIERS), value=plan.tier, style={"button_width": "auto"}
        )
        self._folder = widgets.Text(
            description="Folder",
            value=str(plan.to),
            continuous_update=False,
            layout=widgets.Layout(width="auto"),
        )
        self._way = widgets.Dropdown(
            description="This computer",
            options=[(words, word) for word, words in _PLACES.items()],
            value=plan.destination,
            layout=widgets.Layout(width="30em"),
            style={"description_width": "initial"},
        )
        self._budget = widgets.Text(
            description="Budget, USD",
            placeholder="no limit",
            continuous_update=False,
            value="" if plan.limit is None else f"{plan.limit:f}",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="15em"),
        )
        self._trusting = widgets.Checkbox(
            description="count unconfirmed prices towards the budget",
            value=plan.accepts_unconfirmed,
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self._misread = ""
        self._fields = (self._tier, self._folder, self._way, self._budget, self._trusting)
        super().__init__(plan)
        for field in self._fields:
            field.observe(lambda _: self._change(), "value")
        budget = widgets.HBox([self._budget, self._trusting])
        controls = widgets.VBox([self._tier, self._folder, self._way, budget])
        self.children = [self._text, controls, self._buttons, self._status]
        self._lock_fields()

    def _change(self) -> None:
        with self._guard:
            if self._running:
                return
            self._running = self._start.disabled = True
            self._status.value = said("Making the plan again …")
        self._lock_fields()
        threading.Thread(target=self._revise, name="glacier-form", daemon=True).start()

    def _revise(self) -> None:
        words = ""
        try:
            made = self._as_written()
        except GlacierError as error:
            words = str(error)
        except Exception as error:  # a thread has nobody to raise to
            words = describe(error)
        else:
            self._made = made
            self._take(made)
        nothing = "There is nothing to do." if self._made.empty else "Nothing is requested yet."
        with self._guard:
            self._running, self._misread = False, words
            self._status.value = said("" if words else nothing)
            self._allow()
        self._lock_fields()

    def _as_written(self) -> RestorePlan:
        """Return the plan that all fields describe together.

        :raises InputError: one of them is not understood.
        """
        budget = self._budget.value.strip()
        try:
            limit = parse_money(budget) if budget else None
        except ValueError as error:
            raise InputError(f"The budget is {error}", cure="") from None
        made = self._made.revised(
            tier=self._tier.value, to=self._folder.value.strip() or ".", destination=self._way.value
        )
        if limit is None:
            return made.without_limit()
        return made.limit_to(limit, accept_unconfirmed=self._trusting.value)

    def _why_not(self) -> str:
        return self._misread or super()._why_not()

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
assert _PLACES.keys() == DESTINATIONS.keys()
