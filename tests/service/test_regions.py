"""The regions that have the vault service."""

from glacier_magic.service.regions import known_regions


def test_the_regions_are_known_without_a_configuration(monkeypatch):
    """A profile that is gone does not matter to the emulator, nor to a price list."""
    monkeypatch.setenv("AWS_PROFILE", "gone")
    known_regions.cache_clear()
    assert {"us-east-1", "eu-west-1", "cn-north-1"} <= set(known_regions())
