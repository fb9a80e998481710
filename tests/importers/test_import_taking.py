"""Taking over another program's record: new facts only, never instead of better ones."""

from dataclasses import replace

import pytest

from glacier_magic import importers
from glacier_magic.catalogue import ArchiveRecord, Catalogue, Scope, maintenance
from glacier_magic.catalogue.archives.archives import LAG
from glacier_magic.errors import InputError
from glacier_magic.importers import Imported, ImportedArchive, Left
from glacier_magic.importers.taking import CHUNK
from tests.catalogue import read_inventory

SCOPE = Scope("012345678901", "eu-west-1")
ID, OTHER = "A" * 138, "B" * 138
HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MADE = 1_600_000_000_000


@pytest.fixture
def catalogue(tmp_path):
    """An empty catalogue."""
    made = Catalogue(tmp_path / "catalogue.sqlite", SCOPE)
    yield made
    made.close()


@pytest.fixture
def take(catalogue, tmp_path):
    """Take archives, as if a file held them."""

    def take(*archives, jobs=(), **options):
        imported = Imported(
            format="a test's", source=tmp_path / "file", items=iter(archives), jobs=iter(jobs), left=Left()
        )
        return importers.take(imported, catalogue, **({"vault": "photos"} | options))

    return take


def known(**facts):
    """Make an archive as the catalogue has it."""
    given = {
        "vault": "photos",
        "archive_id": ID,
        "name": "a.txt",
        "description": "a.txt",
        "format": "plain",
        "mtime": None,
        "size": 5,
        "created": MADE,
        "tree_hash": HASH,
        "state": "present",
        "seen": MADE,
    }
    return ArchiveRecord(**(given | facts))


def test_what_no_inventory_has_listed_is_unknown(catalogue, take):
    """A new archive comes with the facts of the file, its name decoded, and can be listed."""
    text = "<m><v>4</v><p>Yi50eHQ=</p><lm>19700101T000001Z</lm></m>"
    report = take(
        ImportedArchive(archive_id=ID, description=text, name=text, size=7),
        ImportedArchive(archive_id=OTHER, name="c.txt", mtime_ms=3, created_ms=4, tree_hash=HASH),
        ImportedArchive(archive_id="C" * 138),
    )
    assert (report.taken, report.known, report.vaults) == ({"unknown": 3}, 0, {"photos": 3})
    first, second, third = sorted(catalogue.archives.matching("photos"), key=lambda a: a.archive_id)
    assert (first.name, first.format, first.mtime, first.size) == ("b.txt", "fastglacier-4", 1000, 7)
    assert (first.description, first.state, first.seen) == (text, "unknown", None)
    assert (second.name, second.mtime, second.created, second.tree_hash) == ("c.txt", 3, 4, HASH)
    assert (second.description, second.format) == ("", "imported")
    assert (third.name, third.format) == ("", "none")


def test_taking_again_changes_nothing(catalogue, take):
    """The second time everything is known."""
    archive = ImportedArchive(archive_id=ID, description="a.txt", size=7)
    gone = ImportedArchive(archive_id=OTHER, deleted=True)
    take(archive, gone)
    before = [catalogue.archives.get("photos", i) for i in (ID, OTHER)]
    report = take(archive, gone)
    assert (report.taken.total(), report.completed, report.known) == (0, 0, 2)
    assert [catalogue.archives.get("photos", i) for i in (ID, OTHER)] == before


def facts_of(catalogue):
    """Return the archive as the catalogue has it, but for the inventory it was last in."""
    return replace(catalogue.archives.get("photos", ID), seen=MADE)


@pytest.mark.parametrize("state", ["present", "pending", "deleted here", "gone"])
def test_what_the_catalogue_knows_stays(catalogue, take, state):
    """Neither a state, nor a fact, nor a name is overwritten."""
    catalogue.archives.record(known(state=state))
    report = take(
        ImportedArchive(
            archive_id=ID, description="other", size=1, created_ms=1, deleted=state != "deleted here"
        )
    )
    assert (report.taken.total(), report.completed, report.known) == (0, 0, 1)
    assert facts_of(catalogue) == known(state=state)


def test_missing_facts_are_added(catalogue, take):
    """What the catalogue lacks of an archive, it learns; the rest stays."""
    catalogue.archives.record(known(size=None, tree_hash=None))
    report = take(ImportedArchive(archive_id=ID, size=9, created_ms=1, tree_hash=HASH))
    assert (report.completed, report.known) == (1, 0)
    assert facts_of(catalogue) == known(size=9)


def test_an_unknown_state_becomes_known(catalogue, take):
    """A second file can tell what the first did not."""
    take(ImportedArchive(archive_id=ID))
    report = take(ImportedArchive(archive_id=ID, size=4, deleted=True))
    assert (report.taken.total(), report.completed) == (0, 1)
    archive = catalogue.archives.get("photos", ID)
    assert (archive.state, archive.size) == ("deleted here", 4)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "unknown"),
        ({"created_ms": MADE - LAG}, "unknown"),
        ({"created_ms": MADE - LAG - 1}, "gone"),
        ({"seen_ms": MADE}, "unknown"),
        ({"seen_ms": MADE - 1}, "gone"),
        ({"seen_ms": MADE - 1, "deleted": True}, "deleted here"),
    ],
)
def test_what_a_later_inventory_lacks_is_gone(catalogue, take, facts, state):
    """An archive too old to be missing from the last inventory is kept, as gone."""
    read_inventory(catalogue, [], MADE)
    assert take(ImportedArchive(archive_id=ID, **facts)).taken == {state: 1}
    assert catalogue.archives.get("photos", ID).state == state


def test_an_inventory_settles_what_was_unknown(catalogue, take):
    """Once an inventory lists it, it is an archive like any other."""
    take(ImportedArchive(archive_id=ID, description="a.txt"))
    read_inventory(catalogue, [known()], MADE)
    assert facts_of(catalogue) == known()


def test_archives_of_other_places_are_left(catalogue, take):
    """What belongs elsewhere does not get into this account, region or vault."""
    report = take(
        ImportedArchive(archive_id=ID, vault="music"),
        ImportedArchive(archive_id=ID, account="999999999999", vault="photos"),
        ImportedArchive(archive_id=ID, region="us-east-1", name="a", vault="photos"),
        ImportedArchive(archive_id=OTHER, account=SCOPE.account, region=SCOPE.region),
    )
    assert report.taken == {"unknown": 1}
    assert [why for _, why in report.left] == [
        "it is in a vault other than photos",
        "it belongs to another account: connect to that account first",
        "it is in us-east-1: glacier_magic.connect(region='us-east-1') first",
    ]
    assert catalogue.archives.get("photos", ID) is None


def test_a_file_that_names_its_vaults_fills_them(catalogue, take):
    """Without a vault given, each archive goes to its own; an impossible name is left."""
    report = take(
        ImportedArchive(archive_id=ID, vault="photos"),
        ImportedArchive(archive_id=OTHER, vault="music"),
        ImportedArchive(archive_id=OTHER, vault="a/../b"),
        vault=None,
    )
    assert report.vaults == {"photos": 1, "music": 1}
    assert list(report.left) == [(OTHER, "its vault has an invalid name")]


def test_a_file_without_a_vault_needs_one(catalogue, take):
    """It is asked for once, or the error says how to give it; then nothing is written."""
    archives = [ImportedArchive(archive_id=ID), ImportedArchive(archive_id=OTHER)]
    with pytest.raises(InputError, match=r"vault=\.\.\."):
        take(*archives, vault=None)
    assert catalogue.archives.count("photos") == 0
    asked = []
    take(*archives, vault=None, otherwise=lambda: asked.append(1) or "photos")
    assert (len(asked), catalogue.archives.count("photos")) == (1, 2)


@pytest.fixture
def name(catalogue, tmp_path):
    """Name archives, as if a table held the names."""

    def name(*archives, vault="photos", **options):
        imported = Imported(
            format="a test's", source=tmp_path / "file", items=iter(archives), left=Left(), names_only=True
        )
        return importers.take(imported, catalogue, vault=vault, **options)

    return name


@pytest.mark.parametrize("state", ["present", "pending", "deleted here", "gone"])
@pytest.mark.parametrize(("form", "text"), [("none", ""), ("plain", "0001")])
def test_a_name_that_is_kept_elsewhere_stands_for_a_description(catalogue, name, state, form, text):
    """The description stays, and so do all facts; folders and searches have the new name."""
    before = known(name=text, description=text, format=form, state=state)
    catalogue.archives.record(before)
    catalogue.archives.query("photos", text="0001")  # so that the search table has its name
    given = ImportedArchive(archive_id=ID, name="2015/a.jpg", mtime_ms=7, size=99)
    assert name(given, dry_run=True).completed == 1
    assert facts_of(catalogue) == before
    report = name(given)
    assert (report.completed, report.known, len(report.left)) == (1, 0, 0)
    after = replace(before, name="2015/a.jpg", format="imported", mtime=7)
    assert facts_of(catalogue) == after
    shown = int(state in ("present", "pending"))
    assert [len(catalogue.archives.query("photos", text=word).records) for word in ("2015", "0001")] == [
        shown,
        0,
    ]
    assert [f.archives for f in catalogue.archives.du("photos", "2015", 0)] == [1] * shown
    assert sum(f.archives for f in catalogue.archives.du("photos", "", 0)) == shown
    again = name(given)
    assert (again.completed, again.known) == (0, 1)
    name(replace(given, name="b.jpg"))  # a table can be corrected
    assert facts_of(catalogue).name == "b.jpg"
    assert [each for each in maintenance.check(catalogue) if each.problems] == []


def test_a_name_in_a_description_outranks_a_table(catalogue, name):
    """What differs from it is left and told."""
    text = "<m><v>4</v><p>Yi50eHQ=</p></m>"
    encoded = known(name="b.txt", description=text, format="fastglacier-4")
    catalogue.archives.record(encoded)
    catalogue.archives.record(known(archive_id=OTHER))
    report = name(
        ImportedArchive(archive_id=ID, name="c.txt"), ImportedArchive(archive_id=OTHER, name="a.txt")
    )
    assert (report.completed, report.known) == (0, 2)
    assert list(report.left) == [("c.txt", "the description of its archive encodes another name")]
    assert facts_of(catalogue) == encoded


def test_names_of_unknown_archives_add_none(catalogue, name):
    """They are counted; if there are no others, the vault is probably another one."""
    catalogue.archives.record(known())
    report = name(ImportedArchive(archive_id=ID, name="b.txt"), ImportedArchive(archive_id=OTHER, name="c"))
    assert (report.completed, report.left.reasons.total()) == (1, 1)
    with pytest.raises(
        InputError, match=r"names no archive .*catalogue knows no archive of music .*\(2\)"
    ) as caught:
        name(
            ImportedArchive(archive_id=ID, name="b"),
            ImportedArchive(archive_id=OTHER, name="c"),
            vault="music",
        )
    assert "inventory" in caught.value.cure
    with pytest.raises(InputError, match="names no archive"):
        name()
    assert catalogue.archives.count("photos") == 1
    assert catalogue.archives.get("music", ID) is None


def test_a_record_names_what_has_no_description(catalogue, take):
    """The earliest bakthat stored none; an inventory that is read later does not undo it."""
    catalogue.archives.record(known(name="", description="", format="none"))
    stored = "documents20121114103045.tgz.enc"
    take(ImportedArchive(archive_id=ID, name=stored, description=stored, note="tags home"))
    archive = facts_of(catalogue)
    assert (archive.name, archive.format, archive.file_name) == ("documents", "bakthat", stored)
    assert (archive.note, archive.size) == ("tags home", 5)
    read_inventory(catalogue, [known(name="", description="", format="none")], MADE + 1)
    assert facts_of(catalogue).file_name == stored


def test_a_name_that_an_inventory_does_not_have_survives_it(catalogue, take):
    """It lists the archive for the first time, with a description that encodes no name."""
    take(ImportedArchive(archive_id=ID, name="a.jpg", note="tags home"))
    read_inventory(catalogue, [known(name="0001", description="0001")], MADE)
    archive = facts_of(catalogue)
    assert (archive.name, archive.description, archive.note) == ("a.jpg", "0001", "tags home")


def test_a_dry_run_writes_nothing(catalogue, take):
    """It counts what would be taken."""
    report = take(ImportedArchive(archive_id=ID), dry_run=True)
    assert (report.taken, report.dry_run) == ({"unknown": 1}, True)
    assert catalogue.archives.get("photos", ID) is None


def test_jobs_are_counted_only(catalogue, take):
    """The service lists those that it still has."""
    assert take(jobs=["J" * 92]).jobs == 1
    assert catalogue.jobs.known() == []


def test_an_archive_that_a_file_has_twice_is_taken_once(catalogue, take):
    """The second time it can only complete the first."""
    twice = [ImportedArchive(archive_id=ID, name="a.txt"), ImportedArchive(archive_id=ID, size=3)]
    report = take(*twice, twice[0])
    assert (report.taken, report.completed, report.known) == ({"unknown": 1}, 1, 1)
    archive = catalogue.archives.get("photos", ID)
    assert (archive.name, archive.size) == ("a.txt", 3)


def test_many_archives_are_taken_in_batches(catalogue, tmp_path):
    """A file whose end cannot be read has its beginning in the catalogue, and can be repeated."""

    def many(end):
        for number in range(2 * CHUNK + 7):
            if number == end:
                raise OSError("the disk is gone")
            yield ImportedArchive(archive_id=f"{number:0138}", description=f"file {number}")

    def imported(end=None):
        return Imported(format="a test's", source=tmp_path, items=many(end), jobs=iter(()), left=Left())

    with pytest.raises(OSError, match="disk"):
        importers.take(imported(CHUNK + 5), catalogue, vault="photos")
    assert catalogue.archives.count("photos") == CHUNK
    report = importers.take(imported(), catalogue, vault="photos")
    assert (report.taken["unknown"], report.known) == (CHUNK + 7, CHUNK)
    assert catalogue.archives.count("photos") == 2 * CHUNK + 7
