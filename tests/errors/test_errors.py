"""What an error says: the message and the cure, each a sentence."""

import pytest

from glacier_magic.errors import InputError


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Which vault?", "Which vault? Name it."),
        ("No!", "No! Name it."),
        ("No such vault", "No such vault. Name it."),
        ("No such vault.", "No such vault. Name it."),
    ],
)
def test_a_sentence_ends_once(message, said):
    """A question mark is an end, too."""
    assert str(InputError(message, cure="Name it.")) == said
