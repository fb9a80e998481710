"""What Python, a shell and a notebook show of the public objects."""

import glacier_magic as gm
from glacier_magic.service import Connection
from tests.counting import counting


def shown(thing):
    """Return the text of an object, and its HTML in a notebook."""
    return repr(thing), thing._repr_mimebundle_()["text/html"]


def test_a_vault_shows_what_the_catalogue_knows(filled, listed, emulator):
    """Name, region, archives, bytes and the date of the inventory; no request is sent."""
    with counting(emulator, "DescribeVault") as described, counting(emulator, "ListVaults") as vaults:
        text, html = shown(filled)
        assert described() + vaults() == 0
    assert text.startswith("<Vault 'photos': region ")
    assert text.endswith(", archives 3, size 2.64 KiB, inventory not read yet>")
    assert "<th scope='row'>archives</th>" in html
    listed(filled)
    assert "not read" not in repr(filled)
    assert "archives 0" in repr(filled.session.vault("unknown"))


def test_a_session_shows_its_place_and_no_account(session, vault):
    """Nor does its connection; after its end it says so, and raises no error."""
    for text in shown(session):
        assert session.account not in text
        assert session.region in text
        assert "photos" in text
        assert f"********{session.account[-4:]}" in text
    assert session.account not in repr(Connection(account=session.account))
    session.close()
    assert "closed" in repr(session)
    assert "closed" in repr(vault)


def test_a_stored_archive_shows_its_facts(vault, files):
    """A hostile name cannot speak to the page."""
    archive = vault.upload(files("<b>.bin", b"a" * 2048))
    text, html = shown(archive)
    assert "2 KiB (2,048 bytes)" in text
    assert archive.id not in text
    assert "<b>." not in html
    assert archive == vault.upload("<b>.bin")


def test_every_public_object_shows_itself(session, filled, later, tmp_path):
    """As text and as HTML, without the account and without an error."""
    later(session, days=1.2)  # the first inventory exists
    plan = filled.restore("c.txt", to=tmp_path / "back")
    batch = plan.run()
    things = [
        plan,
        batch,
        *batch,
        session.jobs(),
        session.pending(),
        session.history(),
        session.history(limit=1),
        session.past_plan(1),
        session.drops(),
        session.held,
        session.capacity(),
        session.retrieval_policy(),
        session.notifications(),
        filled.tags(),
        filled.policy(),
        filled.lock(),
        filled.notifications(),
        filled.uploads(),
        filled.desk(),
        filled.delete("c.txt"),
        session.drop_vault("photos"),
        session.extend(),
        filled.refresh_inventory(),
        filled.delete("c.txt").run(),
        gm.Archive(id="x", name="", size=0, tree_hash="", created=None, vault="photos"),
    ]
    for thing in things:
        for text in shown(thing):
            assert text
            assert session.account not in text
            assert " object at 0x" not in text
