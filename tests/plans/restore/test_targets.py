"""The paths of the files of a restore."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.errors import InputError
from glacier_magic.plans.restore.targets import Targets, targets
from tests.catalogue import archive_record
from tests.transfer.migrate.test_object_keys import archive


@pytest.mark.parametrize(
    "names",
    [
        ("A.txt", "a.txt"),
        ("\u00e4.txt", "a\u0308.txt"),
        ("\u00c4.txt", "a\u0308.txt"),
        ("Stra\u00dfe", "STRASSE"),
    ],
)
def test_names_that_a_disk_may_not_tell_apart_get_files_of_their_own(tmp_path, names):
    """Disks of Macs and Windows ignore case; those of Macs also how characters are composed."""
    archives = [
        archive_record(f"x/{name}", archive_id=name, tree_hash=f"{number:064x}")
        for number, name in enumerate(names)
    ]
    found = [path.name for _, path in targets([(archive, None) for archive in archives], tmp_path)]
    assert found[0] == names[0]
    assert " (2)" in found[1]


PLAIN = ["a", "A", "a (2)", "a (2) (2)", "d/a", "D/a", "d", "d/e/f.tar.gz", "out/a", "out", "file", "file/b"]
THERE = ["there/a.txt", "there/A.TXT", "there/b", "there/b (2)"]
CHANGED = ["con", "d/nul.txt", ".hidden", "d/.", "end. ", "c:/x", "x:y", "", "//a", "a\\b", "tab\t", "\u200d"]
LONG = ["x" * 190, "ä" * 120, "y/" * 70 + "z", "q" * 300, "é", "e\u0301"]
NAMES = st.one_of(st.sampled_from([*PLAIN, *THERE, *CHANGED, *LONG]), st.text(max_size=6))


@settings(max_examples=200)
@given(st.lists(st.tuples(NAMES, st.integers(0, 1)), min_size=1, max_size=8))
def test_many_files_are_those_of_each(made):
    """Plain names are looked at together, and folders on the disk once."""
    archives = [archive(number, name, content) for number, (name, content) in enumerate(made)]
    with TemporaryDirectory() as outside, TemporaryDirectory() as name:
        root = Path(name)
        (root / "there").mkdir()
        (root / "there" / "a.txt").write_text("a")
        (root / "file").write_text("b")
        (root / "a (2)").symlink_to(Path(outside) / "none")
        (root / "out").symlink_to(outside)
        for folder in (root, root / "new"):
            try:
                wanted = targets([(each, None) for each in archives], folder)
            except InputError:  # a link leads out
                with pytest.raises(InputError):
                    Targets.of(archives, folder)
                continue
            found = Targets.of(archives, folder)
            assert list(zip(found.own, found.chosen, strict=True)) == [(str(a), str(b)) for a, b in wanted]
            for place, paths in enumerate(wanted):
                assert place in found.existing or not any(os.path.lexists(path) for path in paths)
