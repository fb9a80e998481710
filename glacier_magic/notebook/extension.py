"""Loading into IPython and leaving it without a trace."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from IPython.core.error import UsageError

from .completion import Completer
from .magics import GlacierMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_TYPES = {
    "Plan": ("glacier_magic.plans.base", "Plan"),
    "Batch": ("glacier_magic.jobs.handles", "Batch"),
    "Leftovers": ("glacier_magic.transfer.unfinished", "Leftovers"),
    "Explorer": ("glacier_magic.explore.explorer", "Explorer"),
    "UploadDesk": ("glacier_magic.transfer.upload_queue", "UploadDesk"),
}


def load(shell: InteractiveShell) -> None:
    """Register the magic, its completion, and the widgets of plans and jobs.

    Nothing heavy is imported: the display of a type is registered by the type's name.
    """
    kernel = sys.modules.get("ipykernel")
    version = str(getattr(kernel, "__version__", ""))
    if kernel is not None and version.startswith("7.0."):
        raise UsageError(
            f"ipykernel {version} breaks every live widget: install another one with "
            "pip install -U ipykernel, and restart the kernel."
        )
    magics = GlacierMagics(shell)
    shell.register_magics(magics)
    _add_completer(shell, Completer(magics))
    if getattr(shell, "kernel", None) is not None:
        formatter = _formatter(shell)
        formatter.for_type_by_name(*_TYPES["Plan"], _show_plan)
        formatter.for_type_by_name(*_TYPES["Batch"], _show_batch)
        formatter.for_type_by_name(*_TYPES["Leftovers"], _show_leftovers)
        formatter.for_type_by_name(*_TYPES["Explorer"], _show_explorer)
        formatter.for_type_by_name(*_TYPES["UploadDesk"], _show_desk)


def unload(shell: InteractiveShell) -> None:
    """Undo what :func:`load` did and stop every thread it started."""
    found = shell.magics_manager.registry.pop("GlacierMagics", None)
    for table in shell.magics_manager.magics.values():
        table.pop("glacier", None)
    if isinstance(found, GlacierMagics):
        found.close()
        with suppress(ValueError):
            cast("list[Any]", shell.configurables).remove(found)
    matchers = getattr(getattr(shell, "Completer", None), "custom_matchers", [])
    matchers[:] = [m for m in matchers if not isinstance(getattr(m, "__self__", m), Completer)]
    formatter = _formatter(shell)
    for module, name in _TYPES.values():
        formatter.deferred_printers.pop((module, name), None)
        kind = getattr(sys.modules.get(module), name, None)
        formatter.type_printers.pop(kind, None)


def _formatter(shell: InteractiveShell) -> Any:
    return cast("Any", shell.display_formatter).ipython_display_formatter


def _add_completer(shell: InteractiveShell, completer: Completer) -> None:
    # The interface for matchers is provisional; without it only completion is missing.
    with suppress(ImportError, AttributeError):
        shell.Completer.custom_matchers.append(completer.matcher())


def _show_plan(plan: Any) -> None:
    from .restore_form import card_of  # noqa: PLC0415

    card_of(plan).show()


def _show_leftovers(leftovers: Any) -> None:
    from .leftovers import LeftoversCard  # noqa: PLC0415

    LeftoversCard(leftovers).show()


def _show_explorer(explorer: Any) -> None:
    from .explorer import ExplorerView  # noqa: PLC0415

    ExplorerView(explorer).show()


def _show_batch(batch: Any) -> None:
    from .board import JobBoard  # noqa: PLC0415

    JobBoard(batch).show()


def _show_desk(desk: Any) -> None:
    from ..errors import GlacierError  # noqa: PLC0415
    from .uploads import UploadPanel  # noqa: PLC0415

    left = None
    with suppress(GlacierError):  # the panel is useful without them
        left = desk.leftovers()
    UploadPanel(desk, left).show()
