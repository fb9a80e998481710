"""``migrate``, ``migrations``, ``rm --migrated`` and ``policy --iam migrate`` as they are typed."""

import json

import pytest

from glacier_magic.errors import InputError, NotConfirmed, NotReady


@pytest.fixture
def filled(main, files, region):
    """The command line with a vault of two archives in use; and the place to move them to."""
    main.ok("create", "photos")
    main.ok("use", "photos")
    for name in ("a.tif", "b.tif"):
        files(name, name.encode())
        main.ok("upload", name)
    main.ok("emulator", "bucket", f"typed-{region}")
    main.ok("emulator", "advance", "91d")
    main.to = f"s3://typed-{region}/in"
    return main


def test_out_of_a_vault(filled, client, tmp_path):
    """The plan, the move, the list, the manifest, and the deletion of the sources."""
    assert filled("migrate", "*.tif", "--to", filled.to, "--class", "glacier-ir") == InputError.exit_code
    assert "Move 2 archives" in filled.out
    assert f"{filled.to}/a.tif" in filled.out
    assert client.list_jobs(vaultName="photos")["JobList"] == []
    filled("migrate", "*", "--to", filled.to, "--yes", "--destination", "here")
    assert filled("wait", "--timeout", "0.1") == NotReady.exit_code
    filled.ok("emulator", "advance", "5h")
    filled.ok("wait", "--timeout", "30")
    assert "2 moves of archives of photos (10 B): 2 proven" in filled.ok("migrations")
    manifest = tmp_path / "moved.csv"
    assert "2 rows" in filled.ok("migrations", "--manifest", str(manifest))
    assert manifest.read_text("utf-8").count("DEEP_ARCHIVE") == 2
    assert filled("rm", "--migrated", "--yes") == NotConfirmed.exit_code
    assert "Deleted 2 archives" in filled.ok("rm", "--migrated", "--confirm", "photos", "--max-fee", "0")
    assert "deleted" in filled.ok("migrations")


@pytest.mark.parametrize(
    "words",
    [
        ("migrate", "--to", "s3://b"),
        ("migrate", "*"),
        ("migrate", "*", "--to", "folder"),
        ("migrate", "*", "--to", "s3://no-such-bucket-here"),
        ("migrate", "*", "--to", "s3://b", "--class", "reduced"),
        ("migrate", "*", "--to", "s3://b", "--workers", "processes:0"),
        ("rm", "--migrated", "a.tif"),
        ("rm", "--migrated"),
        ("policy", "--iam", "restore"),
    ],
)
def test_what_is_refused(filled, words):
    """With a sentence on what to do."""
    assert filled(*words) == InputError.exit_code


def test_the_permissions_of_moves(main):
    """They are printed on request, for one bucket; nothing deletes an object."""
    assert "s3:" not in main.ok("policy", "--iam")
    policy = json.loads(main.ok("policy", "--iam", "migrate", "archive-2026"))
    actions = {each["Sid"]: each for each in policy["Statement"]}
    assert actions["MoveBucket"]["Resource"] == ["arn:aws:s3:::archive-2026"]
    assert "s3:PutObject" in actions["MoveObjects"]["Action"]
    assert not [
        action for each in policy["Statement"] for action in each["Action"] if "DeleteObject" in action
    ]
