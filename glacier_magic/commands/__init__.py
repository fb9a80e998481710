"""The verbs: words, help, and the calls into the package, the same for every face."""

from .console import Console, Face
from .dispatch import run
from .grammar import Help
from .verbs import VERBS

__all__ = ["VERBS", "Console", "Face", "Help", "run"]
