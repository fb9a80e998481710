"""The archive console for Amazon Glacier vaults, inside the notebook."""

__version__ = "0.1.0"
