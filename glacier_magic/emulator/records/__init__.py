"""The rows of the store: vaults, archives, uploads, jobs and settings."""
