"""A plan as a card with a button; running it replaces the button with the outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

import ipywidgets as widgets

from ..backup.outcome import BackupOutcome
from ..base.rendering import STYLE, escape
from ..base.units import local_time
from ..errors import PlanChanged, describe
from ..jobs import Batch
from ..plans import Deleted, LastingPlan, Plan
from ..plans.plan_card import CARD_STYLE, details, top
from ..prices.money import money
from ..transfer.progress import Report
from .display import Place, Record, SavedPlace, said
from .face import bar, board_record
from .go_on import go_on_box
from .job_board import JobBoard
from .row_table import source
from .view import View, in_background

_CSS = f"{CARD_STYLE}<style>{source('card.css')}</style>"


class PlanCard(View, widgets.VBox):  # type: ignore[misc]
    """The effects of a plan, and the button that runs it.

    A plan that deletes data asks for a second click; one that deletes more than one archive has a
    field for the vault's name, which enables the button.
    """

    what = "plan's button"

    def __init__(self, plan: Plan[Any]) -> None:
        self._plan = plan
        self._guard = threading.Lock()  # clicks come in the kernel's thread, reports in those of the run
        self._running = False
        self._agreed = ""
        plain = widgets.Layout()  # one for all: a saved notebook has each layout
        self._text = widgets.HTML(_CSS + top(plan), layout=plain)
        self._details = widgets.HTML(details(plan), layout=plain)
        self._status = widgets.HTML(said("There is nothing to do." if plan.empty else ""), layout=plain)
        self._start = widgets.Button(
            description=plan.button,
            disabled=plan.empty or plan.result is not None,  # a plan runs once, wherever it is shown
            button_style="danger" if plan.danger else "primary",
            tooltip=plan.title,
        )
        self._start.on_click(self._asked)
        self._name = widgets.Text(
            description="Vault name", placeholder="type it to confirm", disabled=self._start.disabled
        )
        self._name.observe(lambda _: self._allow(), "value")
        self._needed = plan.confirmation
        # What is retrieved is lost after a day.
        self._go_on = go_on_box() if plan.kind in ("restore", "extend") else []
        self._buttons = widgets.HBox()
        self._beside = widgets.HTML(layout=plain)
        self._refusal = plan.refusal  # stored: the property may read the free space of the disk
        self._show_buttons()
        self._allow()
        super().__init__([self._text, self._buttons, self._status, self._details])
        self._buttons.add_class("glacier-buttons")
        self.add_class("glacier-card").add_class("glacier-plan")
        self._place: Place | None = None
        self._own: Place | None = None

    # Created on first use: a saved notebook holds every widget, and most cards never show these.

    @cached_property
    def _sure(self) -> widgets.Button:
        return _button(f"Yes, {self._plan.button.lower()}", self._run, button_style="danger")

    @cached_property
    def _no(self) -> widgets.Button:
        return _button("No", self._back)

    @cached_property
    def _end(self) -> widgets.Button:
        return _button("Stop", self._stop, tooltip="Stop now; the rest can be resumed later")

    def show(self) -> None:
        """Display the card and its record in the cell that runs."""
        self._own = Place(self)
        self._place = SavedPlace(self._record())

    def _take(self, plan: Plan[Any]) -> None:
        """Show another plan, which has not run either."""
        # Before the guard is taken: both may read the disk.
        first, rest, refusal = _CSS + top(plan), details(plan), plan.refusal
        with self._guard:
            self._plan, self._refusal = plan, refusal
            self._text.value, self._details.value = first, rest
            self._start.tooltip = plan.title
        if self._place is not None:
            self._place.put(self._record())  # the saved notebook shows the plan that the button runs

    def _record(self) -> Record:
        title = f"{self._plan.title}: not started when this was saved"
        html = f"<details><summary>{escape(title)}</summary>{self._plan.card_html()}</details>"
        return Record(repr(self._plan), html)

    def _allow(self) -> None:
        """Enable the button if the plan may run; say beside it why it is refused, or what was agreed."""
        self._start.disabled = not self._ready()
        self._beside.value = said(self._refusal if self._plan.result is None else self._agreed)

    def _ready(self) -> bool:
        """Return whether the plan may run: confirmed, not refused, not running, and not run yet."""
        # run() checks it again, with the same name.
        typed = not self._needed or self._name.value.strip() == self._needed
        waiting = not (self._running or self._plan.result is not None or self._plan.empty)
        return typed and waiting and not self._refusal

    def _asked(self, _: object) -> None:
        if not self._plan.danger or self._needed:  # typing the name replaces the second click
            self._run()
            return
        self._buttons.children = [self._sure, self._no]
        self._status.value = said(f"{self._plan.title}?")

    def _stop(self) -> None:
        if isinstance(self._plan, LastingPlan):
            self._plan.stop()

    def _show_buttons(self) -> None:
        first = [self._name] if self._needed else []
        self._buttons.children = [*first, self._start, self._beside, *self._go_on]

    def _back(self) -> None:
        self._show_buttons()
        self._status.value = said("Nothing was done.")

    def _run(self) -> None:
        with self._guard:
            if not self._ready():  # a second click may be in flight while the button is disabled
                return
            self._running = self._start.disabled = self._name.disabled = True
        self._agreed = ": ".join([f"Agreed at {local_time(self._plan.now())}", *self._terms()])
        self._beside.value = said(self._agreed)
        stoppable = isinstance(self._plan, LastingPlan) and self._plan.lasts
        self._buttons.children = [self._start, *([self._end] if stoppable else []), self._beside]
        self._status.value = said("Working …")
        in_background(self._work)

    def _terms(self) -> list[str]:
        """Return tier, price and limit as one text; none for what has no price."""
        plan, quote = self._plan, self._plan.next_quote
        limit = "no limit" if plan.limit is None else f"limit {money(plan.limit)}"
        return [] if quote is None else [", ".join(filter(None, (plan.tier, quote.brief(), limit)))]

    def _work(self) -> None:
        try:
            outcome = self._carry_out()
        except PlanChanged as error:  # nothing was done: the user decides again, by the new numbers
            self._changed(str(error))
        except Exception as error:  # in a thread, nothing else shows it
            self._fail(describe(error))
        else:
            self._done(outcome)

    def _carry_out(self) -> Any:
        if isinstance(self._plan, LastingPlan):
            self._plan.observe(self._report)
        # None: an empty text would be a wrong confirmation.
        return self._plan.run(self._name.value.strip() or None)

    def _report(self, report: Report) -> None:
        with self._guard:
            self._status.value = bar(report)._repr_html()

    def _fail(self, text: str) -> None:
        with self._guard:
            self._status.value = said(text)
            self._running = self._name.disabled = False  # a failed run has no result and can be repeated
            self._show_buttons()
            self._allow()
        self._put(text)

    def _changed(self, text: str) -> None:
        """Show the plan as it is now, and why it was not run; the button runs what is shown."""
        self._take(self._plan)  # run() has updated the plan itself
        self._fail(text)
        record = self._record()
        if self._place is not None:
            self._place.put(Record(f"{text}\n{record!r}", said(text) + record._repr_html()))

    def _done(self, outcome: Any) -> None:
        if isinstance(outcome, Batch):
            outcome.title = f"{outcome.title}. {self._agreed}"
            board = JobBoard(outcome)
            with self._guard:
                self.remove_class("glacier-plan")
                self.children = [board]  # the jobs appear where the plan was
                self._text.value = self._details.value = ""  # a saved notebook would keep them
            if self._place is not None:
                self._place.put(board_record(outcome.snapshot, outcome.title))
                board.keep_in(self._place, self._own)
            return
        text = outcome if isinstance(outcome, str) else f"Done: {self._plan.title}."
        html = said(text)
        if isinstance(outcome, Deleted | BackupOutcome):
            text, html = repr(outcome), f'{STYLE}<div role="status">{outcome._repr_html()}</div>'
        with self._guard:
            self._status.value = html
            self._show_buttons()
            self._allow()
        if self._place is not None:
            self._place.put(Record(text, html))

    def _put(self, text: str) -> None:
        if self._place is not None:
            self._place.put(Record(text, said(text)))


def _button(text: str, action: Callable[[], None], **looks: str) -> widgets.Button:
    made = widgets.Button(description=text, **looks)
    made.on_click(lambda _: action())
    return made
