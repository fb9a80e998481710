"""The restore form: a plan's card with fields for its tier, folder and budget."""

from __future__ import annotations

import ipywidgets as widgets

from ..errors import GlacierError, InputError, PriceUnknown, describe
from ..jobs import TIERS
from ..plans import RestorePlan
from ..prices import parse_money
from ..prices.quotes import HERE, INTERNET, REGION
from .card import PlanCard
from .choices import Choices
from .display import said
from .picker import folders
from .view import in_background

FormValues = tuple[str, str, str, str, bool]
"""Tier, folder, destination, budget, and whether unconfirmed prices count."""


class RestoreForm(PlanCard):
    """The card of a restore plan, which is replaced when a field changes.

    Start is enabled only if the plan shown has the values of the fields, is within its limit, and
    fits on the disk; an invalid field is never read as an empty one.
    """

    _plan: RestorePlan

    def __init__(self, plan: RestorePlan) -> None:
        self._tier = Choices(label="Tier", options=_tiers(plan), value=plan.tier)
        self._way = Choices(label="This computer is", options=_ways(plan), value=plan.destination)
        self._tier.add_class("glacier-tier")
        self._way.add_class("glacier-place")
        self._folder = widgets.Combobox(
            description="Folder",
            value=str(plan.folder),
            options=folders(plan.folder),
            continuous_update=False,
        )
        self._budget = widgets.Text(
            description="Budget, USD",
            placeholder="no limit",
            continuous_update=False,
            value="" if plan.limit is None else f"{plan.limit:f}",
        )
        self._trusting = widgets.Checkbox(
            description="count unconfirmed prices towards the budget",
            value=plan.accepts_unconfirmed,
            indent=False,
        )
        self._fields = (self._tier, self._folder, self._way, self._budget, self._trusting)
        self._look = widgets.Button(description="Refresh", tooltip="Check prices, jobs and free space again")
        self._look.on_click(lambda _: self._change(afresh=True))
        self._shown = self._written  # before super().__init__(), which calls _ready()
        super().__init__(plan)
        for field in self._fields:
            field.observe(self._edited, "value")
        fields = widgets.HBox([self._folder, self._budget, self._trusting])
        fields.add_class("glacier-fields")
        self.children = [self._text, self._tier, self._way, fields, *self.children[1:]]
        self._show_choices()
        self._lock_fields()

    @property
    def _written(self) -> FormValues:
        return (
            self._tier.value,
            self._folder.value.strip() or ".",
            self._way.value,
            self._budget.value.strip(),
            self._trusting.value,
        )

    def _ready(self) -> bool:
        # The plan shown must be the one that is started.
        return super()._ready() and self._written == self._shown

    def _show_buttons(self) -> None:
        # No name: a restore deletes nothing.
        self._buttons.children = [self._start, self._look, self._beside, *self._go_on]

    def _edited(self, _: object) -> None:
        self._change()

    def _change(self, *, afresh: bool = False) -> None:
        with self._guard:
            if self._running or self._plan.result is not None:
                return  # the thread below reads the fields again before it ends
            self._running = self._start.disabled = True  # a plan of old values must not be started meanwhile
            self._status.value = said("Making the plan …")
        in_background(self._revise, afresh)  # it reads the catalogue, and may ask the service for its policy

    def _revise(self, afresh: bool) -> None:
        while self._running:  # a field may change while the plan is made
            written = self._written
            try:
                self._take(self._planned(written, afresh=afresh))
                self._shown, refusal = written, self._plan.refusal
                self._show_choices()
            except GlacierError as error:
                refusal = str(error)  # the plan shown stays the last valid one
            except Exception as error:  # in a thread, nothing else shows it
                refusal = describe(error)
            nothing = "There is nothing to do." if self._plan.empty else "No request has been sent."
            with self._guard:
                if written == self._written:  # under the guard: a later change starts another thread
                    self._running, self._refusal = False, refusal
                    self._status.value = said("" if refusal else nothing)
                    self._allow()

    def _show_choices(self) -> None:
        """Show the prices of the present plan on the choices, and the fields that matter to it."""
        self._tier.options, self._way.options = _tiers(self._plan), _ways(self._plan)
        self._folder.options = folders(self._plan.folder)
        unsure = self._trusting.value or isinstance(self._plan.refused, PriceUnknown)
        self._trusting.layout.display = "" if unsure else "none"

    def _planned(self, written: FormValues, *, afresh: bool) -> RestorePlan:
        """Return the plan for the values of the fields.

        :raises InputError: a field is not valid.
        """
        tier, to, destination, budget, trusting = written
        try:
            limit = parse_money(budget) if budget else None
        except ValueError as error:
            raise InputError(f"The budget is {error}", cure="") from None
        plan = self._plan
        # A budget alone changes nothing of the plan: no file has to be looked at again.
        if afresh or written[:3] != self._shown[:3]:
            plan = plan.revised(tier=tier, to=to, destination=destination)
        if limit is None:
            return plan.without_limit()  # an empty field; an invalid one has raised above
        return plan.limit_to(limit, accept_unconfirmed=trusting)

    def _run(self) -> None:
        super()._run()
        self._lock_fields()

    def _fail(self, text: str) -> None:
        self._refusal = self._plan.refusal  # the prices or the free space may have changed during the run
        super()._fail(text)
        self._lock_fields()

    def _lock_fields(self) -> None:
        still = self._running or self._plan.result is not None
        for field in (*self._fields, self._look):
            field.disabled = still


_PLACES = {INTERNET: "outside AWS", REGION: "in another region", HERE: "in the vault's region"}


def _tiers(plan: RestorePlan) -> list[list[str]]:
    choices = plan.choices()
    return [[tier, tier, *choices.get(tier, ())] for tier in TIERS]


def _ways(plan: RestorePlan) -> list[list[str]]:
    return [
        [word, _PLACES.get(word, f"in {word}"), words.rpartition(": ")[2]]
        for word, words in plan.tiers.transfers().items()
    ]
