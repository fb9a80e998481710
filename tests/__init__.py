"""The tests of glacier_magic: one folder for each room of the package."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The top of the source tree."""
