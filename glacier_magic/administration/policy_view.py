"""The base of access policies and locks: showing a vault's policy and saving it to a file."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.rendering import Rendered, escape, visible
from ..errors import NotFound
from ..service import Service
from .documents import Document
from .saving import save_new


class VaultPolicy(Rendered):
    """A policy of a vault at the time it was read.

    :param document: the policy, or None without one.
    """

    absent = ""
    """The sentence about a vault without a policy, after its name."""
    lasting = False
    """Whether the policy is meant to be permanent."""

    def __init__(self, vault: str, service: Service, document: Document | None) -> None:
        self.vault, self._service, self.document = vault, service, document

    def _checked(self, policy: Document | str) -> Document:
        """Return a policy that may be set on this vault.

        :raises InputError: it is not a policy, or one for another vault.
        """
        document = policy if isinstance(policy, Document) else Document.parse(policy)
        # The service is asked for the ARN: it contains the account's id.
        document.check_vault(self._service.describe_vault(self.vault)["VaultARN"])
        return document

    @property
    def text(self) -> str | None:
        """The policy as the service returned it, or None."""
        return None if self.document is None else self.document.text

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the policy as the service returned it, including account ids, to a new file.

        :raises NotFound: there is none.
        :raises LocalError: the file exists or cannot be written.
        """
        if self.document is None:
            raise NotFound(f"{self.vault} {self.absent}", cure="There is nothing to save.")
        return save_new(path, self.document.text)  # unmasked: it must be possible to set it again

    def _heading(self) -> list[str]:
        raise NotImplementedError

    def _lines(self, document: Document) -> list[str]:
        words = document.words() or ["has no statement that can be described"]
        return [
            *self._heading(),
            *(f"  {line}" for line in words),
            *(f"  WARNING: {line}" for line in document.warnings(lasting=self.lasting)),
        ]

    def _repr_text(self) -> str:
        if self.document is None:
            return f"{self.vault} {self.absent}"
        lines = [*self._lines(self.document), *self.document.pretty().split("\n")]
        return "\n".join(visible(line) for line in lines)

    def _repr_html(self) -> str:
        if self.document is None:
            return f"<p>{escape(self._repr_text())}</p>"
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines(self.document))
        return f"{lines}<pre>{escape(self.document.pretty())}</pre>"
