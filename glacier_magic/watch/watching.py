"""Who watches, and whether the Jupyter server may and can."""

from __future__ import annotations

from ..jobs.watched import Watching, watching
from .consent import consent, offer, offered, set_consent, withdraw

__all__ = ["Watching", "consent", "offer", "offered", "set_consent", "watching", "withdraw"]
