"""Which widget shows what."""

from importlib import import_module

import pytest

from glacier_magic.notebook.views import VIEWS, view_of


@pytest.mark.parametrize(("kind", "maker"), list(VIEWS.items()))
def test_every_kind_and_every_maker_is_there(kind: tuple[str, str], maker: tuple[str, str]) -> None:
    """They are named in text, so that nothing is imported before it is shown."""
    module, name = kind
    assert isinstance(getattr(import_module(module), name), type)
    module, name = maker
    assert callable(getattr(import_module(f"glacier_magic.notebook.{module}"), name))


def test_what_no_widget_shows_is_an_error() -> None:
    """In words."""
    with pytest.raises(TypeError, match="No widget shows a int"):
        view_of(1)
