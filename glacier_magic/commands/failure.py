"""What went wrong last, in full: kept for ``why``, in this process and the next.

It holds what was typed, the error's own words and places in this program's code; no value of any
variable, and no secret.
"""

from __future__ import annotations

import json
import shlex
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from .._version import __version__
from ..base.files import write_atomically
from ..base.paths import data_folder
from ..base.rendering import STYLE, Rendered, escape, visible
from ..errors import GlacierError, Unexpected
from ..scrubbing import scrub

PACKAGE = Path(__file__).parents[1]
DEEP = 12
"""Places in the code that are named, the innermost."""


class Failure(Rendered):
    """An error with all that is known of it: pairs of a label and words."""

    def __init__(self, facts: Sequence[tuple[str, str]]) -> None:
        self.facts = [(scrub(label), scrub(words)) for label, words in facts]

    @classmethod
    def of(cls, words: Sequence[str], error: GlacierError) -> Failure:
        """Describe *error*, which carrying out *words* ended with."""
        facts = [
            ("what happened", f"{type(error).__name__}: {error.message}"),
            ("what to do", error.cure),
            ("what that means", _meaning(error)),
            ("asked", shlex.join(words) or "where am I"),
            ("at", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, with version {__version__}"),
            ("the service's code", error.code),
            *error.details.items(),
            ("underneath", _underneath(error)),
            ("exit code", str(error.exit_code)),
            ("where", _places(error)),
        ]
        return cls([(label, text) for label, text in facts if text])

    def _repr_text(self) -> str:
        width = max((len(label) for label, _ in self.facts), default=0)
        lines = []
        for label, words in self.facts:
            first, *others = [visible(line) for line in words.split("\n")]
            lines.append(f"{label.rjust(width)}: {first}")
            lines += [f"{' ' * width}  {line}" for line in others]
        return "\n".join(lines)

    def _repr_html(self) -> str:
        rows = "".join(
            f"<tr><th scope='row'>{escape(label)}</th>"
            f"<td class='long' style='white-space:pre-wrap'>{escape(words)}</td></tr>"
            for label, words in self.facts
        )
        return f"{STYLE}<table class='glacier-table'>{rows}</table>"

    # Kept for the next process

    def keep(self) -> None:
        """Write it where the next process finds it, if that can be done."""
        file = _file()
        with suppress(OSError):
            write_atomically(file, json.dumps(self.facts))

    @classmethod
    def last(cls) -> Failure | None:
        """Return the one that was kept last, in whatever process."""
        try:
            told = json.loads(_file().read_text("utf-8"))
            return cls([(str(label), str(words)) for label, words in told])
        except (OSError, ValueError, TypeError):
            return None


def _file() -> Path:
    return data_folder() / "failure.json"


def _meaning(error: GlacierError) -> str:
    kinds = [kind for kind in type(error).__mro__ if kind.__module__ == GlacierError.__module__]
    return (kinds[0].__doc__ or "").partition("\n\n")[0].replace("\n   ", "") if kinds else ""


def _underneath(error: BaseException) -> str:
    """Return the kinds of errors that led to this one; their texts are not ours to show."""
    kinds: list[str] = []
    seen = error.__cause__ or error.__context__
    while seen is not None and len(kinds) < DEEP:
        kinds.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        seen = seen.__cause__ or seen.__context__
    return ", from ".join(kinds)


def _places(error: GlacierError) -> str:
    """Return the places in this package that the error came through, the innermost last."""
    origin = error.__cause__ if isinstance(error, Unexpected) and error.__cause__ else error
    frames = [
        f"{Path(frame.filename).relative_to(PACKAGE)}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(origin.__traceback__)
        if Path(frame.filename).is_relative_to(PACKAGE)
    ]
    return "\n".join(frames[-DEEP:])
