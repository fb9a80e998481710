"""Exploring a vault: filters, facets, a treemap, and a selection from which plans are made."""

from __future__ import annotations

from .explorer import Browser, Explorer

__all__ = ["Browser", "Explorer"]
