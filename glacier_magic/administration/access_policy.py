"""The access policy of a vault: who may use it in addition to its owner."""

from __future__ import annotations

import os
from pathlib import Path

from ..service import Service
from ..service.administration import Administration
from .change import Change
from .documents import Document
from .policy_view import VaultPolicy


class AccessPolicy(VaultPolicy):
    """The access policy of a vault at the time it was read; there may be none."""

    absent = "has no access policy: only identities of its own account can use it."

    def __init__(self, vault: str, service: Service) -> None:
        text = Administration(service).access_policy(vault)
        super().__init__(vault, service, None if text is None else Document.received(text))

    def set(self, policy: Document | str) -> Change[AccessPolicy]:
        """Return the plan to set a policy; it replaces the current one.

        :param policy: a :class:`Document`, or the JSON text of one.
        :raises InputError: it is not a policy, or one for another vault.
        """
        document = self._checked(policy)
        before = "no policy" if self.document is None else "another policy, which is lost: --save keeps it"
        if self.document is not None and document.same_as(self.document):
            before = "the same policy"
        warnings = document.warnings()
        return Change(
            f"Set the access policy of {self.vault}",
            act=lambda: self._set(document),
            facts=[
                ("now", before),
                *(("policy", words) for words in document.words()),
                *(("WARNING", warning) for warning in warnings),
            ],
            text=document.pretty(),
            danger=bool(warnings),
        )

    def set_file(self, path: str | os.PathLike[str]) -> Change[AccessPolicy]:
        """Return the plan to set the policy in a file; raises like :meth:`set`.

        :raises LocalError: the file cannot be read.
        """
        return self.set(Document.read(Path(path).expanduser()))

    def _set(self, document: Document) -> AccessPolicy:
        # The user's own text, not its content in another form.
        Administration(self._service).set_access_policy(self.vault, document.text)
        return AccessPolicy(self.vault, self._service)  # read again: as the service has stored it

    def remove(self) -> Change[str]:
        """Return the plan to remove the policy; removing none is no error."""
        words = [] if self.document is None else self.document.words()
        return Change(
            f"Remove the access policy of {self.vault}",
            act=self._remove,
            facts=[
                ("policy", "none" if self.document is None else "; ".join(words) or "lost"),
                ("then", "only identities of its own account can use the vault"),
            ],
            text="" if self.document is None else self.document.pretty(),
            button="Remove",
        )

    def _remove(self) -> str:
        Administration(self._service).remove_access_policy(self.vault)
        return f"{self.vault} no longer has an access policy."

    def _heading(self) -> list[str]:
        return [f"The access policy of {self.vault}"]
