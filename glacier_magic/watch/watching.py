"""Who watches, and whether the Jupyter server may."""

from __future__ import annotations

from ..jobs.watched import Watching, watching
from .consent import consent, set_consent

__all__ = ["Watching", "consent", "set_consent", "watching"]
