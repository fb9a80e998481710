"""Temporary folders that are backed up when they are filled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from ..backup.run_options import RunOptions
from ..errors import LocalError
from .vault_labels import VaultLabels

if TYPE_CHECKING:
    import os


class VaultStaging(VaultLabels):
    """The staging of a vault; :class:`.Vault` adds the rest."""

    @contextmanager
    def staging(
        self,
        name: str,
        *,
        recipients: Sequence[str] = (),
        plain: bool = False,
        options: RunOptions | None = None,
        max_cost: Decimal | int | str | None = None,
        within: str | os.PathLike[str] | None = None,
    ) -> Iterator[Path]:
        """Create a temporary folder, and back up what the block writes into it.

        The folder is removed in any case.  If the block raises an error, nothing is stored.

        >>> with vault.staging("nightly-db") as folder:                     # doctest: +SKIP
        ...     dump(folder / "db.sql")

        :param name: of the set; for the other parameters see :meth:`backup`, which checks them before the
            block, and :meth:`.BackupPlan.run`.
        :param within: the folder to create it in; None: the system's folder for temporary files.
        :raises LocalError: the block wrote nothing, or a file cannot be read; the others are stored.
        """
        with tempfile.TemporaryDirectory(prefix="glacier_magic-", dir=within) as made:
            self._definition(
                name, [made], recipients=recipients, plain=plain
            )  # fails before the block does its work
            yield Path(made)
            if not any(Path(made).iterdir()):
                raise LocalError(
                    f"Nothing was written for {name!r}", cure="Write into the folder of the block."
                )
            plan = self.backup(name, made, recipients=recipients, plain=plain, options=options)
            ran = plan.run(max_cost=max_cost)
            if ran.unread or ran.hook_error:
                raise LocalError(repr(ran))
