"""The paths of the files of a restore."""

import pytest

from glacier_magic.catalogue import ArchiveRecord
from glacier_magic.plans.restore.targets import targets


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
        ArchiveRecord.described(
            f"x/{name}",
            vault="v",
            archive_id=name,
            size=1,
            created=1,
            tree_hash=f"{number:064x}",
            state="present",
            seen=None,
        )
        for number, name in enumerate(names)
    ]
    found = [path.name for _, path in targets([(archive, None) for archive in archives], tmp_path)]
    assert found[0] == names[0]
    assert " (2)" in found[1]
