"""The restore form of a recovery, which writes the files when their parts are downloaded."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from ..errors import describe
from ..plans.recover_plan import RecoverPlan
from .display import Record, said
from .restore_form import RestoreForm


class RecoverForm(RestoreForm):
    """The form of a recovery, which is replaced by its jobs and, at their end, the written files."""

    _plan: RecoverPlan

    def _done(self, outcome: Any) -> None:
        super()._done(outcome)  # shows the board
        written = widgets.HTML(said("The files are written when the parts are downloaded."))
        with self._guard:
            self.children = [*self.children, written]
        try:
            outcome.wait()
            words = repr(self._plan.extract())
        except Exception as error:  # in a thread, nothing else shows it
            words = describe(error)
        written.value = said(words)
        if self._place is not None:
            record = Record(f"{outcome!r}\n{words}", f"{outcome._repr_html()}{said(words)}")
            self._place.put(record)
