"""``%glacier``: the verbs as an IPython line magic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, needs_local_scope, no_var_expand

from ..errors import GlacierError, InputError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..commands import Console


@magics_class
class GlacierMagics(Magics):
    """Holds the console of this kernel."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell: Any = shell
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """Connection and vault in use; made at the first use, so that loading costs nothing."""
        if self._console is None:
            from ..commands import Console  # noqa: PLC0415
            from .face import NotebookFace  # noqa: PLC0415

            self._console = Console(NotebookFace(self._shell))
        return self._console

    @property
    def started(self) -> Console | None:
        """The console if there is one already."""
        return self._console

    def close(self) -> None:
        """End all threads."""
        if self._console is not None:
            self._console.close()

    @needs_local_scope
    @no_var_expand
    @line_magic
    def glacier(self, line: str, local_ns: dict[str, Any] | None = None) -> Any:
        """%glacier VERB ...: the archive console for Amazon Glacier vaults.

        connect, vaults, create, use, drop, upload, uploads, rate, ls, explore, inventory, rm,
        restore, jobs, wait, hash, verify, emulator

        %glacier           where am I, and what to type next
        %glacier --help    all verbs
        %glacier VERB --help

        Results can be assigned: df = %glacier ls '*.tif'.  $name and {expression} are filled in,
        word by word; single quotes keep a word as it is.
        """
        from ..commands import VERBS, run  # noqa: PLC0415
        from .words import expand, split  # noqa: PLC0415

        try:
            words = expand(split(line), {**self._shell.user_ns, **(local_ns or {})})
            return run(self.console, VERBS, words)
        except InputError as error:
            raise UsageError(str(error)) from None
        except GlacierError as error:
            raise one_line(error) from None
        except KeyboardInterrupt:
            raise UsageError(
                "Stopped. What was done is kept; the same line goes on from here."
            ) from None


def one_line(error: GlacierError) -> GlacierError:
    """Return an error of the same class that IPython shows as one line, not as a traceback."""
    kind = type(error)
    shown = type(kind.__name__, (_OneLine, kind), {"__module__": kind.__module__})
    result = shown(error.message, cure=error.cure, code=error.code)
    assert isinstance(result, GlacierError)  # noqa: S101 - made from one just now
    return result


class _OneLine:
    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]
