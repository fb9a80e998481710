"""Opening what other programs left: compressed, encrypted and packed files, layer after layer.

>>> import glacier_magic as gm
>>> gm.unpack("documents.20130214103045.tgz.enc", to="back")          # doctest: +SKIP
"""

from __future__ import annotations

from .keys import Keys

__all__ = ["Keys"]
