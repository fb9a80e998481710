"""The vaults of all regions in one table: with what they cost, and those that lie idle."""

from decimal import Decimal

import pytest

from glacier_magic.service import Connection
from glacier_magic.service import regions as service_regions


@pytest.fixture
def far(emulator, region):
    """Another region, with a vault that has been as it is for over a year."""
    name = f"{region}-far"
    client = emulator.client(name)
    client.create_vault(vaultName="old")
    client.upload_archive(vaultName="old", body=b"x" * 1000)
    client.create_vault(vaultName="empty")
    return name


def test_vaults_of_several_regions_are_in_one_table(session, vault, far, region, emulator, home):
    """With the cost of each vault, and a total."""
    (home / "own").mkdir(exist_ok=True)
    (home / "own" / "prices.toml").write_text("[all]\nstorage = 1000\n")
    emulator.advance(days=2)
    found = session.vaults_everywhere([region, far, far])
    table = found.table
    assert list(table["region"]) == [region, far, far]
    assert list(table["vault"]) == ["photos", "empty", "old"]
    assert list(table["archives"]) == [0, 0, 1]
    assert not table["idle"].any()
    month = table["month"][2]
    assert month == Decimal(1000) * (1000 + 32768) / (1 << 30)
    assert f"{found.asked} checked" in repr(found)
    assert "1 archive" in repr(found)
    assert "old" in found._repr_html()


def test_a_price_that_is_not_known_stays_unknown(session, far, emulator):
    """And so is the total; the way to ask for it is beside it."""
    emulator.advance(days=2)
    found = session.vaults_everywhere([far])
    assert dict(zip(found.table["vault"], found.table["month"], strict=True)) == {
        "empty": Decimal(0),
        "old": None,
    }
    assert found.total.total is None
    assert "glacier-magic cost --refresh --region" in repr(found)


def test_idle_is_what_has_not_changed_for_over_a_year(own_emulator, tmp_path):
    """By its last inventory; a vault that never had one by its creation."""
    import glacier_magic as gm

    client = own_emulator.client("eu-west-1")
    for name in ("still", "empty"):
        client.create_vault(vaultName=name)
    client.upload_archive(vaultName="still", body=b"x")
    own_emulator.advance(days=380)
    client.create_vault(vaultName="new")
    client.upload_archive(vaultName="new", body=b"x")
    own_emulator.advance(days=2)
    with gm.connect(
        emulator=own_emulator.folder, region="us-east-1", catalogue=tmp_path / "c.sqlite"
    ) as session:
        found = session.vaults_everywhere()
    table = found.table.set_index("vault")
    assert dict(table["idle"]) == {"empty": True, "new": False, "still": True}
    assert set(table["region"]) == {"eu-west-1"}
    assert "no archive was added or removed" in repr(found)
    assert 0 < found.total.total < Decimal("0.000001")  # two archives of one byte, each with 32 KiB
    assert found.asked > 20


def test_a_region_without_access_is_a_note_and_no_error(session, vault, region, monkeypatch):
    """Not enabled, denied, unreachable, or no region at all: each told, once a reason."""
    from glacier_magic.errors import AccessDenied, CredentialsError, Unavailable
    from glacier_magic.service import Service

    errors = {
        "closed-1": CredentialsError("unknown key", code="UnrecognizedClientException"),
        "closed-2": CredentialsError("unknown key", code="UnrecognizedClientException"),
        "denied-1": AccessDenied("denied"),
        "gone-1": Unavailable("no route"),
    }
    vaults = Service.vaults

    def told(self):
        if self.region in errors:
            raise errors[self.region]
        return vaults(self)

    monkeypatch.setattr(Service, "vaults", told)
    found = session.vaults_everywhere([region, *errors, "no/../region"])
    assert list(found.table["vault"]) == ["photos"]
    assert set(found.skipped) == {*errors, "no/../region"}
    assert "Not seen: closed-1, closed-2: the region is not enabled" in repr(found)
    assert "no response" in repr(found)


def test_a_denied_list_of_one_region_leaves_the_others(session, vault, region, emulator):
    """The real refusal of a service."""
    emulator.fault("access-denied", "ListVaults", times=1)
    found = session.vaults_everywhere([region])
    assert "denied" in found.skipped[region]
    assert len(found.table) == 0
    assert list(found.table.columns) == [
        "region",
        "vault",
        "archives",
        "size",
        "created",
        "inventory",
        "idle",
        "month",
    ]


def test_the_regions_are_those_of_the_own_partition(session):
    """China's are another account's."""
    names = service_regions.regions_of(session.service)
    assert {"us-east-1", "eu-west-1", session.region} <= set(names)
    assert not any(name.startswith("cn-") for name in names)
    assert service_regions.partition_of(session.service) == "aws"
    there = service_regions.in_region(session.service, Connection(), "cn-north-1")
    assert service_regions.partition_of(there) == "aws-cn"
