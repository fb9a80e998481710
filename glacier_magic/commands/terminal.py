"""Progress on a terminal, which is updated in place, or in a log, as occasional lines."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from ..base.rendering import visible
from ..transfer.progress import SHORT, Busy, Delayed, Observer, Report

PAUSE = 10.0  # seconds between the lines in a log


def say_on(stream: TextIO, text: str) -> None:
    """Print a line, above the progress if some is shown."""
    shown = sys.modules.get("tqdm")
    if shown is None:
        print(text, file=stream, flush=True)
    else:
        shown.tqdm.write(text, file=stream)


@contextmanager
def progress_on(stream: TextIO, label: str, *, after: float = SHORT) -> Iterator[Observer]:
    """Show the reports of a transfer on a stream during the block, if it lasts.

    :param label: names the work until its first report.
    :param after: seconds after which it is shown.
    """
    display = _Bar(stream) if stream.isatty() else _Log(stream)
    try:
        with Delayed(display.show, label, after) as observer:
            yield observer
    finally:  # also after an error: the message begins on a line of its own
        display.close()


def _line(stream: TextIO, place: int = 0) -> Any:
    """Return a line of a terminal that fits its width, whatever that becomes."""
    from tqdm import tqdm  # not before a second has passed: the import takes 0.04 s

    return tqdm(file=stream, total=1, position=place, leave=False, dynamic_ncols=True, bar_format="{desc}")


def _refresh(line: Any) -> None:
    with suppress(OSError, ValueError):  # a closed terminal does not end the work
        line.refresh()


class _Bar:
    """A line of a terminal with a bar."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line: Any = None

    def show(self, report: Report) -> None:
        line = self._line = self._line or _line(self._stream)
        label, most = visible(report.label), max(20, shutil.get_terminal_size().columns // 3)
        line.desc = label if len(label) <= most else f"…{label[1 - most :]}"  # the end of a path
        line.leave = not isinstance(report, Busy)  # what has ended is not busy any more
        if line.leave:
            # Part of the format, where braces have a meaning.
            figures = visible(report.figures).replace("{", "{{").replace("}", "}}")
            line.n, line.bar_format = report.fraction, f"{{desc}}: {{percentage:3.0f}}%|{{bar}}| {figures}"
        else:
            line.bar_format = "{desc} …"
        _refresh(line)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()


class _Log:
    """Lines with pauses between them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = time.monotonic()

    def show(self, report: Report) -> None:
        if report.finished or time.monotonic() - self._last > PAUSE:
            self._last = time.monotonic()
            with suppress(OSError, ValueError):
                print(visible(str(report)), file=self._stream, flush=True)

    def close(self) -> None:
        """Do nothing: each line has its end."""


class Lines:
    """Several lines of a terminal, which are cleared at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[Any] = []

    def show(self, texts: Sequence[str]) -> None:
        """Show these lines instead of the last ones."""
        while len(self._lines) < len(texts):
            self._lines.append(_line(self._stream, len(self._lines)))
        for line, text in zip(self._lines, [*texts, *[""] * len(self._lines)], strict=False):
            if line.desc != text:
                line.desc = text
                _refresh(line)

    def close(self) -> None:
        """Clear the lines."""
        for line in reversed(self._lines):
            line.close()
