"""The key pair that every emulator accepts."""

ACCESS_KEY = "emulator"
SECRET_KEY = "emulator"  # noqa: S105 - published here, and opens nothing else
