"""``restore --stop``: what is scheduled is taken back, by names or all of it."""

import pytest


@pytest.fixture
def paced(main, files, tmp_path):
    """A vault with three archives, one of which is asked for each day."""
    main.ok("create", "photos")
    for name in ("a.bin", "b.bin", "c.bin"):
        files(name, 100)
    main.ok("upload", "a.bin", "b.bin", "c.bin", "--vault", "photos")
    main.ok("restore", "*", "--vault", "photos", "--to", str(tmp_path / "back"), "--spread", "3d", "--yes")
    return main


def test_some_are_stopped_by_name_and_then_the_rest(paced):
    """The history says that the plan was stopped in part."""
    assert "1 archive, 100 B" in paced.ok("restore", "c.bin", "--stop", "--vault", "photos")
    assert "1 archive, 100 B" in paced.ok("restore", "--stop")
    assert "Nothing of it is scheduled" in paced.ok("restore", "--stop")


@pytest.mark.parametrize("option", [("--spread", "2d"), ("--tier", "bulk"), ("--to", "x")])
def test_other_options_are_refused_beside_it(paced, option):
    """Nothing is stopped then."""
    assert paced("restore", "--stop", *option) == 2
    assert "2 archives" in paced.ok("restore", "--stop")
