"""The key pair that every emulator knows."""

ACCESS_KEY = "emulator"
SECRET_KEY = "emulator"  # noqa: S105 - published here, and opens nothing else
