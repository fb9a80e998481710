"""Whether the Jupyter server may watch, and offers to."""

import os

from glacier_magic.watch.consent import consent, offer, offered, set_consent, withdraw


def test_the_server_may_once_the_user_has_said_so():
    """Remembered for the user, and taken back."""
    assert not consent()
    set_consent(on=True)
    assert consent()
    set_consent(on=False)
    set_consent(on=False)
    assert not consent()


def test_a_server_offers_while_it_runs(home):
    """A server that was killed offers nothing."""
    assert not offered()
    offer()
    assert offered()
    [file] = (home / "own").glob("server-offers")
    file.write_text(file.read_text().replace(f":{os.getpid()}:", ":4194303:"))
    assert not offered()
    offer()
    withdraw()
    assert not offered()
