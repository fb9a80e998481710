"""Loading the extension into IPython, and unloading it completely."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from ..errors import GlacierError
from .completion import Completer
from .frame_hook import FrameHook
from .magics import GlacierMagics, one_line
from .views import VIEWS, view_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


FRAMES = (("pandas", "DataFrame"), ("pandas.core.frame", "DataFrame"))
"""The class of DataFrames since pandas 3, and before."""


def load(shell: InteractiveShell) -> None:
    """Register the magic, its completion, and the widgets of plans and jobs.

    Displays are registered by the names of types, so that loading imports none of them.
    """
    kernel = sys.modules.get("ipykernel")  # a kernel has imported it; IPython in a terminal need not have it
    version = str(getattr(kernel, "__version__", ""))
    if kernel is not None and version.startswith("7.0."):
        raise one_line(
            GlacierError(
                f"ipykernel {version} breaks live widgets",
                cure="Install another version with pip install -U ipykernel, and restart the kernel.",
            )
        )
    magics = GlacierMagics(shell)
    shell.register_magics(magics)
    hook = FrameHook(shell)
    for module, name in FRAMES:
        _display(shell).mimebundle_formatter.for_type_by_name(module, name, hook)
    _add_completer(shell, Completer(magics))
    if getattr(shell, "kernel", None) is not None:  # IPython in a terminal shows no widgets
        formatter = _display(shell).ipython_display_formatter
        for module, name in VIEWS:
            formatter.for_type_by_name(module, name, _show)


def unload(shell: InteractiveShell) -> None:
    """Undo :func:`load`, and end the session's threads."""
    found = shell.magics_manager.registry.pop("GlacierMagics", None)
    for table in shell.magics_manager.magics.values():  # one table for line magics, one for cell magics
        table.pop("glacier", None)
    if isinstance(found, GlacierMagics):
        found.close()
        with suppress(ValueError):
            cast("list[Any]", shell.configurables).remove(found)  # Magics.__init__() added it, for %config
    matchers = getattr(getattr(shell, "Completer", None), "custom_matchers", [])
    # In place: the completer of the shell keeps this list.
    matchers[:] = [m for m in matchers if not isinstance(getattr(m, "__self__", m), Completer)]
    _forget(_display(shell).ipython_display_formatter, VIEWS)
    for hook in _forget(_display(shell).mimebundle_formatter, FRAMES):
        hook.close()


def _forget(formatter: Any, kinds: Iterable[tuple[str, str]]) -> set[Any]:
    """Remove and return the printers of some classes, by module and name."""
    found = set()
    for module, name in kinds:
        found.add(formatter.deferred_printers.pop((module, name), None))
        kind = getattr(sys.modules.get(module), name, None)  # IPython moves a printer there at its first use
        found.add(formatter.type_printers.pop(kind, None))
    return found - {None}


def _display(shell: InteractiveShell) -> Any:
    return cast("Any", shell.display_formatter)


def _add_completer(shell: InteractiveShell, completer: Completer) -> None:
    # The interface for matchers is provisional; without it only completion is missing.
    with suppress(ImportError, AttributeError):
        shell.Completer.custom_matchers.append(completer.matcher())


def _show(found: object) -> None:
    view_of(found).show()
