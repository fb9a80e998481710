"""``%glacier``: the verbs as an IPython line magic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import traitlets
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from ..commands.setting_values import SETTINGS, Settings
from ..errors import GlacierError, InputError
from .display import shown

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..commands import Console


def _trait(name: str) -> Any:
    setting = next(setting for setting in SETTINGS if setting.name == name)
    # It casts: %config GlacierMagics.max_cost = 5 is a number.
    return traitlets.CUnicode("", help=f"{setting.help} ({setting.variable})").tag(config=True)


@magics_class
class GlacierMagics(Magics):
    """The magic ``%glacier``, with the console of this kernel."""

    profile = _trait("profile")
    region = _trait("region")
    endpoint_url = _trait("endpoint_url")
    vault = _trait("vault")
    tier = _trait("tier")
    destination = _trait("destination")
    to = _trait("to")
    max_cost = _trait("max_cost")
    ask_above = _trait("ask_above")
    max_rate = _trait("max_rate")
    description_format = _trait("description_format")
    part_size = _trait("part_size")

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell: Any = shell
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """The console; created on first use, so that loading the extension is fast."""
        if self._console is None:
            from ..commands import Console
            from .face import NotebookFace

            settings = Settings(lambda name: str(getattr(self, name)))
            self._console = Console(NotebookFace(self._shell), settings)
        return self._console

    @property
    def started(self) -> Console | None:
        """The console, or None before its first use."""
        return self._console

    def close(self) -> None:
        """End all threads."""
        if self._console is not None:
            self._console.close()

    @needs_local_scope  # so that a %glacier in a function sees its variables
    @no_var_expand  # words are split first, so that a value with spaces stays one word
    @line_cell_magic
    def glacier(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Run one verb; as ``%%glacier``, one on each line of the cell."""
        names = {**self._shell.user_ns, **(local_ns or {})}
        if cell is not None:
            return self._lines(line, cell)
        result = self._one(line, names)
        # IPython has made a call of the line; its result is not shown if a variable takes it.
        assigned = f"= get_ipython().run_line_magic('glacier', {line!r})"
        if assigned in self._shell.history_manager.input_hist_parsed[-1]:
            self._say(line, result)
        return result

    def _say(self, line: str, result: Any) -> None:
        """Note what a verb did whose result is assigned, and so not shown."""
        said = done(line.split(), result)
        if said:
            self.console.face.note(said)

    def _lines(self, line: str, cell: str) -> Any:
        from .script import statements

        last: Any = None
        try:
            script = statements(line, cell)
        except InputError as error:
            self.console.failed(["%%glacier", *line.split()], error)
            raise one_line(error) from None
        for statement in script:
            if last is not None:
                shown(last)  # the last result is the cell's, which IPython shows
            last = self._one(statement.line, self._shell.user_ns, f"line {statement.number}: ")
            if statement.target:
                self._shell.user_ns[statement.target] = last  # later lines of the cell can use it as $name
                self._say(statement.line, last)
                last = None  # an assignment shows nothing
        return last

    def _one(self, line: str, names: Mapping[str, Any], place: str = "") -> Any:
        from ..commands import VERBS, run
        from ..commands.grammar import after_interrupt

        try:
            return run(self.console, VERBS, self._words(line, names))
        except GlacierError as error:
            raise one_line(error, place) from None
        except KeyboardInterrupt:  # also ends the cell, so that no later line runs
            on = after_interrupt(VERBS, line.split(), "line", "%glacier")
            raise Interrupted(f"{place}{on}") from None

    def _words(self, line: str, names: Mapping[str, Any]) -> list[str]:
        """Return the expanded words of a line; save an error for ``why``."""
        from .words import expand, split

        try:
            return expand(split(line), names)
        except InputError as error:
            self.console.failed([line], error)  # as typed: it has no words yet
            raise


def done(words: Sequence[str], result: Any) -> str:
    """Return what a verb did in one line; empty for one that only reads, or has said it."""
    from ..client.vault import Vault
    from ..jobs import Batch
    from ..plans import Deleted

    if isinstance(result, str):
        return result
    if isinstance(result, Deleted):
        return result.words
    if isinstance(result, Vault):  # create and use
        return f"The vault in use is {result.name}."
    if words[:1] in (["inventory"], ["drop"]) and isinstance(result, Batch):
        return repr(result).split("\n", maxsplit=1)[0]
    if words[:1] in (["tags"], ["notify"]) and any("=" in word or word[:2] == "--" for word in words):
        return f"{' '.join(words)}: done."
    return ""


def _overview() -> str:
    from ..commands.dispatch import overview

    return f"{overview('%glacier')}\n\n{_GRAMMAR}"


_GRAMMAR = """\
Results can be assigned: df = %glacier ls '*.tif'.  $name and {expression} are expanded word
by word; single quotes keep a word literal.  %%glacier runs several lines, each a verb or
name = verb.  %config GlacierMagics lists the settings."""

# The text of %glacier?, made on demand like that of --help.
vars(GlacierMagics)["glacier"].getdoc = _overview


def one_line(error: GlacierError, place: str = "") -> GlacierError:
    """Return an error of the same class that IPython shows as one line, without a traceback."""
    kind = type(error)
    # A subclass, so that the user's except clauses still apply.
    made = type(kind.__name__, (_OneLine, kind), {"__module__": kind.__module__})
    result = made(f"{place}{error.message}", cure=error.cure, code=error.code)
    assert isinstance(result, GlacierError)
    return result


class _OneLine:
    # The output is of the kind "error", which Papermill and others look for; a UsageError's is not.
    def _render_traceback_(self) -> list[str]:  # IPython calls it instead of formatting a traceback
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


class Interrupted(_OneLine, KeyboardInterrupt):
    """The user interrupted a verb; the text says how to resume it."""
