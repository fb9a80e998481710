"""The last error, in full, stored for ``why`` in this process and the next.

It holds the line that was typed, the error's message, and places in this program's code; never the
value of a variable, and no secret.
"""

from __future__ import annotations

import json
import shlex
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ..base.facts import Facts, facts_html, facts_lines
from ..base.files import write_atomically
from ..base.paths import data_folder
from ..base.rendering import Rendered
from ..base.version import __version__
from ..errors import GlacierError, Unexpected
from ..errors.scrubbing import scrub

PACKAGE = Path(__file__).parents[1]
DEEP = 12
"""The most places in the code that are named, from the innermost."""


class Failure(Rendered):
    """An error with its details, as pairs of a label and a text."""

    def __init__(self, facts: Facts) -> None:
        # Here, so that no fact is added unmasked.
        self.facts = [(scrub(label), scrub(text)) for label, text in facts]

    @classmethod
    def of(cls, words: Sequence[str], error: GlacierError) -> Failure:
        """Return the failure of *words* with *error*."""
        facts = [
            ("what happened", f"{type(error).__name__}: {error.message}"),
            ("what to do", error.cure),
            ("what it means", _meaning(error)),
            ("command", shlex.join(words) or "(status)"),
            ("at", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, with version {__version__}"),
            ("the service's code", error.code),
            *error.details.items(),
            ("caused by", _causes(error)),
            ("exit code", str(error.exit_code)),
            ("where", _places(error)),
        ]
        return cls([(label, text) for label, text in facts if text])

    def _repr_text(self) -> str:
        return "\n".join(facts_lines(self.facts))

    def _repr_html(self) -> str:
        return facts_html(self.facts)

    def save(self) -> None:
        """Write the failure to the data folder, if possible."""
        file = _file()
        with suppress(OSError):  # a full disk must not replace the error that is being reported
            write_atomically(file, json.dumps(self.facts))

    @classmethod
    def last(cls) -> Failure | None:
        """Return the failure that was saved last, by any process."""
        try:
            return cls([(str(label), str(text)) for label, text in json.loads(_file().read_text("utf-8"))])
        except (OSError, ValueError, TypeError):
            return None


def _file() -> Path:
    return data_folder() / "failure.json"


def _meaning(error: GlacierError) -> str:
    # magics.one_line() makes subclasses elsewhere: the documented class is one of errors.py.
    kinds = [kind for kind in type(error).__mro__ if kind.__module__ == GlacierError.__module__]
    return (kinds[0].__doc__ or "").partition("\n\n")[0].replace("\n   ", "") if kinds else ""


def _causes(error: BaseException) -> str:
    """Return the types of the errors that led to this one; their messages may hold secrets."""
    kinds: list[str] = []
    seen = error.__cause__ or error.__context__
    while seen is not None and len(kinds) < DEEP:
        # The type alone: a message may repeat a signed request.
        kinds.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        seen = seen.__cause__ or seen.__context__  # "raise from None" has none, but keeps its context
    return ", from ".join(kinds)


def _places(error: GlacierError) -> str:
    """Return the places in this package of the error's traceback, the innermost last."""
    # An Unexpected is raised in dispatch: its cause has the place.
    origin = error.__cause__ if isinstance(error, Unexpected) and error.__cause__ else error
    frames = [
        f"{Path(frame.filename).relative_to(PACKAGE)}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(origin.__traceback__)
        if Path(frame.filename).is_relative_to(PACKAGE)  # paths of the user's own code are private
    ]
    return "\n".join(frames[-DEEP:])
