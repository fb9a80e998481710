"""Exploring a vault: filters, facets, a treemap, and a selection from which plans are made."""

from __future__ import annotations

from .explorer import Explorer

__all__ = ["Explorer"]
