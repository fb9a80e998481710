"""An upload that was started in JupyterLab's file browser."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from ...client.session import Session
from ...errors import GlacierError, NotReady, describe
from ...plans.upload_plan import UploadPlan
from ...transfer.progress import Report

LONGEST_STOP = 5.0
"""Seconds that the server waits for the requests in progress when it ends."""


class LabUpload:
    """A plan with a session of its own, run in a thread: planned, sending, stored, stopped or failed."""

    def __init__(self, session: Session, plan: UploadPlan) -> None:
        self._session, self._plan = session, plan
        self._title = plan.title  # that of a second run counts only the rest
        self._thread: threading.Thread | None = None
        self.number = uuid.uuid4().hex
        self.state, self._words, self._fraction = "planned", "", 0.0

    def offer(self) -> dict[str, Any]:
        """Return what the user reads before the start."""
        plan = self._plan
        return {
            "number": self.number,
            "title": self._title,
            "facts": plan.facts,
            "refusal": plan.refusal,
            "empty": plan.empty,
        }

    def shown(self) -> dict[str, Any]:
        """Return what the panel shows."""
        return {
            "number": self.number,
            "title": self._title,
            "state": self.state,
            "words": self._words,
            "fraction": round(self._fraction, 2),
        }

    def start(self) -> None:
        """Run the plan in a thread, unless it runs or has ended."""
        if self.state not in ("sending", "stored"):
            self.state, self._words = "sending", ""
            self._plan.observe(self._observe)
            self._thread = threading.Thread(target=self._run, name="glacier-lab", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the requests in progress; stored files are not sent again by a later start."""
        self._plan.stop()

    def close(self) -> None:
        """End the upload and its session."""
        self.stop()
        if self._thread is not None:
            self._thread.join(LONGEST_STOP)
        self._session.close()

    def _observe(self, report: Report) -> None:
        self._fraction, self._words = report.fraction, report.figures

    def _run(self) -> None:
        try:
            self._plan.run()
            self.state, self._words, self._fraction = "stored", "", 1.0
        except NotReady:
            self.state = "stopped"
        except GlacierError as error:
            self.state, self._words = "failed", str(error)
        except Exception as error:  # no caller would receive it from a thread
            self.state, self._words = "failed", describe(error)
