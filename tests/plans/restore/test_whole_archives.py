"""Whole archives, decided together: the items are those of archives that are decided one by one."""

import hashlib
import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives import archive_sequence
from glacier_magic.catalogue.records.job_records import JobRecord
from glacier_magic.errors import InputError
from glacier_magic.plans.restore.items import decide
from glacier_magic.plans.restore.whole_archives import decide_whole
from tests.catalogue import mark_deleted, wanted
from tests.transfer.migrate.test_object_keys import archive

NAMES = ["a", "A", "a (2)", "d/a", "D/a", "d", "out/a", "file/b", "there/a", "link/a", "con", "x:y", "", "é"]
CONTENTS = [bytes([97 + number]) * (1 + number) for number in range(3)]
HASHES = [hashlib.sha256(content).hexdigest() for content in CONTENTS]
STATES = ["planned", "waiting", "ready", "failed", "expired", "verified", "forgotten"]


def stored(catalogue, chance):
    """Return some archives with a few deletions and jobs, as columns or as records."""
    for number in range(chance.randint(3, 9)):
        content, known = chance.randrange(3), chance.random() < 0.85
        made = replace(
            archive(number, chance.choice(NAMES), content),
            size=1 + content if known else chance.choice([None, 0]),
            tree_hash=HASHES[content] if known or chance.random() < 0.5 else None,
            state="uploaded",
        )
        catalogue.archives.record(made)
        if chance.random() < 0.1:
            mark_deleted(catalogue, made.archive_id, now=5)
        if chance.random() < 0.15:
            status = chance.choice(["InProgress", "Succeeded"])
            job = {"vault": "photos", "job_id": f"j{number}", "action": "ArchiveRetrieval", "status": status}
            facts = {name: getattr(made, name) for name in ("archive_id", "size", "tree_hash")}
            catalogue.jobs.record([JobRecord(**job, **facts)])
        yield made


def files(root, outside, chance):
    """Write some files and links below a folder, or leave it out."""
    if chance.random() < 0.7:
        (root / "there").mkdir(parents=True)
        for name in chance.sample(["a", "A", "a (2)", "file", "d", "there/a", "there/a (2)"], 3):
            (root / name).write_bytes(chance.choice(CONTENTS))
        links = {"out": outside, "link": root / "there", "a (3)": outside / "none"}
        for name in chance.sample(sorted(links), chance.randrange(3)):
            (root / name).symlink_to(links[name])


def downloads(catalogue, made, root, chance):
    """Write some downloads into the folder or another one."""
    for each in chance.sample(made, 2):
        folder = chance.choice([root, root.with_name("elsewhere")])
        folder.mkdir(exist_ok=True)
        target = folder / each.archive_id[:8]
        known = {"size": each.size, "tree_hash": each.tree_hash, "state": chance.choice(STATES)}
        if known["state"] == "verified" and each.tree_hash:
            target.write_bytes(CONTENTS[HASHES.index(each.tree_hash)])
        known |= {"target": str(target), "root": str(folder), "due": chance.choice([None, 9**12])}
        known |= {"archive_id": each.archive_id, "token": each.archive_id, "name": each.name, "asked": 4}
        (number,) = catalogue.downloads.want([wanted(tier=chance.choice(["Bulk", "Standard"]), **known)])
        part = chance.choice([None, f"{target}.part"])
        catalogue.downloads.update(number, part_path=part, owner=chance.choice([None, "held"]))


@pytest.mark.parametrize("number", range(60))
def test_the_items_are_those_of_each_archive(number, monkeypatch):
    """With files, links, downloads, jobs and deletions; equal names, equal bytes and unknown ones."""
    chance = random.Random(number)
    monkeypatch.setattr(archive_sequence, "PIECE", chance.choice([2, 10_000]))
    with TemporaryDirectory() as name:
        root, outside = Path(name) / "root", Path(name) / "outside"
        outside.mkdir()
        files(root, outside, chance)
        catalogue = Catalogue(Path(name) / "catalogue.sqlite", Scope("111111111111", "eu-west-1"))
        downloads(catalogue, list(stored(catalogue, chance)), root, chance)
        found = archive_sequence.by_age(catalogue.archives.matching("photos", "*"))
        known = {"vault": "photos", "tier": "Bulk", "to": root, "catalogue": catalogue}
        try:
            wanted = decide(list(found), [None] * len(found), **known)
        except InputError:  # a link leads out
            with pytest.raises(InputError):
                decide_whole(found, **known)
        else:
            items = decide_whole(found, **known)
            assert list(items) == wanted
            assert list(items.keys("request")) == [each.key for each in wanted if each.action == "request"]
            sizes = [each.retrieved for each in wanted if each.action == "request"]
            assert list(items.retrieved("request")) == sizes
            fetched = sum(each.fetched or 0 for each in wanted)
            assert sum(each.fetched for each in items.sums.values()) == fetched
        catalogue.close()


@pytest.mark.parametrize("alone", [True, False])
def test_a_name_beside_an_existing_file_is_not_that_of_another_archive(tmp_path, alone):
    """Also where another program's file has the archive's name, and a number is that of an archive."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_bytes(b"another")
    catalogue = Catalogue(tmp_path / "catalogue.sqlite", Scope("111111111111", "eu-west-1"))
    for number, name in enumerate(["A (2)", "a", "a", "b"]):
        catalogue.archives.record(replace(archive(number, name, number), state="uploaded"))
    found = archive_sequence.by_age(catalogue.archives.matching("photos", "*"))
    known = {"vault": "photos", "tier": "Bulk", "to": root, "catalogue": catalogue}
    items = decide(list(found), [None] * 4, **known) if alone else decide_whole(found, **known)
    assert [item.target.name for item in items] == ["A (2)", "a (4)", "a (3)", "b"]
    catalogue.close()
