"""What a policy that a vault holds has in common with another: it is shown, and saved as it is."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.rendering import Rendered, escape, visible
from ..errors import NotFound
from .documents import Document
from .saving import save_new


class Held(Rendered):
    """A policy of a vault as it was when it was read.

    :param document: the policy, or None where there is none.
    """

    nothing = ""
    """What is said of a vault that has none, after its name."""
    lasting = False
    """Whether it is to hold for ever."""

    def __init__(self, vault: str, document: Document | None) -> None:
        self.vault, self.document = vault, document

    @property
    def text(self) -> str | None:
        """The policy as the service holds it, or None."""
        return None if self.document is None else self.document.text

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the policy as the service holds it, account ids and all, to a new file.

        :raises NotFound: there is none.
        :raises LocalError: the file exists already or cannot be written.
        """
        if self.document is None:
            raise NotFound(f"{self.vault} {self.nothing}", cure="There is nothing to save.")
        return save_new(path, self.document.text)

    def _heading(self) -> list[str]:
        raise NotImplementedError

    def _lines(self, document: Document) -> list[str]:
        words = document.words() or ["says nothing that is understood here"]
        return [
            *self._heading(),
            *(f"  {line}" for line in words),
            *(f"  WARNING: {line}" for line in document.warnings(lasting=self.lasting)),
        ]

    def _repr_text(self) -> str:
        if self.document is None:
            return f"{self.vault} {self.nothing}"
        lines = [*self._lines(self.document), *self.document.pretty().split("\n")]
        return "\n".join(visible(line) for line in lines)

    def _repr_html(self) -> str:
        if self.document is None:
            return f"<p>{escape(self._repr_text())}</p>"
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines(self.document))
        return f"{lines}<pre>{escape(self.document.pretty())}</pre>"
