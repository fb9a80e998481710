"""Archives to look into."""

import pytest


@pytest.fixture
def store(vault, files):
    """Store bytes under a name, and keep no local copy."""

    def store(name, content):
        path = files("source", content)
        with path.open("rb") as file:
            vault.upload_stream(file, name)
        path.unlink()

    return store
