"""A console for archives in Amazon Glacier vaults.

In a notebook: ``%load_ext glacier_magic``, then ``%glacier``.  From Python::

    import glacier_magic as gm

    session = gm.connect(profile="archive", region="eu-west-1")  # or emulator=True
    vault = session.vault("photos")
    archive = vault.upload("scan.tif")
    table = vault.archives("scans/2019/*")
    batch = vault.restore("scans/2019/*", tier="Bulk", to="restored/").run()
    batch.wait(progress=True)

Importing this imports neither boto3 nor pandas nor ipywidgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.on_first_use import importing
from .base.version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .backup.keep import Keep
    from .backup.packing import Packed, pack
    from .backup.rules import Rules
    from .base.treehash import tree_hash
    from .client.archive import Archive
    from .client.connect import connect
    from .client.session import Session
    from .client.vault import Vault
    from .errors import (
        AccessDenied,
        CatalogueError,
        ConnectionFailed,
        CredentialsError,
        EmulatorFailed,
        GlacierError,
        InputError,
        IntegrityError,
        JobExpired,
        JobFailed,
        LocalError,
        NameNotKnown,
        NotConfirmed,
        NotFound,
        NotReady,
        OverBudget,
        PlanChanged,
        PriceUnknown,
        Refused,
        RegionError,
        ServiceClosed,
        Unavailable,
        Unexpected,
        Unlistable,
        VaultNotEmpty,
        WrongKey,
    )
    from .jobs import Batch, InventoryJob, Job
    from .packs.unpacking import Keys
    from .packs.unpacking.package import Unpacked, unpack
    from .plans import Deleted, DeletePlan, DropPlan, EmptyPlan, RestorePlan
    from .plans.backup_plan import BackupPlan
    from .plans.events import PlanEvent
    from .plans.prune_plan import PrunePlan
    from .plans.recover_plan import RecoverPlan

_HOMES = {  # the errors are not listed: they are the default
    "Session": "client.session",
    "connect": "client.connect",
    "Archive": "client.archive",
    "Vault": "client.vault",
    **dict.fromkeys(("Packed", "pack"), "backup.packing"),
    "Rules": "backup.rules",
    "Keep": "backup.keep",
    **dict.fromkeys(("Batch", "InventoryJob", "Job"), "jobs"),
    **dict.fromkeys(("DeletePlan", "Deleted", "DropPlan", "EmptyPlan", "RestorePlan"), "plans"),
    "BackupPlan": "plans.backup_plan",
    "PlanEvent": "plans.events",
    "PrunePlan": "plans.prune_plan",
    "RecoverPlan": "plans.recover_plan",
    "tree_hash": "base.treehash",
    "Keys": "packs.unpacking",
    **dict.fromkeys(("Unpacked", "unpack"), "packs.unpacking.package"),
}

__all__ = [
    "AccessDenied",
    "Archive",
    "BackupPlan",
    "Batch",
    "CatalogueError",
    "ConnectionFailed",
    "CredentialsError",
    "DeletePlan",
    "Deleted",
    "DropPlan",
    "EmptyPlan",
    "EmulatorFailed",
    "GlacierError",
    "InputError",
    "IntegrityError",
    "InventoryJob",
    "Job",
    "JobExpired",
    "JobFailed",
    "Keep",
    "Keys",
    "LocalError",
    "NameNotKnown",
    "NotConfirmed",
    "NotFound",
    "NotReady",
    "OverBudget",
    "Packed",
    "PlanChanged",
    "PlanEvent",
    "PriceUnknown",
    "PrunePlan",
    "RecoverPlan",
    "Refused",
    "RegionError",
    "RestorePlan",
    "Rules",
    "ServiceClosed",
    "Session",
    "Unavailable",
    "Unexpected",
    "Unlistable",
    "Unpacked",
    "Vault",
    "VaultNotEmpty",
    "WrongKey",
    "__version__",
    "connect",
    "load_ipython_extension",
    "pack",
    "tree_hash",
    "unload_ipython_extension",
    "unpack",
]


__getattr__ = importing(__name__, {name: _HOMES.get(name, "errors") for name in __all__})


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register the magic ``%glacier``; called by ``%load_ext glacier_magic``."""
    from .notebook.extension import load

    load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Unregister the magic and end its threads; called by ``%unload_ext glacier_magic``."""
    from .notebook.extension import unload

    unload(ipython)
