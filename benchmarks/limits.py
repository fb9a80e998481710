"""What a figure must be, printed beside what it is and kept for run.py."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = "BENCHMARK_RESULTS"
"""The variable that names the file to which each figure is added, a line of JSON each."""


@dataclass
class Limit:
    """A figure and what it must be: at least, or at most; without either it is only shown."""

    what: str
    value: float
    unit: str = "x"
    least: float | None = None
    most: float | None = None
    best: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure is within its limits."""
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )

    @property
    def wanted(self) -> str:
        """The limit in words, empty where there is none."""
        if self.least is not None:
            return f">= {self.least:g}"
        return "" if self.most is None else f"<= {self.most:g}"

    def __str__(self) -> str:
        verdict = "" if not self.wanted else "met" if self.met else "MISSED"
        best = "" if self.best is None else f"  (best runs {self.best:.2f})"
        return f"  {self.what:<58} {self.value:9.2f} {self.unit:<4} {self.wanted:<9} {verdict}{best}".rstrip()


def show(*limits: Limit) -> None:
    """Print each figure with its limit, and add it to the file that run.py reads."""
    for limit in limits:
        print(limit, flush=True)
        if os.environ.get(RESULTS):
            with Path(os.environ[RESULTS]).open("a") as file:
                file.write(json.dumps(asdict(limit)) + "\n")
