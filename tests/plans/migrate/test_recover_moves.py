"""A lost catalogue learns from the bucket what was moved: nothing that is written there is believed."""

from decimal import Decimal

import pytest

from glacier_magic.errors import InputError
from tests.transfer.migrate.conftest import MIB, archives, bucket, requests, s3, to

__all__ = ["archives", "bucket", "requests", "s3", "to"]

PART = 8 * MIB

pytestmark = pytest.mark.limits(object_part=PART, first_pause=0.01, longest_pause=0.05)


@pytest.fixture
def lost(vault, archives, to, ready, connect, tmp_path, listed):
    """Move two archives; return the vault by a new catalogue, with an inventory."""
    archives(small=10, parts=PART + 1)
    ready(vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run())
    found = connect(catalogue=tmp_path / "new.sqlite").vault("photos")
    listed(found)
    return found


def test_moves_are_learnt_proven_and_their_sources_deleted(lost, to, requests, later):
    """A list and a request for each object, once; what is larger than 1 MiB has to be read."""
    requests.again()
    plan = lost.recover_migrations(to)
    assert (requests("s3:ListObjectsV2"), requests("s3:HeadObject")) == (1, 0)
    assert [line.quantity for line in plan.quote.lines] == [Decimal("0.002")]
    assert sorted(plan.table.key) == ["in/parts", "in/small"]
    assert "made for this plan" in plan.card_html()
    assert plan.run() == "2 objects: 2 of this vault."
    again = lost.recover_migrations(to)
    assert again.empty
    assert again.run().startswith("0 objects")
    assert (requests("s3:ListObjectsV2"), requests("s3:HeadObject")) == (2, 2)
    table = lost.migrations().table.set_index("key")
    assert dict(table.proof) == {"in/small": 1, "in/parts": 1}
    assert set(table.state) == {"stored"}
    later(lost.session, days=91)
    with pytest.raises(InputError, match="No archive"):
        lost.delete_migrated()
    assert lost.session.jobs().snapshot.rows == ()
    assert "only sent" in repr(lost.migrations().prove().run())
    assert [archive.name for archive in lost.delete_migrated().archives] == ["small"]
    lost.migrations().prove(4).run()
    assert lost.migrate("*", to=to, storage_class="STANDARD").empty
    assert lost.delete_migrated().run(confirm="photos").deleted == 2


def test_what_others_wrote_is_not_believed(lost, to, s3, bucket, session, later):
    """Metadata of another form is counted; a claim that the bytes do not keep is no proof."""
    known = {archive.name: archive for archive in session.vault("photos").select("*")}
    ours = {"gm-archive-id": known["parts"].archive_id, "gm-vault": "photos"}
    claims = {
        "none": {},
        "id": ours | {"gm-archive-id": "../" + "a" * 135},
        "hash": ours | {"gm-tree-hash": "0" * 63 + "g"},
        "vault": ours | {"gm-vault": "other"},
        "name": ours | {"gm-vault": "a/b"},
        "claim": ours | {"gm-tree-hash": known["parts"].tree_hash},
    }
    for key, labels in claims.items():
        s3.put_object(Bucket=bucket, Key=f"in/{key}", Body=b"\0" * (PART + 1), Metadata=labels)
    plan = lost.recover_migrations(to)
    assert plan.run() == "8 objects: 3 of this vault, 1 of other vaults, 4 with other metadata."
    lost.migrations().prove(2).run()
    done = lost.migrations().prove(4).run()
    assert [verdict.moved.key for verdict in done.failed] == ["in/claim"]
    s3.delete_object(Bucket=bucket, Key="in/parts")
    lost.migrations().prove(2).run()
    later(lost.session, days=91)
    assert [archive.name for archive in lost.delete_migrated().archives] == ["small"]
