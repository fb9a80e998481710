"""A vault to look around in: filters, facets, pictures, and a selection that opens plans."""

from __future__ import annotations

from .explorer import Explorer

__all__ = ["Explorer"]
